// hearth token: the tokens of a workspace on a server: made, listed, ended.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/server_api.hpp"
#include "agent/core/text.hpp"
#include "agent/io/json.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

struct Options {
  ServerAccess server;
  std::string workspace;
  bool json = false;
  std::string name;
  std::string level = "restore";
  std::vector<std::string> prefixes;
  std::string expires;
  std::string id;
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
  fmt::print("{}  {:<8} {:<24} {}; {}{}\n", report::log_text(token.text("id")),
             report::log_text(token.text("access_level")), report::log_text(token.text("name")),
             token.text("access_level") == "restore"
                 ? "reads"
                 : "writes " + report::log_text(joined(token["write_tag_prefixes"])),
             token["expires_at"].is_null() ? "does not expire"
                                           : "until " + report::log_text(token.text("expires_at")),
             token["revoked"].boolean().value_or(false) ? "; revoked" : "");
}

// The text alone on standard output: it is shown this once, and goes where a script wants it.
void print_issued(const Options& options, const io::Json& answer) {
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
    return;
  }
  fmt::print(stderr, "hearth: token {} of {}; it is shown only now:\n",
             report::log_text(answer["token"].text("id")), options.workspace);
  fmt::print("{}\n", answer.text("value"));
}

Result<void> create(const Options& options) {
  AGENT_TRY(auto api, ServerApi::open(options.server));
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
  AGENT_TRY(auto api, ServerApi::open(options.server));
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
  AGENT_TRY(auto api, ServerApi::open(options.server));
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
  AGENT_TRY(auto api, ServerApi::open(options.server));
  AGENT_TRY(const auto answer, api.call("POST", fmt::format("{}/{}/rotate", tokens_path(options), options.id),
                                        io::JsonObject()));
  print_issued(options, answer);
  return {};
}

using Action = Result<void> (*)(const Options&);

struct Named {
  std::string name;
  std::string what;
  std::string example;  // what the command line has beside the workspace and who asks
};

CLI::App* add_action(CLI::App& command, const Named& named, Options& options) {
  auto* const action = command.add_subcommand(named.name, named.what);
  add_server_access(*action, options.server);
  action->add_option("--workspace", options.workspace, "OWNER/NAME")->required()->envname("HEARTH_WORKSPACE");
  action->add_flag("--json", options.json, "for scripts");
  action->footer(fmt::format(
      "Example:\n  hearth token {}{} --workspace acme/ci --admin-token-file /etc/hearth/admin-token",
      named.name, named.example));
  return action;
}

}  // namespace

Command add_token(CLI::App& program) {
  auto* const command =
      program.add_subcommand("token", "tokens of a workspace: create, list, revoke, rotate");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  auto* const creating = add_action(
      *command, {"create", "a new token; its text is shown once", " --level save --name main"}, *options);
  creating->add_option("--name", options->name, "for people (default: the level)");
  creating->add_option("--level", options->level, "restore, save or admin")
      ->check(CLI::IsMember({"restore", "save", "admin"}))
      ->capture_default_str();
  creating->add_option("--write-prefix", options->prefixes,
                       "it may write only tags that begin so; repeatable (default: any)");
  creating->add_option("--expires", options->expires,
                       "it ends after this time, for instance 90d (default: never)");
  auto* const listing = add_action(*command, {"list", "the tokens of a workspace", ""}, *options);
  auto* const revoking =
      add_action(*command, {"revoke", "ends a token for good", " t_0123456789abcdef01234567"}, *options);
  revoking->add_option("ID", options->id, "as `hearth token list` shows it")->required();
  auto* const rotating = add_action(
      *command, {"rotate", "gives a token a new text; the old one ends", " t_0123456789abcdef01234567"},
      *options);
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
