#include "agent/backends/url_settings.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::backends {

Result<UrlSettings> parse_url_settings(std::string_view query, std::span<const std::string_view> known,
                                       std::string_view what) {
  UrlSettings settings;
  for (const auto pair : split(query, '&')) {
    if (pair.empty()) {
      continue;
    }
    const auto equals = pair.find('=');
    const auto name = pair.substr(0, equals);
    if (std::ranges::find(known, name) == known.end()) {
      return fail(Errc::invalid, "'{}' is not known in {}; it may have {}", name, what,
                  fmt::join(known, ", "));
    }
    const auto value =
        equals == std::string_view::npos ? std::nullopt : net::percent_decoded(pair.substr(equals + 1));
    if (!value || value->empty() ||
        value->find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) {
      return fail(Errc::invalid, "'{}' has no usable value", name);
    }
    if (!settings.try_emplace(std::string(name), *value).second) {
      return fail(Errc::invalid, "'{}' is given twice", name);
    }
  }
  return settings;
}

}  // namespace agent::backends
