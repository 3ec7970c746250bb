#include "agent/publish/garbage_mark.hpp"

#include <algorithm>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"

namespace agent::publish {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr io::JsonLimits k_limits{.bytes = std::size_t{16} << 20U, .depth = 8};

}  // namespace

std::string encode(const GarbageMark& mark) {
  io::JsonArray names;
  names.reserve(mark.names.size());
  std::ranges::transform(mark.names, std::back_inserter(names),
                         [](const std::string& name) { return io::Json(name); });
  const io::Json json(
      io::JsonObject{{"format", k_format}, {"names", std::move(names)}, {"written", mark.written_ms}});
  return json.dump() + "\n";
}

Result<GarbageMark> parse_garbage_mark(std::string_view text) {
  const auto json = io::parse_json(text, "garbage mark", k_limits);
  if (!json || !json->is_object()) {
    return fail(Errc::corrupt, "garbage mark: {}", json ? "no JSON object" : json.error().message);
  }
  const auto format = (*json)["format"].count().value_or(0);
  if (format > k_format) {
    return fail(Errc::unsupported, "garbage mark: format {} was written by a newer version", format);
  }
  const auto written = (*json)["written"].count();
  const auto* const names = (*json)["names"].array();
  if (format != k_format || !written || names == nullptr || names->size() > k_most_marked) {
    return fail(Errc::corrupt, "garbage mark: a member is missing or wrong");
  }
  GarbageMark mark{.written_ms = *written, .names = {}};
  for (const auto& name : *names) {
    const auto* const value = name.string();
    if (value == nullptr || (!mark.names.empty() && *value <= mark.names.back())) {
      return fail(Errc::corrupt, "garbage mark: its names do not parse");
    }
    mark.names.push_back(*value);
  }
  return mark;
}

std::string garbage_mark_name(std::string_view text) {
  const auto hex = io::sha256(io::bytes_of(text)).hex();
  return fmt::format("garbage/{}/{}", std::string_view(hex).substr(0, 2), hex);
}

}  // namespace agent::publish
