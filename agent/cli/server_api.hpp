// What the commands that administer a server ask it, with a token of level admin. One thread at a time.
#pragma once

#include <string>

#include "agent/cli/command.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http_client.hpp"

namespace agent::cli {

struct ServerAccess {
  std::string url = "http://127.0.0.1:7430";
  std::string admin_token_file;  // empty: BORINGCACHE_ADMIN_TOKEN
  std::string ca_file;           // empty: the system's certificates only
};

// --server, --ca and --admin-token-file; `access` outlives the command.
void add_server_access(CLI::App& command, ServerAccess& access);

class ServerApi final {
public:
  // Errors: invalid (no token, no URL, no certificates), those of reading the file.
  static Result<ServerApi> open(const ServerAccess& access);

  // The answer's body. Errors: not_found (404), denied (any other refusal), both with what the server says.
  Result<io::Json> call(std::string method, const std::string& path, const io::Json& body);

private:
  ServerApi(net::HttpClient client, Secret token, std::string server)
      : client_(std::move(client)), token_(std::move(token)), server_(std::move(server)) {}

  net::HttpClient client_;
  Secret token_;
  std::string server_;
};

}  // namespace agent::cli
