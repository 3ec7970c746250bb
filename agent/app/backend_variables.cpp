#include "agent/app/backend_variables.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "agent/backends/boringcache_address.hpp"
#include "agent/backends/github_config.hpp"
#include "agent/backends/s3_credentials.hpp"
#include "agent/io/json.hpp"

namespace agent::app {

namespace {

constexpr std::uint64_t k_most_bytes = std::uint64_t{64} * 1024;

const std::string* find(const SecretVariables& variables, std::string_view name) {
  const auto found = std::ranges::find(variables, name, &SecretVariables::value_type::first);
  return found != variables.end() ? &found->second.reveal() : nullptr;
}

}  // namespace

std::vector<std::string_view> backend_variables(std::string_view url) {
  const auto scheme = url.substr(0, url.find("://"));
  if (scheme == "github") {
    return {backends::k_github_variables.begin(), backends::k_github_variables.end()};
  }
  if (scheme == "boringcache") {
    return {backends::k_boringcache_variables.begin(), backends::k_boringcache_variables.end()};
  }
  if (scheme == "s3") {
    return {backends::k_s3_variables.begin(), backends::k_s3_variables.end()};
  }
  return {};
}

std::vector<std::string> files_among(const SecretVariables& variables) {
  constexpr std::array<std::string_view, 5> k_names = {
      "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CA_BUNDLE"};
  std::vector<std::string> names;
  for (const auto name : k_names) {
    if (find(variables, name) != nullptr) {
      names.emplace_back(name);
    }
  }
  return names;
}

std::string encode_variables(const SecretVariables& variables) {
  io::JsonObject object;
  for (const auto& [name, value] : variables) {
    object[name] = value.reveal();
  }
  return io::Json(std::move(object)).dump();
}

Result<SecretVariables> parse_variables(std::string_view text) {
  AGENT_TRY(const auto json, io::parse_json(text, "secrets", {.bytes = k_most_bytes, .depth = 2}));
  const auto* const object = json.object();
  if (object == nullptr) {
    return fail(Errc::invalid, "secrets: a JSON object of texts is expected");
  }
  SecretVariables variables;
  for (const auto& [name, value] : *object) {
    if (name.empty() || !value.is_string()) {
      return fail(Errc::invalid, "secrets: '{}' is no text", name);
    }
    variables.emplace_back(name, Secret(*value.string()));
  }
  return variables;
}

Result<backends::Variables> take_variables(const io::fs::path& file) {
  const auto text = io::read_file(file, k_most_bytes);
  std::error_code ignored;
  io::fs::remove(file, ignored);
  if (!text) {
    return std::unexpected(text.error());
  }
  AGENT_TRY(auto parsed, parse_variables(*text));
  const auto variables = std::make_shared<const SecretVariables>(std::move(parsed));
  return backends::Variables([variables](const char* name) {
    const auto* const found = find(*variables, name);
    return found != nullptr ? *found : io::environment_value(name);
  });
}

backends::Variables only_these(SecretVariables variables) {
  const auto shared = std::make_shared<const SecretVariables>(std::move(variables));
  return [shared](const char* name) {
    const auto* const found = find(*shared, name);
    return found != nullptr ? *found : std::string{};
  };
}

}  // namespace agent::app
