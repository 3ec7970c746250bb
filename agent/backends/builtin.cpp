#include "agent/backends/builtin.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent/backends/metered.hpp"

namespace agent::backends {

namespace {

struct Builtin {
  std::string_view scheme;
  MakeStorage make;
};

#define BACKEND(name) Builtin{.scheme = #name, .make = make_##name},
constexpr std::array k_builtins = {
#include "agent/backends/builtin.def"
};
#undef BACKEND

}  // namespace

std::vector<std::string_view> storage_schemes() {
  std::vector<std::string_view> schemes;
  std::ranges::transform(k_builtins, std::back_inserter(schemes), &Builtin::scheme);
  return schemes;
}

Result<StorageUrl> parse_storage_url(std::string_view text) {
  if (text == "github") {  // the job says the rest
    return StorageUrl{.scheme = std::string(text), .rest = {}, .text = std::string(text)};
  }
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0) {
    return fail(Errc::invalid,
                "backend '{}' is no URL: one of {}:// is expected, such as disk:///var/cache/ci", text,
                fmt::join(storage_schemes(), "://, "));
  }
  if (text.contains('\0')) {
    return fail(Errc::invalid, "backend URL contains a NUL byte");
  }
  return StorageUrl{.scheme = std::string(text.substr(0, end)),
                    .rest = std::string(text.substr(end + 3)),
                    .text = std::string(text)};
}

Result<std::unique_ptr<ObjectStorage>> open_storage(std::string_view url, const StorageServices& services) {
  AGENT_TRY(const auto parsed, parse_storage_url(url));
  const auto* const found = std::ranges::find(k_builtins, parsed.scheme, &Builtin::scheme);
  if (found == k_builtins.end()) {
    return fail(Errc::invalid, "backend scheme '{}://' is not known: this program has {}://", parsed.scheme,
                fmt::join(storage_schemes(), "://, "));
  }
  AGENT_TRY(auto storage, found->make(parsed, services));
  return metered(std::move(storage), services.registry);
}

}  // namespace agent::backends
