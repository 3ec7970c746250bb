// hearth workspace: the workspaces of a server, and what each may hold.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/days.hpp"
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
  std::string quota;
  std::string idle;
};

constexpr std::string_view k_as_the_server = "default";

Result<void> list(const Options& options) {
  AGENT_TRY(auto api, ServerApi::open(options.server));
  AGENT_TRY(const auto answer, api.call("GET", "/v2/workspaces", {}));
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
    return {};
  }
  const auto* const workspaces = answer.array();
  for (const auto& workspace : workspaces != nullptr ? *workspaces : io::JsonArray()) {
    fmt::print("{}\n", report::log_text(workspace.text("slug")));
  }
  return {};
}

std::string path_of(const Options& options, std::string_view what) {
  return fmt::format("/v2/workspaces/{}/{}", options.workspace, what);
}

std::string limit_text(const io::Json& limit, std::string_view none, std::string (*text)(std::uint64_t)) {
  const auto count = limit.count();
  if (!count) {
    return "as the server was started";
  }
  return *count == 0 ? std::string(none) : text(*count);
}

Result<void> print(const Options& options, ServerApi& api, const io::Json& answer) {
  AGENT_TRY(const auto key, api.call("GET", path_of(options, "signing-key"), {}));
  const auto fingerprint = key.text("workspace_signing_key_fingerprint");
  if (options.json) {
    const auto* const members = answer.object();
    auto all = members != nullptr ? *members : io::JsonObject();
    all["signing_key"] = fingerprint;
    fmt::print("{}\n", io::Json(std::move(all)).dump(2));
    return {};
  }
  const auto& limits = answer["limits"];
  const auto used = answer["used_bytes"].count();
  const auto quota = limit_text(limits["quota_bytes"], "any size",
                                [](std::uint64_t bytes) { return std::string(human_size(bytes)); });
  const auto idle = limit_text(limits["idle_days"], "tags stay",
                               [](std::uint64_t days) { return fmt::format("{} days", days); });
  fmt::print("workspace    {}\nsigning key  {}\n", options.workspace, report::log_text(fingerprint));
  fmt::print("quota        {}\nidle         {}\n", quota, idle);
  fmt::print("blobs        {}\n", used ? human_size(*used) : "not counted yet");
  return {};
}

Result<void> show(const Options& options) {
  AGENT_TRY(auto api, ServerApi::open(options.server));
  AGENT_TRY(const auto answer, api.call("GET", path_of(options, "limits"), {}));
  return print(options, api, answer);
}

Result<void> set(const Options& options) {
  io::JsonObject limits;
  if (!options.quota.empty()) {
    limits["quota_bytes"] = nullptr;
    if (options.quota != k_as_the_server) {
      AGENT_TRY(const auto bytes, parse_size(options.quota, "--quota"));
      limits["quota_bytes"] = bytes;
    }
  }
  if (!options.idle.empty()) {
    limits["idle_days"] = nullptr;
    if (options.idle != k_as_the_server) {
      AGENT_TRY(const auto idle, parse_days(options.idle, "--idle"));
      limits["idle_days"] = static_cast<std::int64_t>(idle.count());
    }
  }
  if (limits.empty()) {
    return fail(Errc::invalid, "nothing to set: --quota or --idle");
  }
  AGENT_TRY(auto api, ServerApi::open(options.server));
  AGENT_TRY(const auto answer,
            api.call("PUT", path_of(options, "limits"), io::JsonObject{{"limits", std::move(limits)}}));
  return print(options, api, answer);
}

}  // namespace

Command add_workspace(CLI::App& program) {
  auto* const command = program.add_subcommand("workspace", "workspaces of a server: list, show, set");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  const auto add_action = [&](const char* name, const char* what, const char* example) {
    auto* const action = command->add_subcommand(name, what);
    action->footer(fmt::format("Example:\n  hearth workspace {}{} --admin-token-file /etc/hearth/admin-token",
                               name, example));
    add_server_access(*action, options->server);
    action->add_flag("--json", options->json, "for scripts");
    return action;
  };
  auto* const listing = add_action("list", "those that the token reaches", "");
  auto* const showing =
      add_action("show", "one of them: the key that signs what is in it, its limits", " --workspace acme/ci");
  auto* const setting = add_action("set", "limits of its own; only the administrator may",
                                   " --workspace acme/ci --quota 50GiB --idle 30d");
  for (auto* const action : {showing, setting}) {
    action->add_option("--workspace", options->workspace, "OWNER/NAME")
        ->required()
        ->envname("HEARTH_WORKSPACE");
  }
  setting->add_option("--quota", options->quota,
                      "what its tags may hold: 50GiB; 0 is any size, 'default' as the server was started");
  setting->add_option("--idle", options->idle,
                      "its tags that nobody used for so long go: 30d; 0 keeps all, 'default' as the server");
  command->footer(
      "Example:\n  hearth workspace set --workspace acme/ci --quota 50GiB --idle 30d --admin-token-file "
      "/etc/hearth/admin-token");
  return {command, [options, listing, setting] {
            const auto done = listing->parsed()   ? list(*options)
                              : setting->parsed() ? set(*options)
                                                  : show(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
