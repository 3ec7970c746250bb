#include "agent/cli/agent_options.hpp"

#include <unistd.h>

#include <array>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/process.hpp"

namespace agent::cli {

namespace {

Result<void> set_log_level(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, log::Level>, 5> k_levels = {{{"debug", log::Level::debug},
                                                                                {"info", log::Level::info},
                                                                                {"warn", log::Level::warn},
                                                                                {"error", log::Level::error},
                                                                                {"off", log::Level::off}}};
  for (const auto& [name, level] : k_levels) {
    if (name == text) {
      log::set_level(level);
      return {};
    }
  }
  return fail(Errc::invalid, "--log-level: '{}' is none of debug, info, warn, error, off", text);
}

Result<void> check_tag(const std::string& tag) {
  constexpr std::size_t k_limit = 200;
  const bool fits =
      !tag.empty() && tag.size() <= k_limit &&
      tag.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
          std::string::npos;
  if (!fits) {
    return fail(
        Errc::invalid,
        "--tag: '{}' must be 1 to {} characters of A-Z a-z 0-9 . _ -; `hearth tag` makes one from your parts",
        tag, k_limit);
  }
  return {};
}

// "user@host": outside of CI there is no run to name.
std::string default_producer() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) {
    host.front() = '\0';
  }
  const auto user = io::environment_value("USER");
  return fmt::format("{}@{}", user.empty() ? "somebody" : user, host.data());
}

// In a workflow the steps know their run.
std::string default_run() {
  const auto run = io::environment_value("GITHUB_RUN_ID");
  return run.empty() ? run : fmt::format("{}-{}", run, io::environment_value("GITHUB_RUN_ATTEMPT"));
}

}  // namespace

void add_agent_options(CLI::App& command, AgentOptions& options) {
  options.store = default_store();
  options.backend = default_backend();
  options.producer = default_producer();
  options.run = default_run();
  const auto add = [&](const char* name, std::string& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str();
  };
  add("--store", options.store, "folder of the local store; one agent at a time uses it");
  add("--backend", options.backend,
      "where the tag lives: disk:///folder, github, s3://bucket/prefix, or none");
  add("--tag", options.tag, "name of what is read and published (default: what `hearth tag` prints)");
  add("--mode", options.mode, "read-write, read-only, write-only or off");
  add("--repository", options.repository, "whose tag it is, owner/name");
  add("--scope", options.scope, "branch or pull request that is written, for instance refs/heads/main");
  command.add_option("--also-scope", options.also_scopes,
                     "scope that is read too, after the own one; repeatable");
  add("--producer", options.producer, "who publishes, for `hearth inspect`");
  add("--run", options.run, "name that the jobs of one run share, for the history of the tag");
  add("--sccache-mode", options.sccache_mode,
      "proxy: sccache asks the agent; disk: it works on a folder that is filled from the tag before; auto: "
      "disk "
      "where the tag was used so from the same path");
  add("--max-size", options.max_size, "size cap of the local store");
  add("--max-tag-size", options.max_tag_size,
      "what the tag may hold in the backend; 0: as the backend wants it, on GitHub 4GiB");
  add("--min-free-space", options.min_free_space, "of the store's disk; below it nothing more is stored");
  add("--preload-deadline", options.preload_deadline, "how long warming up may take");
  add("--preload-budget", options.preload_budget, "how many bytes warming up may read");
  add("--drain-deadline", options.drain_deadline, "how long publishing at the end may take");
  add("--log-level", options.log_level, "debug, info, warn, error or off");
}

Result<app::Config> to_config(const AgentOptions& options) {
  AGENT_CHECK(set_log_level(options.log_level));
  AGENT_CHECK(check_tag(options.tag));
  app::Config config;
  config.store = io::fs::absolute(options.store);
  config.backend = options.backend;
  AGENT_TRY(config.mode, publish::parse_mode(options.mode));
  config.producer = options.producer;
  config.run = options.run;
  if (auto mode = app::parse_sccache_mode(options.sccache_mode); mode) {
    config.sccache_mode = *mode;
  } else {
    return with_context("--sccache-mode", std::move(mode).error());
  }
  AGENT_TRY(config.max_size_bytes, parse_size(options.max_size, "--max-size"));
  AGENT_TRY(config.max_tag_bytes, parse_size(options.max_tag_size, "--max-tag-size"));
  AGENT_TRY(config.min_free_bytes, parse_size(options.min_free_space, "--min-free-space"));
  AGENT_TRY(config.preload_deadline, parse_duration(options.preload_deadline, "--preload-deadline"));
  AGENT_TRY(config.preload_bytes, parse_size(options.preload_budget, "--preload-budget"));
  AGENT_TRY(config.drain_deadline, parse_duration(options.drain_deadline, "--drain-deadline"));
  config.chain.own = {.repository = options.repository, .scope = options.scope, .tag = options.tag};
  for (const auto& scope : options.also_scopes) {
    config.chain.also.push_back({.repository = options.repository, .scope = scope, .tag = options.tag});
  }
  return config;
}

Result<void> create_folder_of(const AgentOptions& options) {
  const bool used = options.store == default_store() || options.backend == default_backend();
  return used ? create_default_folder() : Result<void>{};
}

}  // namespace agent::cli
