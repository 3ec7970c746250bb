#include "agent/server/garbage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr std::size_t k_record_bytes = std::size_t{16} << 20U;

Result<io::Json> parse(std::string_view text) {
  auto json = io::parse_json(text, "garbage", {.bytes = k_record_bytes, .depth = 4});
  if (!json || !(*json)["format"].count()) {
    return fail(Errc::corrupt, "garbage: {}", json ? "no format" : json.error().message);
  }
  if ((*json)["format"].count() != k_format) {
    return fail(Errc::unsupported, "garbage: a newer format");
  }
  return json;
}

}  // namespace

std::string encode(const GarbageState& state) {
  io::JsonArray doomed;
  for (const auto& digest : state.doomed) {
    doomed.emplace_back(digest.hex());
  }
  return io::Json(io::JsonObject{{"format", k_format},
                                 {"doomed", std::move(doomed)},
                                 {"used_bytes", state.used_bytes},
                                 {"limit_bytes", state.limit_bytes}})
             .dump() +
         "\n";
}

Result<GarbageState> parse_garbage_state(std::string_view text) {
  AGENT_TRY(const auto json, parse(text));
  const auto* const doomed = json["doomed"].array();
  GarbageState state{.doomed = {},
                     .used_bytes = json["used_bytes"].count().value_or(0),
                     .limit_bytes = json["limit_bytes"].count().value_or(0)};
  if (doomed == nullptr || doomed->size() > k_most_doomed) {
    return fail(Errc::corrupt, "garbage: no list of at most {} blobs", k_most_doomed);
  }
  for (const auto& item : *doomed) {
    const auto digest = item.is_string() ? Digest::from_hex(*item.string()) : std::nullopt;
    if (!digest) {
      return fail(Errc::corrupt, "garbage: a digest is missing");
    }
    state.doomed.push_back(*digest);
  }
  if (!std::ranges::is_sorted(state.doomed)) {
    return fail(Errc::corrupt, "garbage: the blobs are not in order");
  }
  return state;
}

std::string encode(const GarbageMarks& marks) {
  io::JsonObject since;
  for (const auto& [digest, milliseconds] : marks) {
    since.emplace(digest.hex(), milliseconds);
  }
  return io::Json(io::JsonObject{{"format", k_format}, {"since_ms", std::move(since)}}).dump() + "\n";
}

Result<GarbageMarks> parse_garbage_marks(std::string_view text) {
  AGENT_TRY(const auto json, parse(text));
  const auto* const since = json["since_ms"].object();
  if (since == nullptr || since->size() > k_most_marked_blobs) {
    return fail(Errc::corrupt, "garbage: no marks of at most {} blobs", k_most_marked_blobs);
  }
  GarbageMarks marks;
  for (const auto& [name, value] : *since) {
    const auto digest = Digest::from_hex(name);
    if (!digest || !value.count()) {
      return fail(Errc::corrupt, "garbage: a mark has no digest or time");
    }
    marks.emplace(*digest, *value.count());
  }
  return marks;
}

std::string garbage_object(const Workspace& workspace) {
  return fmt::format("tags/{}/gc", workspace.slug());
}

std::string garbage_marks_object(const Workspace& workspace) {
  return fmt::format("tags/{}/gc-marks", workspace.slug());
}

Result<void> may_refer(backends::ObjectStorage& storage, const Workspace& workspace,
                       std::span<const Blob> blobs) {
  AGENT_TRY(const auto kept, storage.read(garbage_object(workspace)));
  if (!kept) {
    return {};
  }
  AGENT_TRY(const auto state, parse_garbage_state(kept->content));
  if (state.limit_bytes > 0 && state.used_bytes >= state.limit_bytes) {
    return fail(Errc::full, "workspace {} holds {}, more than its quota allows; `hearth rm` makes room",
                workspace.slug(), human_size(state.used_bytes));
  }
  const bool is_doomed = std::ranges::any_of(
      blobs, [&](const auto& blob) { return std::ranges::binary_search(state.doomed, blob.digest); });
  if (is_doomed) {
    Error error{.code = Errc::transient, .message = "a blob is being removed just now; try again"};
    error.retry_after = std::chrono::seconds(2);
    return std::unexpected(std::move(error));
  }
  return {};
}

}  // namespace agent::server
