// What clients say to a server: bodies, signed URLs, ranges and tokens. Nothing of it is taken for more than
// it says: a record that can be read can be written and is then read the same; no URL is signed by chance.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/server/archives.hpp"
#include "agent/server/query.hpp"
#include "agent/server/records.hpp"
#include "agent/server/reports.hpp"
#include "agent/server/requests.hpp"
#include "agent/server/routes.hpp"
#include "agent/server/signed_urls.hpp"

namespace {

void bodies(std::string_view text) {
  namespace server = agent::server;
  const auto json = agent::io::parse_json(text, "body", {.bytes = 65'536, .depth = 16});
  if (!json) {
    return;
  }
  const auto blobs = server::parse_blobs(*json, 10, server::Sizes::needed);
  const auto created = server::parse_create(*json);
  const auto published = server::parse_publish(*json);
  const auto checks = server::parse_checks(*json);
  const auto names = server::parse_tag_names(*json);
  const auto parts = server::parse_completion(*json);
  if (parts && (parts->empty() || parts->back().number != parts->size())) {
    std::abort();
  }
  const auto current = server::parse_current_version(*json);
  const auto finalized = server::parse_finalize(*json);
  if ((current && !server::is_tag(current->tag)) ||
      (finalized && *finalized && (*finalized)->size_bytes == ~0ULL)) {
    std::abort();
  }
  const auto token = server::parse_new_token(*json, {.owner = "a", .name = "b"});
  if ((created && !created->tag.empty() && !server::is_tag(created->tag)) || (blobs && blobs->size() > 10) ||
      (published && published->entry.empty()) || (checks && names && token)) {
    std::abort();
  }
  // Whatever a client reports can be kept, and adding it to a day keeps the day within its bounds.
  if (auto report = server::parse_report(*json, {.producer = "t", .now_ms = 1})) {
    server::DayReport day;
    server::add(day, report->report);
    const auto kept = server::parse_day_report(server::encode(day));
    if (!kept || day.missed.size() > server::k_most_kept_missed ||
        day.sessions.size() > server::k_most_kept_sessions) {
      std::abort();
    }
  }
}

void records(std::string_view text) {
  namespace server = agent::server;
  const auto tag = server::parse_tag_record(text);
  const auto token = server::parse_token(text);
  const auto entry = server::parse_entry(text);
  const auto day = server::parse_day_report(text);
  if ((day && server::parse_day_report(server::encode(*day)) != *day) ||
      (tag && !tag->is_deleted && server::parse_tag_record(server::encode(*tag)) != *tag) ||
      (token && server::parse_token(server::encode(*token)) != *token) ||
      (entry && server::parse_entry(server::encode(*entry)) != *entry)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace server = agent::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bodies(text);
  records(text);
  static const agent::ManualClock clock;
  const server::SignedUrls urls(agent::Secret("a key of the fuzz target, 32 byte"), clock);
  const auto question = text.find('?');
  const auto path = text.substr(0, question);
  const auto query = question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  const auto asked = server::range_of(text, 1000);
  if (urls.check(path, query) || asked.range.offset + asked.range.size > 1000) {
    std::abort();
  }
  server::find_route("GET", path);
  server::query_text(query, "entries");
  return 0;
}
