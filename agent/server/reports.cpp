#include "agent/server/reports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

#include "agent/server/report_members.hpp"

namespace agent::server {

namespace {

constexpr std::size_t k_most_rollups = 500;
constexpr std::size_t k_most_missed = 500;
constexpr std::size_t k_most_sessions = 80;
constexpr std::size_t k_most_records = 800;
constexpr std::size_t k_longest_text = 128;
constexpr std::size_t k_longest_hash = 64;
constexpr std::size_t k_longest_prefix = 64;
constexpr std::size_t k_most_session_missed = 16;
constexpr std::size_t k_most_hints = 8;
constexpr std::uint64_t k_most_counted = std::uint64_t{1} << 50U;  // of one report: more is no count
constexpr std::string_view k_other = "other";

constexpr std::array<std::string_view, 9> k_run = {"run_uid",      "run_provider",      "provider_run_uid",
                                                   "run_attempt",  "run_repository",    "run_ref_type",
                                                   "run_ref_name", "run_change_number", "run_commit_sha"};

// Sums that stop at what JSON holds.
void increase(std::uint64_t& sum, std::uint64_t by) {
  constexpr auto k_most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  sum = by > k_most - std::min(sum, k_most) ? k_most : sum + by;
}

// Of a client: what is no count is none, and what cannot be is cut.
std::uint64_t reported(const io::Json& json, std::string_view key) {
  return std::min(json[key].count().value_or(0), k_most_counted);
}

std::string text_in(const io::Json& json, std::string_view key, std::size_t longest) {
  return json.text(key).substr(0, longest);
}

std::string tool_in(const io::Json& json) {
  auto tool = text_in(json, "tool", k_longest_text);
  return tool.empty() ? std::string(k_other) : tool;
}

// An array that may be missing. Errors: invalid (another type, or too many).
Result<const io::JsonArray*> array_in(const io::Json& body, std::string_view key, std::size_t most) {
  static const io::JsonArray none;
  const auto& value = body[key];
  const auto* const array = value.array();
  if ((array == nullptr && !value.is_null()) || (array != nullptr && array->size() > most)) {
    return fail(Errc::invalid, "{}: an array of at most {} is expected", key, most);
  }
  return array != nullptr ? array : &none;
}

ToolCounts counts_of(const io::Json& row) {
  const auto operation = row.text("operation");
  const auto result = row.text("result");
  const auto events = reported(row, "event_count");
  ToolCounts counts;
  if (operation == "query") {
    counts.queries = events;
    counts.query_errors = result == "error" ? events : 0;
  } else if (result == "error") {
    counts.errors = events;
  } else if (operation == "put") {
    counts.writes = events;
    counts.bytes_written = reported(row, "bytes_total");
  } else if (result == "hit") {
    counts.hits = events;
    counts.bytes_read = reported(row, "bytes_total");
  } else if (result == "miss") {
    counts.misses = events;
  }
  counts.degraded = row["degraded"].boolean().value_or(false) ? events : 0;
  counts.latency_sum_ms = reported(row, "latency_sum_ms");
  counts.latency_count = reported(row, "latency_count");
  return counts;
}

MissedKey missed_of(const io::Json& json, std::string_view session, std::uint64_t now_ms) {
  const auto misses = reported(json, "miss_count");
  return {.tool = tool_in(json),
          .hash = text_in(json, "key_hash", k_longest_hash),
          .prefix = text_in(json, "sampled_key_prefix", k_longest_prefix),
          .misses = misses,
          .last_seen_ms = now_ms,
          .cold = misses,
          .first_seen_ms = now_ms,
          .first_session = std::string(session)};
}

// Which session a report is of. Rows of missed keys do not say it; what comes with them does.
std::string session_in(const io::JsonArray& sessions, const io::JsonArray& rollups) {
  const auto& said = !sessions.empty() ? sessions : rollups;
  return said.empty() ? std::string() : text_in(said.front(), "session_id", k_longest_text);
}

Session session_of(const io::Json& json, const Reporter& reporter) {
  Session session{.id = text_in(json, "session_id", k_longest_text),
                  .tool = tool_in(json),
                  .hits = reported(json, "hit_count"),
                  .misses = reported(json, "miss_count"),
                  .errors = reported(json, "error_count"),
                  .bytes_read = reported(json, "bytes_read"),
                  .bytes_written = reported(json, "bytes_written"),
                  .duration_ms = reported(json, "session_duration_ms"),
                  .received_ms = reporter.now_ms,
                  .producer = reporter.producer};
  for (const auto name : k_run) {
    if (auto text = text_in(json, name, k_longest_text); !text.empty()) {
      session.run.emplace(name, std::move(text));
    }
  }
  const auto* const hints = json["metadata_hints"].object();
  for (const auto& [name, value] : hints != nullptr ? *hints : io::JsonObject()) {
    if (value.is_string() && session.hints.size() < k_most_hints) {
      session.hints.emplace(name.substr(0, k_longest_text), value.string()->substr(0, k_longest_text));
    }
  }
  const auto* const missed = json["top_missed_keys"].array();
  for (const auto& key : missed != nullptr ? *missed : io::JsonArray()) {
    if (session.missed.size() < k_most_session_missed) {
      session.missed.push_back(missed_of(key, session.id, reporter.now_ms));
    }
  }
  return session;
}

SessionTotals totals_of(const Session& session) {
  return {.count = 1,
          .with_errors = session.errors > 0 ? 1U : 0U,
          .hits = session.hits,
          .misses = session.misses,
          .errors = session.errors,
          .bytes_read = session.bytes_read,
          .bytes_written = session.bytes_written,
          .duration_ms = session.duration_ms};
}

void add_tool(DayReport& into, std::string_view tool, const ToolCounts& counts) {
  const auto known = into.tools.find(tool);
  if (known != into.tools.end()) {
    known->second.add(counts);
    return;
  }
  into.tools[std::string(into.tools.size() < k_most_tools ? tool : k_other)].add(counts);
}

// Of one key: the misses of whoever missed it first are cold. Of two in one millisecond it is the one whose
// id is smaller, so that the order in which reports are added up changes nothing.
void merge(MissedKey& known, const MissedKey& key) {
  const bool is_same = known.first_session == key.first_session &&
                       (!known.first_session.empty() || known.first_seen_ms == key.first_seen_ms);
  if (is_same) {
    increase(known.cold, key.cold);
  } else if (std::tie(key.first_seen_ms, key.first_session) <
             std::tie(known.first_seen_ms, known.first_session)) {
    known.cold = key.cold;
    known.first_session = key.first_session;
  }
  known.first_seen_ms = std::min(known.first_seen_ms, key.first_seen_ms);
  increase(known.misses, key.misses);
  known.last_seen_ms = std::max(known.last_seen_ms, key.last_seen_ms);
  known.prefix = key.prefix.empty() ? known.prefix : key.prefix;
}

void add_missed(std::vector<MissedKey>& into, const std::vector<MissedKey>& others, std::size_t most) {
  if (others.empty()) {
    return;
  }
  std::map<std::pair<std::string, std::string>, MissedKey> by_key;
  into.insert(into.end(), others.begin(), others.end());
  for (const auto& key : into) {
    const auto [known, is_new] = by_key.try_emplace({key.tool, key.hash}, key);
    if (!is_new) {
      merge(known->second, key);
    }
  }
  into.clear();
  for (auto& [name, key] : by_key) {
    into.push_back(std::move(key));
  }
  std::ranges::stable_sort(into, std::greater(), &MissedKey::misses);
  into.resize(std::min(most, into.size()));
}

// A session that was reported before counts as it was reported last.
void forget(DayReport& report, std::string_view id) {
  const auto known = std::ranges::find(report.sessions, id, &Session::id);
  if (id.empty() || known == report.sessions.end()) {
    return;
  }
  const auto counted = totals_of(*known);
  for (const auto& [name, member] : k_total_members) {
    report.totals.*member -= std::min(report.totals.*member, counted.*member);
  }
  report.sessions.erase(known);
}

void add_sessions(DayReport& into, const DayReport& other) {
  for (const auto& session : other.sessions) {
    forget(into, session.id);
  }
  for (const auto& [name, member] : k_total_members) {
    increase(into.totals.*member, other.totals.*member);
  }
  into.sessions.insert(into.sessions.end(), other.sessions.begin(), other.sessions.end());
  std::ranges::stable_sort(into.sessions, std::greater(), &Session::received_ms);
  into.sessions.resize(std::min(k_most_kept_sessions, into.sessions.size()));
}

}  // namespace

Day day_of(Wall time) {
  return static_cast<Day>(std::chrono::floor<std::chrono::days>(time).time_since_epoch().count());
}

Wall begin_of(Day day) {
  return Wall(std::chrono::days(day));
}

std::string date_of(Day day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

void ToolCounts::add(const ToolCounts& other) {
  for (const auto& [name, member] : k_tool_members) {
    increase(this->*member, other.*member);
  }
}

void add(DayReport& into, const DayReport& other) {
  for (const auto& [tool, counts] : other.tools) {
    add_tool(into, tool, counts);
  }
  add_missed(into.missed, other.missed, k_most_kept_missed);
  add_sessions(into, other);
  into.has_all_tags = into.has_all_tags && other.has_all_tags;
  for (const auto& [tag, restores] : other.tags) {
    add_use(into, tag, restores);
  }
}

void add_use(DayReport& into, std::string_view tag, std::uint64_t restores) {
  const auto known = into.tags.find(tag);
  if (known != into.tags.end()) {
    increase(known->second, restores);
  } else if (into.tags.size() < k_most_used_tags) {
    into.tags.emplace(tag, restores);
  } else {
    into.has_all_tags = false;
  }
}

void know_earlier_misses(DayReport& period, const std::vector<DayReport>& earlier) {
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> known;  // with the first session
  for (const auto& day : earlier) {
    for (const auto& key : day.missed) {
      known.try_emplace({key.tool, key.hash}, key.first_session);
    }
  }
  for (auto& key : period.missed) {
    const auto before = known.find({key.tool, key.hash});
    const bool is_one_session =
        before != known.end() && !key.first_session.empty() && before->second == key.first_session;
    if (before != known.end() && !is_one_session) {
      key.cold = 0;
    }
  }
}

Result<ParsedReport> parse_report(const io::Json& body, const Reporter& reporter) {
  AGENT_TRY(const auto* const rollups, array_in(body, "rollups", k_most_rollups));
  AGENT_TRY(const auto* const missed, array_in(body, "missed_keys", k_most_missed));
  AGENT_TRY(const auto* const sessions, array_in(body, "sessions", k_most_sessions));
  ParsedReport parsed;
  parsed.records = rollups->size() + missed->size() + sessions->size();
  if (parsed.records > k_most_records) {
    return fail(Errc::invalid, "at most {} records at once", k_most_records);
  }
  for (const auto& row : *rollups) {
    add_tool(parsed.report, tool_in(row), counts_of(row));
  }
  const auto from = session_in(*sessions, *rollups);
  std::vector<MissedKey> keys;
  for (const auto& item : *missed) {
    keys.push_back(missed_of(item, from, reporter.now_ms));
  }
  add_missed(parsed.report.missed, keys, k_most_kept_missed);
  for (const auto& item : *sessions) {
    auto session = session_of(item, reporter);
    DayReport one{.totals = totals_of(session)};
    one.sessions.push_back(std::move(session));
    add_sessions(parsed.report, one);
  }
  return parsed;
}

}  // namespace agent::server
