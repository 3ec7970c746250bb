#include "agent/sccache/build_variables.hpp"

#include <algorithm>
#include <array>

#include "agent/sccache/redaction.hpp"

namespace agent::sccache {

namespace {

constexpr std::size_t k_value_limit = 300;
constexpr std::size_t k_most = 400;
constexpr std::string_view k_hidden = "(hidden)";

constexpr std::array<std::string_view, 8> k_prefixes = {"SCCACHE_",         "CARGO_", "RUSTC", "RUSTFLAGS",
                                                        "RUSTUP_TOOLCHAIN", "CMAKE_", "MOON_", "HEARTH_"};

constexpr std::array<std::string_view, 24> k_names = {"CC",
                                                      "CXX",
                                                      "CFLAGS",
                                                      "CXXFLAGS",
                                                      "CPPFLAGS",
                                                      "LDFLAGS",
                                                      "HTTP_PROXY",
                                                      "http_proxy",
                                                      "HTTPS_PROXY",
                                                      "https_proxy",
                                                      "ALL_PROXY",
                                                      "all_proxy",
                                                      "NO_PROXY",
                                                      "no_proxy",
                                                      "CI",
                                                      "GITHUB_ACTIONS",
                                                      "RUNNER_NAME",
                                                      "RUNNER_ENVIRONMENT",
                                                      "GITHUB_REF",
                                                      "GITHUB_EVENT_NAME",
                                                      "SDKROOT",
                                                      "CCC_OVERRIDE_OPTIONS",
                                                      "SOURCE_DATE_EPOCH",
                                                      "DEVELOPER_DIR"};

constexpr std::array<std::string_view, 5> k_actions = {"ACTIONS_CACHE_SERVICE_V2", "ACTIONS_CACHE_URL",
                                                       "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN",
                                                       "ACTIONS_CACHE_MODE"};

constexpr std::array<std::string_view, 7> k_c_key = {
    "SCCACHE_C_CUSTOM_CACHE_BUSTER", "MACOSX_DEPLOYMENT_TARGET",  "IPHONEOS_DEPLOYMENT_TARGET",
    "TVOS_DEPLOYMENT_TARGET",        "WATCHOS_DEPLOYMENT_TARGET", "SDKROOT",
    "CCC_OVERRIDE_OPTIONS"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != std::ranges::end(list);
}

std::string cut(std::string text) {
  if (text.size() > k_value_limit) {
    text.resize(k_value_limit);
    text += "…";
  }
  return text;
}

}  // namespace

bool matters(std::string_view name) {
  return contains(k_names, name) || contains(k_actions, name) || contains(k_c_key, name) ||
         std::ranges::any_of(k_prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool enters_rust_keys(std::string_view name) {
  return name.starts_with("CARGO_") && name != "CARGO_MAKEFLAGS" && name != "CARGO_BUILD_JOBS" &&
         name != "CARGO_ENCODED_RUSTFLAGS" && !name.starts_with("CARGO_REGISTRIES_") &&
         name != "CARGO_REGISTRY_TOKEN";
}

bool enters_c_keys(std::string_view name) {
  return contains(k_c_key, name);
}

std::string shown_value(std::string_view name, std::string_view value) {
  if (is_secret_name(name) && !value.empty()) {
    return std::string(k_hidden);
  }
  return cut(without_secrets(value));
}

io::Environment kept_variables(const io::Environment& environment) {
  io::Environment kept;
  for (const auto& [name, value] : environment) {
    if (matters(name) && name.size() < k_value_limit && kept.size() < k_most) {
      io::set_variable(kept, name, shown_value(name, value));
    }
  }
  std::ranges::sort(kept);
  return kept;
}

}  // namespace agent::sccache
