#include "agent/backends/github_answers.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::backends {

namespace {

constexpr io::JsonLimits k_limits{.bytes = std::size_t{1} << 20U, .depth = 16};
constexpr io::JsonLimits k_page_limits{.bytes = std::size_t{4} << 20U, .depth = 16};

Result<io::Json> parse(std::string_view text, io::JsonLimits limits) {
  auto json = io::parse_json(text, "answer", limits);
  if (!json || !json->is_object()) {
    return fail(Errc::transient, "the answer is not the JSON object that was expected");
  }
  return json;
}

// The first of the two spellings that is there.
const io::Json& member(const io::Json& json, std::string_view snake, std::string_view camel) {
  const auto& found = json[snake];
  return found.is_null() ? json[camel] : found;
}

std::string text_of(const io::Json& json) {
  const auto* const text = json.string();
  return text != nullptr ? *text : std::string{};
}

// An integer of 64 bits may be a number or a text.
std::optional<std::uint64_t> count_of(const io::Json& json) {
  if (const auto* const text = json.string()) {
    const auto number = parse_number(*text, "number");
    return number ? std::optional(*number) : std::nullopt;
  }
  return json.count();
}

Result<std::string> url_of(const io::Json& json) {
  auto url = text_of(json);
  const bool plain =
      std::ranges::all_of(url, [](char letter) { return letter > ' ' && letter <= '~' && letter != '"'; });
  if (!url.empty() && (!plain || (!url.starts_with("https://") && !url.starts_with("http://")))) {
    return fail(Errc::transient, "the answer's URL is none");
  }
  return url;
}

}  // namespace

Result<TwirpAnswer> parse_twirp_answer(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, k_limits));
  TwirpAnswer answer{.ok = json["ok"].boolean().value_or(false),
                     .message = json.text("message"),
                     .url = {},
                     .matched_key = text_of(member(json, "matched_key", "matchedKey"))};
  const auto& upload = member(json, "signed_upload_url", "signedUploadUrl");
  const auto& download = member(json, "signed_download_url", "signedDownloadUrl");
  AGENT_TRY(answer.url, url_of(upload.is_null() ? download : upload));
  return answer;
}

TwirpError parse_twirp_error(std::string_view text) {
  const auto json = parse(text, k_limits);
  if (!json) {
    return {};
  }
  return {.code = json->text("code"), .message = json->text("msg", json->text("message"))};
}

Result<std::uint64_t> parse_v1_reservation(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, k_limits));
  if (const auto id = count_of(json["cacheId"])) {
    return *id;
  }
  return fail(Errc::transient, "the answer names no cacheId");
}

Result<V1Entry> parse_v1_entry(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, k_limits));
  V1Entry entry{.key = json.text("cacheKey"), .url = {}};
  AGENT_TRY(entry.url, url_of(json["archiveLocation"]));
  if (entry.key.empty() || entry.url.empty()) {
    return fail(Errc::transient, "the answer names no key and place");
  }
  return entry;
}

std::optional<Wall> parse_utc(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t digits) {
    const auto part = text.substr(at, digits);
    const auto value = parse_number(part, "date");
    return value && part.size() == digits ? static_cast<int>(*value) : -1;
  };
  constexpr std::size_t k_shortest = 20;
  if (text.size() < k_shortest || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || !text.ends_with('Z')) {
    return std::nullopt;
  }
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day_number = number(8, 2);
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (year < 0 || month < 0 || day_number < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day day{std::chrono::year(year),
                                        std::chrono::month(static_cast<unsigned>(month)),
                                        std::chrono::day(static_cast<unsigned>(day_number))};
  if (!day.ok()) {
    return std::nullopt;
  }
  return Wall(std::chrono::sys_days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

Result<ListedPage> parse_listed_page(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, k_page_limits));
  const auto* const entries = json["actions_caches"].array();
  if (entries == nullptr) {
    return fail(Errc::transient, "the answer lists no caches");
  }
  ListedPage page{.total = json["total_count"].count().value_or(entries->size()), .entries = {}};
  for (const auto& entry : *entries) {
    const auto id = count_of(entry["id"]);
    const auto size = count_of(entry["size_in_bytes"]);
    if (!id || !size || !entry["key"].is_string()) {
      return fail(Errc::transient, "the listing has an entry without id, key or size");
    }
    page.entries.push_back({.id = *id,
                            .key = entry.text("key"),
                            .version = entry.text("version"),
                            .ref = entry.text("ref"),
                            .size_bytes = *size,
                            .created = parse_utc(entry.text("created_at")).value_or(Wall{})});
  }
  return page;
}

Result<std::uint64_t> parse_usage(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, k_limits));
  const auto bytes = count_of(json["active_caches_size_in_bytes"]);
  if (!bytes) {
    return fail(Errc::transient, "the answer does not tell the size of the caches");
  }
  return *bytes;
}

}  // namespace agent::backends
