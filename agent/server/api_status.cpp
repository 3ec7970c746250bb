// What there is to see of a workspace: status, sessions, missed keys. Every number that clients require is
// there; what this server does not measure (dedup, compression) is 0. Rates are percentages, as clients print
// them.
#include <algorithm>
#include <array>
#include <set>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"
#include "agent/server/call.hpp"
#include "agent/server/query.hpp"
#include "agent/server/usage.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_most_listed = 200;
constexpr std::size_t k_shown = 20;  // by status, without `limit`

struct Period {
  std::string_view key;
  unsigned days = 0;
};
constexpr std::array<Period, 5> k_periods = {{{"24h", 2}, {"7d", 7}, {"14d", 14}, {"30d", 30}, {"90d", 90}}};
constexpr Period k_usual = k_periods[1];

Period period_of(const Call& call) {
  const auto asked = query_text(call.query, "period");
  const auto* const found = std::ranges::find(k_periods, asked, &Period::key);
  return found != k_periods.end() ? *found : k_usual;
}

struct Page {
  std::size_t limit = 0;
  std::size_t offset = 0;
};

Page page_of(const Call& call, std::uint64_t otherwise) {
  const auto limit = net::parse_length(query_value(call.query, "limit")).value_or(otherwise);
  return {
      .limit = static_cast<std::size_t>(std::clamp<std::uint64_t>(limit, 1, k_most_listed)),
      .offset = static_cast<std::size_t>(net::parse_length(query_value(call.query, "offset")).value_or(0))};
}

template <typename T>
std::span<const T> part_of(const std::vector<T>& all, Page page) {
  const auto begin = std::min(page.offset, all.size());
  return std::span(all).subspan(begin, std::min(page.limit, all.size() - begin));
}

io::Json pagination(Page page, std::size_t total, std::size_t returned) {
  return io::JsonObject{{"limit", std::uint64_t{page.limit}},
                        {"offset", std::uint64_t{page.offset}},
                        {"total", std::uint64_t{total}},
                        {"returned", std::uint64_t{returned}},
                        {"has_more", page.offset + returned < total}};
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

double percentage(std::uint64_t part, std::uint64_t whole) {
  return 100.0 * ratio(part, whole);
}

// Of the keys that were reported: clients may leave out some.
struct MissKinds {
  std::uint64_t cold = 0;
  std::uint64_t recurring = 0;
};

MissKinds kinds_of(const DayReport& period, std::string_view tool = {}) {
  MissKinds kinds;
  for (const auto& key : period.missed) {
    if (tool.empty() || key.tool == tool) {
      kinds.cold += key.misses - key.recurring();
      kinds.recurring += key.recurring();
    }
  }
  return kinds;
}

// As if what nobody could have stored had not been asked for.
double warm_rate(std::uint64_t hits, std::uint64_t misses, const MissKinds& kinds) {
  return percentage(hits, hits + misses - std::min(misses, kinds.cold));
}

ToolCounts all_tools(const DayReport& report) {
  ToolCounts all;
  for (const auto& [tool, counts] : report.tools) {
    all.add(counts);
  }
  return all;
}

io::Json cache_health(const Usage& usage) {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  for (const auto& day : usage.days) {
    hits += day.hits;
    misses += day.misses;
  }
  const auto degraded = all_tools(usage.period).degraded;
  const auto kinds = kinds_of(usage.period);
  return io::JsonObject{{"warm_hit_rate", warm_rate(hits, misses, kinds)},
                        {"cold_misses", kinds.cold},
                        {"recurring_misses", kinds.recurring},
                        {"cold_pct", percentage(kinds.cold, kinds.cold + kinds.recurring)},
                        {"recurring_pct", percentage(kinds.recurring, kinds.cold + kinds.recurring)},
                        {"session_miss_total", usage.period.totals.misses},
                        {"normal_misses", misses - std::min(misses, degraded)},
                        {"degraded_misses", std::min(misses, degraded)},
                        {"total_misses", misses},
                        {"degraded_pct", percentage(std::min(misses, degraded), misses)},
                        {"excluded_seed_misses", 0},
                        {"excluded_seed_sessions", 0}};
}

io::Json session_health(const Usage& usage) {
  const auto& totals = usage.period.totals;
  return io::JsonObject{{"total_sessions", totals.count},
                        {"healthy_sessions", totals.count - std::min(totals.count, totals.with_errors)},
                        {"error_sessions", totals.with_errors},
                        {"degraded_sessions", 0},
                        {"avg_hit_rate", percentage(totals.hits, totals.hits + totals.misses)},
                        {"avg_duration_ms", ratio(totals.duration_ms, totals.count)}};
}

io::Json session_json(const Session& session) {
  io::JsonArray missed;
  for (const auto& key : session.missed) {
    missed.emplace_back(io::JsonObject{
        {"key_hash", key.hash}, {"miss_count", key.misses}, {"sampled_key_prefix", key.prefix}});
  }
  io::JsonArray errors;
  if (session.errors > 0) {
    errors.emplace_back(io::JsonObject{{"operation", "any"}, {"count", session.errors}});
  }
  io::JsonObject hints;
  for (const auto& [name, value] : session.hints) {
    hints.emplace(name, value);
  }
  io::JsonObject json{{"session_id", session.id},
                      {"tool", session.tool},
                      {"metadata_hints", std::move(hints)},
                      {"hit_rate", percentage(session.hits, session.hits + session.misses)},
                      {"hit_count", session.hits},
                      {"miss_count", session.misses},
                      {"error_count", session.errors},
                      {"error_details", std::move(errors)},
                      {"duration_seconds", static_cast<double>(session.duration_ms) / 1000.0},
                      {"bytes_read", session.bytes_read},
                      {"bytes_written", session.bytes_written},
                      {"created_at", time_text(session.received_ms)},
                      {"missed_keys", std::move(missed)},
                      {"producer", session.producer}};
  for (const auto& [name, value] : session.run) {
    json.emplace(name, value);
  }
  return json;
}

io::Json missed_json(const MissedKey& key) {
  return io::JsonObject{{"key_hash", key.hash},
                        {"tool", key.tool},
                        {"miss_count", key.misses},
                        {"last_seen_at", time_text(key.last_seen_ms)},
                        {"sampled_key_prefix", key.prefix},
                        {"miss_state", key.recurring() > 0 ? "recurring" : "cold"}};
}

io::Json tool_json(const std::string& tool, const ToolCounts& counts, const MissKinds& kinds) {
  return io::JsonObject{{"tool", tool},
                        {"total", counts.lookups() + counts.writes},
                        {"hits", counts.hits},
                        {"misses", counts.misses},
                        {"lookup_total", counts.lookups()},
                        {"hit_rate", percentage(counts.hits, counts.lookups())},
                        {"warm_hit_rate", warm_rate(counts.hits, counts.misses, kinds)},
                        {"recurring_misses", kinds.recurring},
                        {"new_key_misses", kinds.cold},
                        {"bytes_total", counts.bytes_read + counts.bytes_written},
                        {"avg_latency_ms", ratio(counts.latency_sum_ms, counts.latency_count)},
                        {"degraded", counts.degraded}};
}

Result<io::JsonObject> head(Context& context, const Call& call, const Usage& usage, Period period) {
  AGENT_TRY(const auto made, context.storage.list(workspace_object(call.workspace)));
  const auto since = time_text(made.empty() ? 0 : milliseconds_of(made.front().modified));
  return io::JsonObject{{"workspace", io::JsonObject{{"id", call.workspace.slug()},
                                                     {"name", call.workspace.name},
                                                     {"slug", call.workspace.slug()},
                                                     {"provisioned", true},
                                                     {"created_at", since},
                                                     {"updated_at", since}}},
                        {"period", io::JsonObject{{"key", period.key},
                                                  {"started_at", utc_text(begin_of(usage.days.front().day))},
                                                  {"ended_at", time_text(usage.generated_ms)}}},
                        {"generated_at", time_text(usage.generated_ms)}};
}

io::Json inventory(const Usage& usage) {
  return io::JsonObject{{"tagged_entries_count", std::uint64_t{usage.tags.size()}},
                        {"tagged_storage_bytes", usage.total_bytes},
                        {"tagged_hits", usage.restores},
                        {"version_count", usage.versions},
                        {"orphaned_entries_count", 0},
                        {"orphaned_storage_bytes", 0},
                        {"dedup_unique_bytes", usage.total_bytes},
                        {"dedup_logical_bytes", usage.total_bytes},
                        {"dedup_savings_bytes", 0},
                        {"dedup_ratio", 0.0}};
}

struct Totals {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
};

Totals totals_of(const Usage& usage) {
  Totals totals;
  for (const auto& day : usage.days) {
    totals.hits += day.hits;
    totals.misses += day.misses;
    totals.bytes_read += day.bytes_read;
    totals.bytes_written += day.bytes_written;
  }
  return totals;
}

io::Json operations(const Usage& usage) {
  const auto totals = totals_of(usage);
  const auto tools = all_tools(usage.period);
  const auto latency = ratio(tools.latency_sum_ms, tools.latency_count);
  const auto lookups = totals.hits + totals.misses;
  return io::JsonObject{
      {"cache", io::JsonObject{{"total_requests", lookups + tools.writes},
                               {"total_hits", totals.hits},
                               {"lookup_requests", lookups},
                               {"hit_rate", percentage(totals.hits, lookups)},
                               {"bytes_total", totals.bytes_read + totals.bytes_written},
                               {"avg_latency_ms", latency},
                               {"degraded_count", tools.degraded}}},
      {"runtime", io::JsonObject{{"total_queries", tools.queries},
                                 {"error_count", tools.query_errors},
                                 {"error_rate", percentage(tools.query_errors, tools.queries)},
                                 {"avg_latency_ms", latency},
                                 {"degraded_count", tools.degraded}}},
      {"cache_health", cache_health(usage)},
      {"session_health", session_health(usage)}};
}

io::Json savings(const Usage& usage) {
  const auto totals = totals_of(usage);
  return io::JsonObject{{"cache_hits", totals.hits},
                        {"bytes_served", totals.bytes_read},
                        {"bytes_written", totals.bytes_written},
                        {"cli_restores", usage.restores},
                        {"cli_restore_bytes", 0},
                        {"cli_compression_saved", 0},
                        {"cli_avg_restore_ms", 0.0},
                        {"dedup_unique_bytes", usage.total_bytes},
                        {"dedup_logical_bytes", usage.total_bytes},
                        {"dedup_savings_bytes", 0},
                        {"dedup_ratio", 0.0}};
}

template <typename T, typename ToJson>
io::JsonArray listed(std::span<const T> items, ToJson to_json) {
  io::JsonArray array;
  for (const auto& item : items) {
    array.push_back(to_json(item));
  }
  return array;
}

// A list of the period's report, page by page, with the figures that go with it.
template <typename T>
struct Listing {
  const char* name = nullptr;
  std::vector<T> DayReport::* items = nullptr;
  io::Json (*to_json)(const T& item) = nullptr;
  const char* health_name = nullptr;
  io::Json (*health)(const Usage& usage) = nullptr;
};

template <typename T>
Result<Answer> list_part(Context& context, const Call& call, const Listing<T>& listing) {
  constexpr std::size_t k_usual_part = 50;
  const auto period = period_of(call);
  AGENT_TRY(const auto usage, usage_of(context, call.workspace, period.days));
  AGENT_TRY(auto body, head(context, call, usage, period));
  const auto& items = usage.period.*listing.items;
  const auto page = page_of(call, k_usual_part);
  const auto part = part_of(items, page);
  body[listing.health_name] = listing.health(usage);
  body[listing.name] = listed(part, listing.to_json);
  body["pagination"] = pagination(page, items.size(), part.size());
  return Answer{.body = std::move(body)};
}

}  // namespace

Result<Answer> status(Context& context, const Call& call) {
  const auto period = period_of(call);
  AGENT_TRY(const auto usage, usage_of(context, call.workspace, period.days));
  AGENT_TRY(auto body, head(context, call, usage, period));
  const Page page{.limit = page_of(call, k_shown).limit, .offset = 0};
  io::JsonArray tools;
  for (const auto& [tool, counts] : usage.period.tools) {
    tools.push_back(tool_json(tool, counts, kinds_of(usage.period, tool)));
  }
  body["inventory"] = inventory(usage);
  body["operations"] = operations(usage);
  body["savings"] = savings(usage);
  body["tools"] = std::move(tools);
  body["sessions"] = listed(part_of(usage.period.sessions, page), session_json);
  body["missed_keys"] = listed(part_of(usage.period.missed, page), missed_json);
  return Answer{.body = std::move(body)};
}

// The newest first.
Result<Answer> list_sessions(Context& context, const Call& call) {
  return list_part<Session>(context, call,
                            {.name = "sessions",
                             .items = &DayReport::sessions,
                             .to_json = session_json,
                             .health_name = "session_health",
                             .health = session_health});
}

// The most missed first.
Result<Answer> list_misses(Context& context, const Call& call) {
  return list_part<MissedKey>(context, call,
                              {.name = "missed_keys",
                               .items = &DayReport::missed,
                               .to_json = missed_json,
                               .health_name = "cache_health",
                               .health = cache_health});
}

}  // namespace agent::server
