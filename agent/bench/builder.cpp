#include "agent/bench/builder.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/install.hpp"
#include "agent/sccache/server.hpp"

namespace agent::bench {

namespace {

namespace fs = io::fs;
using namespace std::chrono_literals;

constexpr auto k_server_deadline = 20s;
constexpr std::uint64_t k_log_limit = std::uint64_t{64} << 20U;
constexpr std::uint64_t k_summary_limit = std::uint64_t{1} << 20U;
constexpr std::size_t k_quoted_bytes = 2000;
constexpr std::string_view k_local_size = "100G";  // nothing may be evicted between cold and warm
constexpr std::string_view k_rust = "Rust";

// A command with its output in a file of its own; the first word is found on PATH.
struct Job {
  std::vector<std::string> command;
  io::Environment environment;
  fs::path folder;
  fs::path log;
};

std::string end_of(const fs::path& log) {
  const auto text = io::read_file(log, k_log_limit);
  if (!text) {
    return "what it said is too long to show, or lost";
  }
  const auto shown = std::string_view(*text).substr(text->size() - std::min(text->size(), k_quoted_bytes));
  return shown.empty() ? "it said nothing" : std::string(trimmed(shown));
}

// Runs them at once, each to its end. Errors: io where one of them fails; cancelled.
Result<void> run_jobs(const std::vector<Job>& jobs, const std::stop_token& stop) {
  std::vector<io::Child> children;
  std::optional<Error> problem;
  for (const auto& job : jobs) {
    io::Command command{.arguments = {"/bin/sh", "-c", R"(exec "$@" >"$0" 2>&1)", job.log.string()},
                        .environment = job.environment,
                        .folder = job.folder};
    command.arguments.insert(command.arguments.end(), job.command.begin(), job.command.end());
    auto child = io::Child::start(command);
    if (!child) {
      problem = child.error();
      break;
    }
    children.push_back(*std::move(child));
  }
  const std::stop_callback forward(
      stop, [&] { std::ranges::for_each(children, [](const io::Child& child) { child.signal(SIGTERM); }); });
  for (std::size_t i = 0; i < children.size(); ++i) {
    const int code = children[i].wait();
    if (code != 0 && !problem) {
      problem =
          Error{.code = Errc::io,
                .message = fmt::format("bench: '{}' ended with exit code {}; the end of what it said:\n{}",
                                       jobs[i].command.back(), code, end_of(jobs[i].log))};
    }
  }
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "bench: interrupted");
  }
  if (problem) {
    return std::unexpected(*std::move(problem));
  }
  return {};
}

io::Environment clean_environment(const Plan& plan) {
  auto environment = plan.environment;
  for (const auto& name : sccache::foreign_variables(environment)) {
    io::unset_variable(environment, name);
  }
  return environment;
}

// --- sccache on its own disk ----------------------------------------------------

// Its server, started before the clock runs: what that takes counts for nobody but hearth.
class LocalServer final {
public:
  static Result<LocalServer> start(const Plan& plan, const fs::path& folder) {
    LocalServer server(plan);
    AGENT_CHECK(io::make_folders(server.installation_.bin));
    std::error_code error;
    fs::create_symlink(plan.sccache, server.installation_.bin / sccache::k_launcher, error);
    auto own = server.environment_;
    io::set_variable(own, "SCCACHE_DIR", folder.string());
    io::set_variable(own, "SCCACHE_CACHE_SIZE", k_local_size);
    io::set_variable(own, "SCCACHE_IDLE_TIMEOUT", sccache::k_idle_seconds);
    AGENT_TRY(const auto started, io::run({.arguments = {plan.sccache.string(), "--start-server"},
                                           .environment = std::move(own),
                                           .folder = plan.work,
                                           .output = io::Command::Output::captured},
                                          k_server_deadline));
    if (started.code != 0) {
      return fail(Errc::io, "bench: sccache's server does not start: {}", trimmed(started.errors));
    }
    return server;
  }

  LocalServer(LocalServer&& other) noexcept = default;
  LocalServer& operator=(LocalServer&&) = delete;
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  ~LocalServer() {
    if (server_) {
      [[maybe_unused]] const auto stopped = server_->stop(k_server_deadline);
    }
  }

  const io::Environment& environment() const { return environment_; }

  Result<sccache::Statistics> statistics() {
    AGENT_CHECK(server_->take_snapshot(k_server_deadline));
    return *server_->statistics();
  }

private:
  explicit LocalServer(const Plan& plan)
      : installation_{.bin = plan.work / "bin", .socket = plan.work / "local.sock", .real = plan.sccache},
        environment_(sccache::job_environment(plan.environment, installation_)),
        server_(std::make_unique<sccache::Server>(sccache::ServerPaths{
            .real = plan.sccache, .socket = installation_.socket, .state = plan.work / "none"})) {
    // A remote cache in the user's configuration file would win over the folder, as it would in the launcher.
    io::set_variable(environment_, "SCCACHE_CONF", "/dev/null");
  }

  sccache::Installation installation_;
  io::Environment environment_;
  std::unique_ptr<sccache::Server> server_;
};

void add(Build& build, const sccache::Statistics& statistics) {
  build.hits = statistics.hits();
  build.misses = statistics.misses();
  if (const auto rust = statistics.languages.find(std::string(k_rust)); rust != statistics.languages.end()) {
    build.rust_hits = rust->second.hits;
    build.rust_misses = rust->second.misses;
  }
  build.read_hit_ms = statistics.read_hit_ms();
  build.stored = statistics.writes;
}

// --- through hearth -------------------------------------------------------------

std::vector<std::string> hearth_run(const Plan& plan, const BuildOrder& order, const fs::path& summary) {
  const auto backend =
      order.leg.backend.empty() ? fmt::format("disk://{}", order.backend.string()) : order.leg.backend;
  std::vector<std::string> command{plan.hearth.string(),
                                   "run",
                                   "--quiet",
                                   "--store",
                                   order.store.string(),
                                   "--tag",
                                   order.tag,
                                   "--backend",
                                   backend,
                                   "--summary-json",
                                   summary.string()};
  command.insert(command.end(), order.leg.flags.begin(), order.leg.flags.end());
  command.insert(command.end(), {"--", "/bin/sh", "-c", plan.build});
  return command;
}

Result<void> add_summary(Build& build, const fs::path& summary) {
  AGENT_TRY(const auto text, io::read_file(summary, k_summary_limit));
  AGENT_TRY(const auto json, io::parse_json(text, summary.string()));
  AGENT_TRY(const auto figures, report::from_json(json));
  add_count(build.hits, figures.hits);
  add_count(build.misses, figures.misses);
  if (const auto rust = figures.languages.find(std::string(k_rust)); rust != figures.languages.end()) {
    add_count(build.rust_hits, rust->second.hits);
    add_count(build.rust_misses, rust->second.misses);
  }
  if (figures.sccache_read_hit_ms) {
    build.read_hit_ms = std::max(build.read_hit_ms.value_or(0), *figures.sccache_read_hit_ms);
  }
  add_count(build.http_429, figures.http_429);
  add_count(build.conflicts, figures.conflicts);
  add_count(build.stored, figures.stores);
  add_count(build.published, figures.published);
  build.notes.insert(build.notes.end(), figures.notes.begin(), figures.notes.end());
  return {};
}

}  // namespace

Result<void> run_shell(const Plan& plan, const std::string& command, const fs::path& project,
                       const std::stop_token& stop) {
  return run_jobs({{.command = {"/bin/sh", "-c", command},
                    .environment = clean_environment(plan),
                    .folder = project,
                    .log = plan.work / "shell.log"}},
                  stop);
}

Result<Build> build_all(const Plan& plan, const std::vector<BuildOrder>& orders,
                        const std::stop_token& stop) {
  const bool through_hearth = orders.front().leg.through_hearth;
  std::optional<LocalServer> server;
  if (!through_hearth) {
    AGENT_TRY(auto started, LocalServer::start(plan, orders.front().store));
    server.emplace(std::move(started));
  }
  std::vector<Job> jobs;
  std::vector<fs::path> summaries;
  for (const auto& order : orders) {
    summaries.push_back(plan.work / fmt::format("summary-{}.json", jobs.size()));
    std::error_code ignored;
    fs::remove(summaries.back(), ignored);
    jobs.push_back({.command = through_hearth ? hearth_run(plan, order, summaries.back())
                                              : std::vector<std::string>{"/bin/sh", "-c", plan.build},
                    .environment = server ? server->environment() : plan.environment,
                    .folder = order.project,
                    .log = plan.work / fmt::format("build-{}.log", jobs.size())});
    io::set_variable(jobs.back().environment, "HEARTH_SCCACHE", plan.sccache.string());
  }
  const auto begin = std::chrono::steady_clock::now();
  AGENT_CHECK(run_jobs(jobs, stop));
  Build build{.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
  if (server) {
    AGENT_TRY(const auto statistics, server->statistics());
    add(build, statistics);
    return build;
  }
  for (const auto& summary : summaries) {
    AGENT_CHECK(add_summary(build, summary));
  }
  return build;
}

Result<Build> build(const Plan& plan, const BuildOrder& order, const std::stop_token& stop) {
  return build_all(plan, {order}, stop);
}

}  // namespace agent::bench
