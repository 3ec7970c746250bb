// A day's reports as the storage has them.
#include "agent/server/report_members.hpp"
#include "agent/server/reports.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr std::size_t k_record_bytes = std::size_t{16} << 20U;

std::uint64_t count_in(const io::Json& json, std::string_view key) {
  return json[key].count().value_or(0);
}

io::Json json_of(const MissedKey& key) {
  return io::JsonObject{{"tool", key.tool},
                        {"hash", key.hash},
                        {"prefix", key.prefix},
                        {"misses", key.misses},
                        {"last_seen_ms", key.last_seen_ms},
                        {"cold", key.cold},
                        {"first_seen_ms", key.first_seen_ms},
                        {"first_session", key.first_session}};
}

// Records from before it was written who missed a key first: as if one session had.
MissedKey kept_missed(const io::Json& json) {
  const auto misses = count_in(json, "misses");
  const auto last = count_in(json, "last_seen_ms");
  return {.tool = json.text("tool"),
          .hash = json.text("hash"),
          .prefix = json.text("prefix"),
          .misses = misses,
          .last_seen_ms = last,
          .cold = std::min(misses, json["cold"].count().value_or(misses)),
          .first_seen_ms = json["first_seen_ms"].count().value_or(last),
          .first_session = json.text("first_session")};
}

io::Json json_of(const std::vector<MissedKey>& keys) {
  io::JsonArray array;
  for (const auto& key : keys) {
    array.push_back(json_of(key));
  }
  return array;
}

std::vector<MissedKey> kept_missed_keys(const io::Json& json) {
  std::vector<MissedKey> keys;
  for (const auto& item : json.is_array() ? *json.array() : io::JsonArray()) {
    keys.push_back(kept_missed(item));
  }
  return keys;
}

io::Json json_of(const std::map<std::string, std::string>& texts) {
  io::JsonObject object;
  for (const auto& [name, value] : texts) {
    object.emplace(name, value);
  }
  return object;
}

std::map<std::string, std::string> kept_texts(const io::Json& json) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : json.is_object() ? *json.object() : io::JsonObject()) {
    if (value.is_string()) {
      texts.emplace(name, *value.string());
    }
  }
  return texts;
}

io::Json json_of(const Session& session) {
  return io::JsonObject{{"id", session.id},
                        {"tool", session.tool},
                        {"hits", session.hits},
                        {"misses", session.misses},
                        {"errors", session.errors},
                        {"bytes_read", session.bytes_read},
                        {"bytes_written", session.bytes_written},
                        {"duration_ms", session.duration_ms},
                        {"received_ms", session.received_ms},
                        {"producer", session.producer},
                        {"run", json_of(session.run)},
                        {"hints", json_of(session.hints)},
                        {"missed", json_of(session.missed)}};
}

Session kept_session(const io::Json& json) {
  return {.id = json.text("id"),
          .tool = json.text("tool"),
          .hits = count_in(json, "hits"),
          .misses = count_in(json, "misses"),
          .errors = count_in(json, "errors"),
          .bytes_read = count_in(json, "bytes_read"),
          .bytes_written = count_in(json, "bytes_written"),
          .duration_ms = count_in(json, "duration_ms"),
          .received_ms = count_in(json, "received_ms"),
          .producer = json.text("producer"),
          .run = kept_texts(json["run"]),
          .hints = kept_texts(json["hints"]),
          .missed = kept_missed_keys(json["missed"])};
}

}  // namespace

std::string encode(const DayReport& report) {
  io::JsonObject tools;
  for (const auto& [tool, counts] : report.tools) {
    io::JsonObject object;
    for (const auto& [name, member] : k_tool_members) {
      object.emplace(name, counts.*member);
    }
    tools.emplace(tool, std::move(object));
  }
  io::JsonArray sessions;
  for (const auto& session : report.sessions) {
    sessions.push_back(json_of(session));
  }
  io::JsonObject totals;
  for (const auto& [name, member] : k_total_members) {
    totals.emplace(name, report.totals.*member);
  }
  io::JsonObject tags;
  for (const auto& [tag, restores] : report.tags) {
    tags.emplace(tag, restores);
  }
  io::JsonArray folded;
  for (const auto& name : report.folded) {
    folded.emplace_back(name);
  }
  const io::Json record(io::JsonObject{{"format", k_format},
                                       {"tools", std::move(tools)},
                                       {"missed", json_of(report.missed)},
                                       {"sessions", std::move(sessions)},
                                       {"totals", std::move(totals)},
                                       {"tags", std::move(tags)},
                                       {"has_all_tags", report.has_all_tags},
                                       {"folded", std::move(folded)}});
  return record.dump() + "\n";
}

Result<DayReport> parse_day_report(std::string_view text) {
  const auto json = io::parse_json(text, "reports of a day", {.bytes = k_record_bytes, .depth = 8});
  if (!json || !(*json)["format"].count()) {
    return fail(Errc::corrupt, "reports of a day: {}", json ? "no format" : json.error().message);
  }
  if ((*json)["format"].count() != k_format) {
    return fail(Errc::unsupported, "reports of a day: a newer format");
  }
  DayReport report;
  const auto* const tools = (*json)["tools"].object();
  for (const auto& [tool, counts] : tools != nullptr ? *tools : io::JsonObject()) {
    auto& known = report.tools[tool];
    for (const auto& [name, member] : k_tool_members) {
      known.*member = count_in(counts, name);
    }
  }
  report.missed = kept_missed_keys((*json)["missed"]);
  const auto* const sessions = (*json)["sessions"].array();
  for (const auto& item : sessions != nullptr ? *sessions : io::JsonArray()) {
    report.sessions.push_back(kept_session(item));
  }
  for (const auto& [name, member] : k_total_members) {
    report.totals.*member = count_in((*json)["totals"], name);
  }
  const auto* const tags = (*json)["tags"].object();
  for (const auto& [tag, restores] : tags != nullptr ? *tags : io::JsonObject()) {
    report.tags.emplace(tag, restores.count().value_or(0));
  }
  report.has_all_tags = (*json)["has_all_tags"].boolean().value_or(false);
  const auto* const folded = (*json)["folded"].array();
  for (const auto& name : folded != nullptr ? *folded : io::JsonArray()) {
    if (name.is_string()) {
      report.folded.push_back(*name.string());
    }
  }
  return report;
}

}  // namespace agent::server
