// sccache was asked and cannot write or read back: its storage refuses, is read-only or out of order.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/core/text.hpp"
#include "agent/doctor/backends.hpp"
#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

using sccache::LogTopic;

constexpr std::array<std::string_view, 10> k_modes = {
    "SCCACHE_S3_RW_MODE",  "SCCACHE_REDIS_RW_MODE", "SCCACHE_MEMCACHED_RW_MODE", "SCCACHE_GCS_RW_MODE",
    "SCCACHE_GHA_RW_MODE", "SCCACHE_AZURE_RW_MODE", "SCCACHE_WEBDAV_RW_MODE",    "SCCACHE_OSS_RW_MODE",
    "SCCACHE_COS_RW_MODE", "SCCACHE_LOCAL_RW_MODE"};

// No write was tried because all are refused: read-only for the server's life.
bool wrote_nothing(const Chart& chart) {
  const auto& counts = chart.statistics;
  return counts && counts->misses() > 0 && counts->writes == 0 && counts->write_errors > 0;
}

bool read_only(const Chart& chart) {
  const bool says = chart.statistics && lowered(chart.statistics->storage_mode) == "readonly";
  return says || wrote_nothing(chart);
}

std::vector<std::string> write_evidence(const Chart& chart) {
  std::vector<std::string> evidence;
  if (chart.statistics) {
    evidence.push_back(fmt::format("misses {}, {}, {}", chart.misses(),
                                   report::counted(chart.statistics->writes, "write"),
                                   report::counted(chart.statistics->write_errors, "write error")));
  }
  if (const auto* line = chart.said(LogTopic::write_check)) {
    evidence.push_back(line->text);
  }
  return evidence;
}

Finding read_only_setting(const Chart& chart) {
  for (const auto name : k_modes) {
    const auto value = lowered(chart.variable(name));
    if (!chart.ours() && (value == "read_only" || value == "ro" || value == "readonly")) {
      auto evidence = write_evidence(chart);
      evidence.insert(evidence.begin(), chart.shown(name));
      return found(
          Certainty::certain, 1,
          {.title = "The storage is set to read-only: what is compiled is never stored",
           .evidence = std::move(evidence),
           .fix = fmt::format("unset {}   # where this job may write\nsccache --stop-server", name)});
    }
  }
  return std::nullopt;
}

Finding start_failed(const Chart& chart) {
  const auto* line = chart.said(LogTopic::start_failed);
  if (line == nullptr || (chart.server.running && !chart.ours())) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, 1,
      {.title = line->status == 429
                    ? "The storage's rate limit stopped sccache at its start: every compilation fails"
                    : "The storage's first answer stopped sccache: every compilation fails",
       .evidence = {line->text},
       .fix = "# sccache 0.16 needs 200 or 404 for .sccache_check. From 0.18 on:\n"
              "export SCCACHE_SKIP_CACHE_CHECK=1\n# Until then build without it:\nunset RUSTC_WRAPPER"});
}

Finding propfind_refused(const Chart& chart) {
  const auto* line = chart.said(LogTopic::write_check, 405);
  if (line == nullptr && !chart.said(LogTopic::write_failed, 405)) {
    return std::nullopt;
  }
  auto evidence = write_evidence(chart);
  if (line == nullptr) {
    evidence.push_back(chart.said(LogTopic::write_failed, 405)->text);
  }
  return found(Certainty::certain, 1,
               {.title = "The WebDAV storage does not speak PROPFIND and MKCOL: nothing is ever written",
                .evidence = std::move(evidence),
                .fix = "# Use a storage that answers PROPFIND with 207 (Hearth does), or sccache 0.19 with\n"
                       "export SCCACHE_WEBDAV_DISABLE_CREATE_DIR=1"});
}

Finding probe_rate_limited(const Chart& chart) {
  const auto* line = chart.said(LogTopic::write_check, 429);
  if (line == nullptr) {
    return std::nullopt;
  }
  return found(Certainty::certain, 1,
               {.title = "One 429 at the start made the storage read-only for this server's whole life",
                .evidence = write_evidence(chart),
                .fix = "sccache --stop-server   # the next compilation asks again\n"
                       "# Hearth accepts the probe always, and packs writes so that no limit is met"});
}

Finding storage_read_only(const Chart& chart) {
  if (chart.ours() || read_only_setting(chart) || propfind_refused(chart) || probe_rate_limited(chart)) {
    return std::nullopt;
  }
  const auto* line = chart.said(LogTopic::write_check);
  const bool tried = chart.said(LogTopic::write_failed) != nullptr;  // so it is not read-only
  if (line == nullptr && (tried || !read_only(chart))) {
    return std::nullopt;
  }
  const bool denied = line != nullptr && (line->status == 401 || line->status == 403);
  return found(line != nullptr ? Certainty::certain : Certainty::likely, 1,
               {.title = denied ? "The storage refuses this job's writes: sccache is read-only"
                                : "sccache is read-only: the write at its start failed",
                .evidence = write_evidence(chart),
                .fix = denied ? "# Give the job a credential that may write, then\nsccache --stop-server"
                              : "# See why, in the foreground:\nSCCACHE_NO_DAEMON=1 SCCACHE_START_SERVER=1 "
                                "SCCACHE_LOG=debug sccache"});
}

Finding rate_limited(const Chart& chart) {
  const auto* line = chart.said(LogTopic::write_failed, 429);
  if (line == nullptr || !chart.statistics) {
    return std::nullopt;
  }
  const auto lost = static_cast<double>(chart.statistics->write_errors);
  const auto all = lost + static_cast<double>(chart.statistics->writes);
  return found(
      Certainty::certain, all > 0 ? lost / all : 0.5,
      {.title = "The storage's rate limit dropped writes for good: sccache never tries again",
       .evidence = {fmt::format("{} of {}", report::counted(chart.statistics->write_errors, "write error"),
                                report::counted(static_cast<std::uint64_t>(all), "write")),
                    line->text},
       .fix = "hearth run -- cargo build   # a few packs instead of one upload per object"});
}

Finding writes_fail(const Chart& chart) {
  if (!chart.statistics || chart.statistics->write_errors == 0 ||
      (wrote_nothing(chart) && !chart.said(LogTopic::write_failed)) ||
      chart.said(LogTopic::write_failed, 429) || chart.said(LogTopic::write_check)) {
    return std::nullopt;
  }
  const auto lost = static_cast<double>(chart.statistics->write_errors);
  const auto all = lost + static_cast<double>(chart.statistics->writes);
  std::vector<std::string> evidence = {
      fmt::format("{} of {} failed", chart.statistics->write_errors,
                  report::counted(static_cast<std::uint64_t>(all), "write"))};
  if (const auto* line = chart.said(LogTopic::write_failed)) {
    evidence.push_back(line->text);
  }
  return found(Certainty::certain, lost / all,
               {.title = "Some of what was compiled could not be stored",
                .evidence = std::move(evidence),
                .fix = "# The storage's own log says why. sccache's, in the foreground:\n"
                       "SCCACHE_NO_DAEMON=1 SCCACHE_START_SERVER=1 SCCACHE_LOG=warn sccache"});
}

Finding reads_fail(const Chart& chart) {
  const auto* line = chart.said(LogTopic::read_failed);
  if (line == nullptr || chart.misses() == 0) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, chart.miss_share(),
      {.title = "Lookups fail and are counted as plain misses",
       .evidence = {line->text,
                    fmt::format(
                        "sccache shows {} and {}", report::counted(chart.misses(), "lookup") + " missed",
                        report::counted(chart.statistics ? chart.statistics->errors() : 0, "cache error"))},
       .fix = "# Up to 0.18 sccache shows a 403 or 500 as a miss. Ask the storage itself, for instance\n"
              "curl -i \"$SCCACHE_WEBDAV_ENDPOINT/.sccache_check\""});
}

Finding timeouts(const Chart& chart) {
  if (!chart.statistics || chart.statistics->timeouts == 0) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, chart.miss_share(),
      {.title = "The storage is too slow: sccache gave lookups up after 60 s",
       .evidence = {fmt::format("cache_timeouts: {}", chart.statistics->timeouts)},
       .fix = "hearth run -- cargo build   # preloads, and answers a slow storage's lookups as misses"});
}

Finding github_token_missing(const Chart& chart) {
  const bool enabled = !chart.variable("SCCACHE_GHA_ENABLED").empty() && !named_backends(chart).empty() &&
                       named_backends(chart).front().name == "ghac";
  const auto* line = chart.said(LogTopic::config);
  if (chart.ours() || !enabled || !chart.variable("ACTIONS_RUNTIME_TOKEN").empty()) {
    return std::nullopt;
  }
  std::vector<std::string> evidence = {chart.shown("SCCACHE_GHA_ENABLED"),
                                       "ACTIONS_RUNTIME_TOKEN is not set"};
  if (line != nullptr) {
    evidence.push_back(line->text);
  }
  return found(
      Certainty::certain, 1,
      {.title = "sccache may not use GitHub's cache: run steps do not get its token",
       .evidence = std::move(evidence),
       .fix = "- uses: actions/github-script@v7\n  with:\n    script: |\n"
              "      core.exportVariable('ACTIONS_RESULTS_URL', process.env.ACTIONS_RESULTS_URL || '')\n"
              "      core.exportVariable('ACTIONS_RUNTIME_TOKEN', process.env.ACTIONS_RUNTIME_TOKEN || '')\n"
              "      core.exportVariable('ACTIONS_CACHE_SERVICE_V2', 'on')"});
}

// The first version's paths asked of the second version's host are all 404: read-only for ever.
Finding github_version_mismatch(const Chart& chart) {
  const auto named = named_backends(chart);
  const bool github = !named.empty() && named.front().name == "ghac";
  if (chart.ours() || !github || chart.variable("ACTIONS_RESULTS_URL").empty() ||
      !chart.variable("ACTIONS_CACHE_SERVICE_V2").empty() || !chart.variable("ACTIONS_CACHE_URL").empty() ||
      chart.variable("ACTIONS_RUNTIME_TOKEN").empty()) {
    return std::nullopt;
  }
  std::vector<std::string> evidence = {chart.shown("ACTIONS_RESULTS_URL"),
                                       "ACTIONS_CACHE_SERVICE_V2 and ACTIONS_CACHE_URL are not set"};
  if (chart.statistics) {
    evidence.push_back("the server says: " + chart.statistics->cache_location);
  }
  return found(Certainty::certain, 1,
               {.title = "sccache speaks the old protocol to GitHub's new cache service",
                .evidence = std::move(evidence),
                .fix = "export ACTIONS_CACHE_SERVICE_V2=on\nsccache --stop-server"});
}

constexpr std::array<Rule, 11> k_rules = {{{"github-token-missing", github_token_missing},
                                           {"github-version-mismatch", github_version_mismatch},
                                           {"start-failed", start_failed},
                                           {"read-only-setting", read_only_setting},
                                           {"propfind-refused", propfind_refused},
                                           {"probe-rate-limited", probe_rate_limited},
                                           {"storage-read-only", storage_read_only},
                                           {"rate-limited", rate_limited},
                                           {"writes-fail", writes_fail},
                                           {"reads-fail", reads_fail},
                                           {"timeouts", timeouts}}};

}  // namespace

std::span<const Rule> storage_rules() {
  return k_rules;
}

}  // namespace agent::doctor
