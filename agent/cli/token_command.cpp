// hearth token: the tokens of a workspace on a server: made, listed, ended.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/core/secret.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/io/process.hpp"
#include "agent/net/http_client.hpp"

namespace agent::cli {

namespace {

struct Options {
  std::string server = "http://127.0.0.1:7430";
  std::string workspace;
  std::string admin_token_file;
  bool json = false;
  std::string name;
  std::string level = "restore";
  std::vector<std::string> prefixes;
  std::string expires;
  std::string id;
};

Result<Secret> admin_token(const Options& options) {
  constexpr std::uint64_t k_most_bytes = 4096;
  auto token = io::environment_value("BORINGCACHE_ADMIN_TOKEN");
  if (!options.admin_token_file.empty()) {
    AGENT_TRY(const auto text, io::read_file(options.admin_token_file, k_most_bytes));
    token = trimmed(text);
  }
  if (token.empty()) {
    return fail(Errc::invalid,
                "a token of level admin is needed: --admin-token-file, or BORINGCACHE_ADMIN_TOKEN");
  }
  return Secret(std::move(token));
}

class Api final {
public:
  static Result<Api> open(const Options& options) {
    AGENT_TRY(auto token, admin_token(options));
    AGENT_TRY(auto client, net::HttpClient::to_url(options.server));
    return Api(std::move(client), std::move(token), options.server);
  }

  Result<io::Json> call(std::string method, const std::string& path, const io::Json& body) {
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
      const auto text = json ? json->text("error", json->text("message")) : std::string();
      return fail(answer.status == 404 ? Errc::not_found : Errc::denied, "{}: {}: {}", server_, answer.status,
                  text.empty() ? "no reason was given" : text);
    }
    return json;
  }

private:
  Api(net::HttpClient client, Secret token, std::string server)
      : client_(std::move(client)), token_(std::move(token)), server_(std::move(server)) {}

  net::HttpClient client_;
  Secret token_;
  std::string server_;
};

std::string tokens_path(const Options& options) {
  return fmt::format("/v2/workspaces/{}/tokens", options.workspace);
}

std::string joined(const io::Json& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes.is_array() ? *prefixes.array() : io::JsonArray()) {
    text += (text.empty() ? "" : ", ") + (prefix.is_string() ? *prefix.string() : std::string());
  }
  return text.empty() ? "any tag" : "tags " + text;
}

void print_token(const io::Json& token) {
  fmt::print(
      "{}  {:<8} {:<24} {}; {}{}\n", token.text("id"), token.text("access_level"), token.text("name"),
      token.text("access_level") == "restore" ? "reads" : "writes " + joined(token["write_tag_prefixes"]),
      token["expires_at"].is_null() ? "does not expire" : "until " + token.text("expires_at"),
      token["revoked"].boolean().value_or(false) ? "; revoked" : "");
}

// The text alone on standard output: it is shown this once, and goes where a script wants it.
void print_issued(const Options& options, const io::Json& answer) {
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
    return;
  }
  fmt::print(stderr, "hearth: token {} of {}; it is shown only now:\n", answer["token"].text("id"),
             options.workspace);
  fmt::print("{}\n", answer.text("value"));
}

Result<void> create(const Options& options) {
  AGENT_TRY(auto api, Api::open(options));
  io::JsonArray prefixes;
  for (const auto& prefix : options.prefixes) {
    prefixes.emplace_back(prefix);
  }
  io::JsonObject token{{"name", options.name.empty() ? options.level : options.name},
                       {"access_level", options.level},
                       {"write_tag_prefixes", std::move(prefixes)}};
  if (!options.expires.empty()) {
    AGENT_TRY(const auto lifetime, parse_duration(options.expires, "--expires"));
    token["expires_in_seconds"] = std::chrono::ceil<std::chrono::seconds>(lifetime).count();
  }
  // The administrator's token makes the workspace where it is new; others have theirs.
  const auto made = api.call("POST", "/v2/workspaces",
                             io::JsonObject{{"workspace", io::JsonObject{{"slug", options.workspace}}}});
  if (!made && made.error().code != Errc::denied) {
    return std::unexpected(made.error());
  }
  AGENT_TRY(const auto answer,
            api.call("POST", tokens_path(options), io::JsonObject{{"token", std::move(token)}}));
  print_issued(options, answer);
  return {};
}

Result<void> list(const Options& options) {
  AGENT_TRY(auto api, Api::open(options));
  AGENT_TRY(const auto answer, api.call("GET", tokens_path(options), {}));
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
    return {};
  }
  const auto* const tokens = answer["tokens"].array();
  if (tokens == nullptr || tokens->empty()) {
    fmt::print("no tokens\n");
    return {};
  }
  for (const auto& token : *tokens) {
    print_token(token);
  }
  return {};
}

Result<void> revoke(const Options& options) {
  AGENT_TRY(auto api, Api::open(options));
  AGENT_TRY(const auto answer, api.call("POST", fmt::format("{}/{}/revoke", tokens_path(options), options.id),
                                        io::JsonObject()));
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    print_token(answer["token"]);
  }
  return {};
}

Result<void> rotate(const Options& options) {
  AGENT_TRY(auto api, Api::open(options));
  AGENT_TRY(const auto answer, api.call("POST", fmt::format("{}/{}/rotate", tokens_path(options), options.id),
                                        io::JsonObject()));
  print_issued(options, answer);
  return {};
}

using Action = Result<void> (*)(const Options&);

CLI::App* add_action(CLI::App& command, const std::string& name, const std::string& what, Options& options) {
  auto* const action = command.add_subcommand(name, what);
  action->add_option("--server", options.server, "URL of the server")
      ->capture_default_str()
      ->envname("HEARTH_SERVER");
  action->add_option("--workspace", options.workspace, "OWNER/NAME")->required()->envname("HEARTH_WORKSPACE");
  action->add_option("--admin-token-file", options.admin_token_file,
                     "file with a token of level admin (default: BORINGCACHE_ADMIN_TOKEN)");
  action->add_flag("--json", options.json, "for scripts");
  return action;
}

}  // namespace

Command add_token(CLI::App& program) {
  auto* const command =
      program.add_subcommand("token", "tokens of a workspace: create, list, revoke, rotate");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  auto* const creating = add_action(*command, "create", "a new token; its text is shown once", *options);
  creating->add_option("--name", options->name, "for people (default: the level)");
  creating->add_option("--level", options->level, "restore, save or admin")
      ->check(CLI::IsMember({"restore", "save", "admin"}))
      ->capture_default_str();
  creating->add_option("--write-prefix", options->prefixes,
                       "it may write only tags that begin so; repeatable (default: any)");
  creating->add_option("--expires", options->expires,
                       "it ends after this time, for instance 90d (default: never)");
  auto* const listing = add_action(*command, "list", "the tokens of a workspace", *options);
  auto* const revoking = add_action(*command, "revoke", "ends a token for good", *options);
  revoking->add_option("ID", options->id, "as `hearth token list` shows it")->required();
  auto* const rotating =
      add_action(*command, "rotate", "gives a token a new text; the old one ends", *options);
  rotating->add_option("ID", options->id, "as `hearth token list` shows it")->required();
  command->footer(
      "Example:\n  hearth token create --server http://127.0.0.1:7430 --workspace acme/ci --level save "
      "--admin-token-file /etc/hearth/admin-token");
  return {command, [options, creating, listing, revoking] {
            const Action action = creating->parsed()   ? create
                                  : listing->parsed()  ? list
                                  : revoking->parsed() ? revoke
                                                       : rotate;
            const auto done = action(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
