#include "agent/cli/server_api.hpp"

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

constexpr std::size_t k_longest_reason = 200;  // of an answer that is no JSON

Result<Secret> admin_token(const ServerAccess& access) {
  constexpr std::uint64_t k_most_bytes = 4096;
  auto token = io::environment_value("BORINGCACHE_ADMIN_TOKEN");
  if (!access.admin_token_file.empty()) {
    AGENT_TRY(const auto text, io::read_file(access.admin_token_file, k_most_bytes));
    token = trimmed(text);
  }
  if (token.empty()) {
    return fail(Errc::invalid,
                "a token of level admin is needed: --admin-token-file, or BORINGCACHE_ADMIN_TOKEN");
  }
  return Secret(std::move(token));
}

}  // namespace

void add_server_access(CLI::App& command, ServerAccess& access) {
  command.add_option("--server", access.url, "URL of the server")
      ->capture_default_str()
      ->envname("HEARTH_SERVER");
  command.add_option("--ca", access.ca_file, "certificates (PEM) to trust beside the system's")
      ->envname("HEARTH_CA");
  command.add_option("--admin-token-file", access.admin_token_file,
                     "file with a token of level admin (default: BORINGCACHE_ADMIN_TOKEN)");
}

Result<ServerApi> ServerApi::open(const ServerAccess& access) {
  AGENT_TRY(auto token, admin_token(access));
  AGENT_TRY(auto client, net::HttpClient::to_url(access.url, {.ca_file = access.ca_file}));
  return ServerApi(std::move(client), std::move(token), access.url);
}

Result<io::Json> ServerApi::call(std::string method, const std::string& path, const io::Json& body) {
  net::ClientRequest request{.method = std::move(method), .target = path, .headers = {}, .body = {}};
  request.headers.add("Authorization", "Bearer " + token_.reveal());
  request.headers.add("User-Agent", "hearth");
  if (!body.is_null()) {
    request.headers.add("Content-Type", "application/json");
    request.body = body.dump();
  }
  AGENT_TRY(const auto answer, client_.send(request));
  auto json = io::parse_json(answer.body, "the server's answer");
  if (answer.status / 100 != 2) {
    const auto text = json ? json->text("error", json->text("message"))
                           : report::plain(trimmed(answer.body), k_longest_reason);
    return fail(answer.status == 404 ? Errc::not_found : Errc::denied, "{}: {}: {}", server_, answer.status,
                text.empty() ? "no reason was given" : text);
  }
  return json;
}

}  // namespace agent::cli
