// What the page for people shows of one workspace, in one answer.
#include <algorithm>
#include <span>

#include "agent/net/http_syntax.hpp"
#include "agent/server/call.hpp"
#include "agent/server/query.hpp"
#include "agent/server/usage.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_usual_days = 30;
constexpr std::uint64_t k_most_days = 90;
constexpr std::size_t k_most_tags = 500;
constexpr std::size_t k_most_shown = 50;

io::Json day_json(const DayUse& day) {
  return io::JsonObject{{"date", date_of(day.day)},     {"hits", day.hits},
                        {"misses", day.misses},         {"errors", day.errors},
                        {"bytes_read", day.bytes_read}, {"bytes_written", day.bytes_written},
                        {"sessions", day.sessions}};
}

io::Json tag_json(const TagUse& tag) {
  return io::JsonObject{{"name", tag.name},         {"bytes", tag.bytes},
                        {"rows", tag.rows},         {"published_ms", tag.published_ms},
                        {"restores", tag.restores}, {"producer", tag.producer}};
}

io::Json session_json(const Session& session) {
  const auto ref = session.run.find("run_ref_name");
  return io::JsonObject{{"tool", session.tool},
                        {"run", ref != session.run.end() ? ref->second : std::string()},
                        {"producer", session.producer},
                        {"hits", session.hits},
                        {"misses", session.misses},
                        {"bytes_read", session.bytes_read},
                        {"duration_ms", session.duration_ms},
                        {"received_ms", session.received_ms}};
}

io::Json missed_json(const MissedKey& key) {
  return io::JsonObject{{"tool", key.tool},
                        {"hash", key.hash},
                        {"prefix", key.prefix},
                        {"misses", key.misses},
                        {"recurring", key.recurring()},
                        {"last_seen_ms", key.last_seen_ms}};
}

// The first `most` of them.
template <typename T>
io::JsonArray listed(const std::vector<T>& items, std::size_t most, io::Json (*to_json)(const T&)) {
  io::JsonArray array;
  std::ranges::transform(std::span(items).first(std::min(items.size(), most)), std::back_inserter(array),
                         to_json);
  return array;
}

}  // namespace

Result<Answer> workspace_usage(Context& context, const Call& call) {
  const auto asked = net::parse_length(query_value(call.query, "days")).value_or(k_usual_days);
  const auto days = static_cast<unsigned>(std::clamp<std::uint64_t>(asked, 1, k_most_days));
  AGENT_TRY(const auto seen, usage_of(context, call.workspace, days));
  const auto& totals = seen.period.totals;
  return Answer{.body =
                    io::JsonObject{{"generated_ms", seen.generated_ms},
                                   {"hit_rate", seen.hit_rate},
                                   {"total_bytes", seen.total_bytes},
                                   {"versions", seen.versions},
                                   {"restores", seen.restores},
                                   {"session_count", totals.count},
                                   {"session_errors", totals.with_errors},
                                   {"days", listed(seen.days, seen.days.size(), day_json)},
                                   {"tags", listed(seen.tags, k_most_tags, tag_json)},
                                   {"sessions", listed(seen.period.sessions, k_most_shown, session_json)},
                                   {"missed_keys", listed(seen.period.missed, k_most_shown, missed_json)}}};
}

}  // namespace agent::server
