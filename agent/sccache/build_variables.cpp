#include "agent/sccache/build_variables.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/core/text.hpp"

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

// Parts of names that credentials have.
constexpr std::array<std::string_view, 9> k_secret_words = {"token",  "secret",     "password",
                                                            "passwd", "credential", "access_key",
                                                            "apikey", "api_key",    "connection_string"};

// How credentials begin that are known by their form: GitHub's and AWS's.
constexpr std::array<std::string_view, 9> k_secret_forms = {"ghp_",        "gho_", "ghs_", "ghu_", "ghr_",
                                                            "github_pat_", "AKIA", "ASIA", "eyJ"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != std::ranges::end(list);
}

bool is_secret_name(std::string_view name) {
  const auto low = lowered(name);
  return std::ranges::any_of(k_secret_words, [&](std::string_view word) { return low.contains(word); });
}

bool ends_word(char letter) {
  return std::isspace(static_cast<unsigned char>(letter)) != 0 || letter == '"' || letter == '\'' ||
         letter == ',' || letter == ';' || letter == ')' || letter == '&' || letter == '<' || letter == '>';
}

std::size_t word_end(std::string_view text, std::size_t from) {
  while (from < text.size() && !ends_word(text[from])) {
    ++from;
  }
  return from;
}

// "scheme://user:password@host" loses what stands before the @, and every query its values.
std::string without_url_secrets(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto scheme = text.find("://", at);
    if (scheme == std::string_view::npos) {
      break;
    }
    const auto begin = scheme + 3;
    const auto end = word_end(text, begin);
    auto rest = text.substr(begin, end - begin);
    out += text.substr(at, begin - at);
    const auto authority = rest.substr(0, rest.find_first_of("/?#"));
    if (const auto user = authority.rfind('@'); user != std::string_view::npos) {
      out += k_hidden;
      rest.remove_prefix(user);
    }
    const auto query = rest.find('?');
    out += rest.substr(0, query);
    if (query != std::string_view::npos) {
      out += "?";
      out += k_hidden;
    }
    at = end;
  }
  out += text.substr(at);
  return out;
}

// The value of "name=value" and "name: value" where the name says secret, and words of a known form.
std::string without_named_secrets(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  bool hide_next = false;
  while (at < text.size()) {
    if (ends_word(text[at])) {
      out += text[at++];
      continue;
    }
    const auto end = word_end(text, at);
    const auto word = text.substr(at, end - at);
    at = end;
    const auto equals = word.find_first_of("=:");
    const auto value = equals == std::string_view::npos ? word : word.substr(equals + 1);
    const bool has_form = std::ranges::any_of(
        k_secret_forms, [&](std::string_view form) { return value.starts_with(form) && value.size() > 12; });
    const bool named = equals != std::string_view::npos && is_secret_name(word.substr(0, equals));
    const bool bearer = equals_ignoring_case(word, "bearer") || equals_ignoring_case(word, "basic");
    if (hide_next || has_form || (named && !value.empty())) {
      out += equals == std::string_view::npos || hide_next ? std::string_view{} : word.substr(0, equals + 1);
      out += k_hidden;
    } else {
      out += word;
    }
    hide_next = bearer || (named && value.empty());
  }
  return out;
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

std::string without_secrets(std::string_view text) {
  return without_named_secrets(without_url_secrets(text));
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
