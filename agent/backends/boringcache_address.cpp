#include "agent/backends/boringcache_address.hpp"

#include <algorithm>

#include "agent/backends/boringcache_signature.hpp"
#include "agent/backends/object_name.hpp"
#include "agent/backends/url_settings.hpp"
#include "agent/core/text.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

namespace {

constexpr std::array<std::string_view, 3> k_settings = {"scheme", "ca", "key"};
constexpr std::string_view k_service = "https://api.boringcache.com";
constexpr std::string_view k_usual_file = "/run/secrets/bc_token";
constexpr std::uint64_t k_most_token_bytes = 4096;

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

// A trailing slash and a version are taken off: the version is ours to say.
std::string without_version(std::string_view url) {
  while (url.ends_with('/')) {
    url.remove_suffix(1);
  }
  const auto slash = url.rfind("/v");
  const bool versioned = slash != std::string_view::npos && slash + 2 < url.size() &&
                         url.find_first_not_of("0123456789", slash + 2) == std::string_view::npos;
  return std::string(versioned ? url.substr(0, slash) : url);
}

// What a host is spoken to with where nothing is said.
std::string_view usual_scheme(std::string_view host) {
  return is_loopback(host) ? "http" : "https";
}

Result<std::string> base_of(std::string_view host, std::string_view scheme, const Variables& variables) {
  std::string base;
  if (host.empty()) {
    const auto named = variables("BORINGCACHE_API_URL");
    base = without_version(named.empty() ? k_service : trimmed(named));
  } else {
    base = fmt::format("{}://{}", scheme.empty() ? usual_scheme(host) : scheme, host);
  }
  const auto split = net::split_url(base);
  if (!split || split->target != "/" || host.contains('@')) {
    return fail(Errc::invalid, "'{}' is no server; write boringcache://HOST[:PORT]/OWNER/WORKSPACE",
                host.empty() ? std::string_view(base) : host);
  }
  return split->origin;
}

// Fingerprints between commas or blanks.
Result<std::vector<std::string>> trusted_keys(std::string_view text) {
  std::vector<std::string> keys;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(", \t\r\n"), text.size());
    const auto key = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (key.empty()) {
      continue;
    }
    if (!is_key_fingerprint(key)) {
      return fail(Errc::invalid,
                  "'{}' is no fingerprint of a key: 'ed25519-sha256:' and 64 hexadecimal digits are expected",
                  key);
    }
    keys.emplace_back(key);
  }
  return keys;
}

Result<BoringcacheAddress> parse(const StorageUrl& url, const Variables& variables) {
  const auto question = std::min(url.rest.find('?'), url.rest.size());
  const auto place = std::string_view(url.rest).substr(0, question);
  AGENT_TRY(auto settings,
            parse_url_settings(std::string_view(url.rest).substr(std::min(question + 1, url.rest.size())),
                               k_settings, "a boringcache URL"));
  const auto slash = std::min(place.find('/'), place.size());
  const auto workspace = place.substr(std::min(slash + 1, place.size()));
  const auto& ca = settings["ca"];
  const auto scheme = settings["scheme"].empty() && !ca.empty() ? std::string("https") : settings["scheme"];
  if (!scheme.empty() && scheme != "http" && scheme != "https") {
    return fail(Errc::invalid, "scheme={}: http or https", scheme);
  }
  if (std::ranges::count(workspace, '/') != 1 || !check_object_name(workspace)) {
    return fail(Errc::invalid,
                "'{}' is no workspace; write boringcache://HOST[:PORT]/OWNER/WORKSPACE, for instance "
                "boringcache://cache.example.org/acme/ci",
                workspace);
  }
  BoringcacheAddress address;
  AGENT_TRY(address.base, base_of(place.substr(0, slash), scheme, variables));
  address.workspace = workspace;
  address.ca_file = ca;
  const auto& key = settings["key"];
  AGENT_TRY(address.trusted_keys,
            trusted_keys(key.empty() ? variables("BORINGCACHE_TRUSTED_WORKSPACE_KEY_FINGERPRINT") : key));
  return address;
}

Secret first_of(const Variables& variables, std::span<const char* const> names) {
  for (const auto* const name : names) {
    if (const auto value = variables(name); !trimmed(value).empty()) {
      return Secret(std::string(trimmed(value)));
    }
  }
  return {};
}

// Empty where there is none. A file that was named must be readable.
Result<Secret> token_of_file(const Variables& variables) {
  const auto named = variables("BORINGCACHE_TOKEN_FILE");
  const auto text = io::read_file(named.empty() ? std::string(k_usual_file) : named, k_most_token_bytes);
  if (!text && !named.empty()) {
    return with_context("BORINGCACHE_TOKEN_FILE", text.error());
  }
  return text ? Secret(std::string(trimmed(*text))) : Secret();
}

}  // namespace

std::string BoringcacheAddress::describe() const {
  const auto end = base.find("://");
  const auto host = std::string_view(base).substr(end + 3);
  const auto scheme = std::string_view(base).substr(0, end);
  const auto settings = !ca_file.empty()               ? "?ca=" + ca_file.string()
                        : scheme != usual_scheme(host) ? fmt::format("?scheme={}", scheme)
                                                       : std::string();
  return fmt::format("boringcache://{}/{}{}", host, workspace, settings);
}

std::string BoringcacheAddress::url_of(std::string_view path) const {
  return fmt::format("{}/v2/workspaces/{}{}", base, workspace, path);
}

Result<BoringcacheAddress> parse_boringcache_address(const StorageUrl& url, const Variables& variables) {
  auto address = parse(url, variables);
  if (!address) {
    return with_context("backend boringcache://", std::move(address).error());
  }
  return address;
}

Result<BoringcacheTokens> find_boringcache_tokens(const Variables& variables) {
  const std::span<const char* const> names(k_boringcache_variables);
  BoringcacheTokens tokens{.restore = first_of(variables, names.first(4)),
                           .save = first_of(variables, names.subspan(1, 3))};
  if (tokens.restore.empty()) {
    AGENT_TRY(tokens.restore, token_of_file(variables));
    tokens.save = tokens.restore;
  }
  if (tokens.restore.empty()) {
    return fail(
        Errc::denied,
        "backend boringcache://: no token; set BORINGCACHE_SAVE_TOKEN (or _RESTORE_TOKEN to read only), "
        "or name a file with BORINGCACHE_TOKEN_FILE");
  }
  return tokens;
}

}  // namespace agent::backends
