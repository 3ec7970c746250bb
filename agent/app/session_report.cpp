#include "agent/app/session_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/backends/boringcache_report.hpp"
#include "agent/core/log.hpp"
#include "agent/io/process.hpp"

namespace agent::app {

namespace {

constexpr std::array<std::pair<const char*, const char*>, 5> k_run = {
    {{"run_uid", "GITHUB_RUN_ID"},
     {"run_attempt", "GITHUB_RUN_ATTEMPT"},
     {"run_repository", "GITHUB_REPOSITORY"},
     {"run_ref_name", "GITHUB_REF_NAME"},
     {"run_commit_sha", "GITHUB_SHA"}}};

// Compilations where sccache counted them, else lookups.
std::uint64_t either(const std::optional<std::uint64_t>& counted,
                     const std::optional<std::uint64_t>& lookups) {
  return counted.value_or(lookups.value_or(0));
}

io::JsonArray missed_keys(const cache::Requests& requests, std::size_t most) {
  io::JsonArray missed;
  const auto absent = requests.keys.find("absent");
  if (absent != requests.keys.end()) {
    for (std::size_t i = 0; i < std::min(most, absent->second.size()); ++i) {
      missed.emplace_back(io::JsonObject{
          {"key_hash", fmt::format("{:016x}", absent->second[i])}, {"tool", "sccache"}, {"miss_count", 1}});
    }
  }
  return missed;
}

}  // namespace

io::Json session_report(const RunRecord& run, const std::function<std::string(const char* name)>& variable) {
  const auto& figures = run.figures;
  io::JsonObject session{
      {"session_id", run.id},
      {"tool", "sccache"},
      {"session_duration_ms", std::max<std::int64_t>(0, run.ended_ms - run.started_ms)},
      {"hit_count", either(figures.hits, figures.lookups_hit)},
      {"miss_count", either(figures.misses, figures.lookups_missed)},
      {"error_count", figures.errors.value_or(0)},
      {"bytes_read", figures.bytes_read.value_or(0)},
      {"bytes_written", figures.bytes_written.value_or(0)},
      {"metadata_hints",
       io::JsonObject{{"tag", figures.tag}, {"scope", figures.scope}, {"mode", figures.mode}}}};
  for (const auto& [member, name] : k_run) {
    if (auto value = variable(name); !value.empty()) {
      session.emplace(member, std::move(value));
    }
  }
  // At most 800 records at once: the session and these.
  return io::JsonObject{{"rollups", io::JsonArray()},
                        {"missed_keys", missed_keys(run.requests, k_most_reported_misses)},
                        {"sessions", io::JsonArray{std::move(session)}}};
}

void tell_server(const std::string& backend, const backends::StorageServices& services,
                 const RunRecord& run) {
  const auto& figures = run.figures;
  if (either(figures.hits, figures.lookups_hit) + either(figures.misses, figures.lookups_missed) == 0) {
    return;
  }
  const auto told =
      backends::report_to_boringcache(backend, services, session_report(run, io::environment_value));
  if (!told) {
    log::warn("agent: the server was not told of this run error={}", told.error().message);
  }
}

}  // namespace agent::app
