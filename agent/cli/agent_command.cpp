#include <fmt/format.h>

#include <memory>

#include "agent/app/agent.hpp"
#include "agent/app/backend_variables.hpp"
#include "agent/cli/agent_options.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/listen.hpp"
#include "agent/cli/signals.hpp"
#include "agent/cli/tag_options.hpp"
#include "agent/core/text.hpp"

namespace agent::cli {

namespace {

struct Options {
  AgentOptions common;
  std::string listen = "127.0.0.1:7420";
  std::vector<std::string> hosts;
  std::string control;
  std::string token_file;
  std::string secrets_file;
  std::string ready_file;
  std::string sentinel;
  std::string idle_limit = "0";
  std::string record;
  std::string sccache_real;
  std::string sccache_socket;
  std::string launcher_state;
  std::string sccache_dir;
  std::string ccache_dir;
  std::string checkout;
};

// Read once and unlinked: the file is how a secret travels, not where it lives.
Result<Secret> take_token(const std::string& path) {
  constexpr std::uint64_t k_limit = 4096;
  AGENT_TRY(const auto text, io::read_file(path, k_limit));
  std::error_code ignored;
  io::fs::remove(path, ignored);
  const auto token = trimmed(text);
  if (token.empty()) {
    return fail(Errc::invalid, "--token-file: {} is empty", path);
  }
  return Secret(std::string(token));
}

Result<app::Config> config_of(Options& options) {
  if (options.common.tag.empty()) {
    AGENT_TRY(options.common.tag, default_tag());
  }
  AGENT_TRY(auto config, to_config(options.common));
  AGENT_TRY(const auto listen, parse_listen(options.listen));
  config.address = listen.address;
  config.port = listen.port;
  config.hosts = options.hosts;
  config.control = options.control;
  config.ready_file = options.ready_file;
  config.sentinel = options.sentinel;
  config.record = options.record;
  config.sccache_real = options.sccache_real;
  config.sccache_socket = options.sccache_socket;
  config.launcher_state = options.launcher_state;
  if (options.sccache_dir.empty() && config.sccache_mode == app::SccacheMode::disk) {
    return fail(Errc::invalid, "--sccache-mode disk: name the folder to fill with --sccache-dir");
  }
  config.sccache_dir = options.sccache_dir.empty() ? io::fs::path() : io::fs::absolute(options.sccache_dir);
  config.ccache_dir = options.ccache_dir.empty() ? io::fs::path() : io::fs::absolute(options.ccache_dir);
  config.checkout = options.checkout.empty() ? io::fs::current_path().string() : options.checkout;
  AGENT_TRY(config.idle_limit, parse_duration(options.idle_limit, "--idle-limit"));
  if (!options.secrets_file.empty()) {
    auto variables = app::take_variables(options.secrets_file);
    if (!variables) {
      return with_context("--secrets-file", std::move(variables).error());
    }
    config.variables = *std::move(variables);
  }
  if (!options.token_file.empty()) {
    AGENT_TRY(config.token, take_token(options.token_file));
  } else if (!listen.is_loopback()) {
    return fail(Errc::invalid, "--listen {} is not loopback: give the agent a token with --token-file",
                options.listen);
  }
  return config;
}

int run_agent(Options& options) {
  const Signals signals;
  auto config = config_of(options);
  if (!config) {
    return report_error(config.error());
  }
  if (const auto created = create_folder_of(options.common); !created) {
    return report_error(created.error());
  }
  const bool open = config->token.empty();
  const auto drain_deadline = config->drain_deadline;
  auto agent = app::Agent::start(*std::move(config));
  if (!agent) {
    return report_error(agent.error());
  }
  fmt::print(stderr, "hearth: agent on {}{}\n", (*agent)->endpoint(),
             open ? ", open to everybody on this machine (no --token-file)" : "");
  const auto reason = (*agent)->wait(signals.token());
  const auto figures = (*agent)->drain(drain_deadline);
  fmt::print(stderr, "hearth: agent ends: {}; {} published, {} pending\n", reason,
             figures.published.value_or(0), figures.pending.value_or(0));
  return k_ok;
}

}  // namespace

Command add_agent(CLI::App& program) {
  auto* const command = program.add_subcommand("agent", "the runner-side cache agent");
  const auto options = std::make_shared<Options>();
  add_agent_options(*command, options->common);
  command->add_option("--listen", options->listen, "TCP address; port 0 picks one")->capture_default_str();
  command->add_option("--host", options->hosts, "name it is reached by, beside loopback ones; repeatable");
  command->add_option("--control", options->control, "Unix socket for status, flush and drain");
  command->add_option("--token-file", options->token_file, "file with the bearer, read once and removed");
  command->add_option("--secrets-file", options->secrets_file,
                      "JSON file with variables that open the backend, read once and removed");
  command->add_option("--ready-file", options->ready_file, "JSON file written once it serves");
  command->add_option("--sentinel", options->sentinel,
                      "file whose disappearance ends the agent, after a drain");
  command
      ->add_option("--idle-limit", options->idle_limit,
                   "ends when nothing spoke to it for this long; 0 is never")
      ->capture_default_str();
  command->add_option("--record", options->record, "JSON file that gets the figures every few seconds");
  command->add_option("--sccache-real", options->sccache_real, "the sccache whose server is watched");
  command->add_option("--sccache-socket", options->sccache_socket, "Unix socket of that server");
  command->add_option("--sccache-dir", options->sccache_dir,
                      "SCCACHE_DIR to fill from the tag and to collect from; without it the mode is proxy");
  command->add_option("--ccache-dir", options->ccache_dir,
                      "CCACHE_DIR to fill from the tag and to collect from");
  command->add_option("--checkout", options->checkout,
                      "absolute path of what is compiled, as the build sees it (default: this folder)");
  command->add_option("--launcher-state", options->launcher_state, "file with the launcher's events");
  command->footer(
      "Example:\n  hearth agent --listen 127.0.0.1:7420 --control /tmp/hearth.sock --backend "
      "disk:///srv/hearth --tag my-tag");
  return {command, [options] { return run_agent(*options); }};
}

}  // namespace agent::cli
