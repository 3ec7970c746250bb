#include "agent/doctor/admission.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "agent/app/unreadable_runs.hpp"
#include "agent/core/text.hpp"
#include "agent/sccache/build_variables.hpp"

namespace agent::doctor {

namespace {

constexpr std::uint64_t k_default_port = 4226;
constexpr std::size_t k_max_statistics = std::size_t{1} << 20U;
constexpr std::uint64_t k_max_table = std::uint64_t{4} << 20U;
constexpr std::chrono::seconds k_client_deadline(5);

// Whether somebody listens on a TCP port of this machine, told without connecting. Lines of /proc/net/tcp:
// "sl local_address rem_address st …", addresses as HEX:PORT, state 0A is listening (proc(5)).
bool tcp_listens(std::uint64_t port) {
  const auto suffix = fmt::format(":{:04X}", port);
  for (const auto* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = io::read_file(table, k_max_table);
    if (!text) {
      continue;
    }
    for (const auto line : split(*text, '\n')) {
      std::vector<std::string_view> words;
      for (const auto word : split(line, ' ')) {
        if (!word.empty()) {
          words.push_back(word);
        }
      }
      if (words.size() > 3 && words[1].ends_with(suffix) && words[3] == "0A") {
        return true;
      }
    }
  }
  return false;
}

bool socket_listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const io::Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return connection.valid() &&
         ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

LiveServer look_for_server(const io::Environment& environment) {
  LiveServer server;
  server.default_port = tcp_listens(k_default_port);
  if (const auto socket = io::variable_in(environment, "SCCACHE_SERVER_UDS"); !socket.empty()) {
    server.address = socket;
    server.running = socket_listens(socket);
    return server;
  }
  const auto given = io::variable_in(environment, "SCCACHE_SERVER_PORT");
  const auto port = parse_number(given, "SCCACHE_SERVER_PORT").value_or(k_default_port);
  server.address = fmt::format("127.0.0.1:{}", port);
  server.running = tcp_listens(port);
  return server;
}

// Without a server the client prints its own configuration and zeros, which tell nothing of a build.
void ask_sccache(Chart& chart, const io::Environment& environment) {
  auto program = std::string("sccache");
  if (const auto named = io::variable_in(environment, "HEARTH_SCCACHE"); !named.empty()) {
    program = named;
  }
  if (!io::find_program(program, environment)) {
    return;
  }
  chart.server.asked = true;
  const auto exit = io::run({.arguments = {program, "--show-stats", "--stats-format=json"},
                             .environment = environment,
                             .output = io::Command::Output::captured},
                            k_client_deadline);
  if (exit && exit->code == 0) {
    if (auto statistics = sccache::parse_statistics(exit->output)) {
      chart.statistics = *std::move(statistics);
    }
  }
}

void read_log(Chart& chart, const io::fs::path& path) {
  if (const auto text = io::read_tail(path, sccache::k_most_log_bytes)) {
    chart.log = sccache::parse_server_log(*text);
  }
}

// An agent says how long it has been there.
Span span_of(const report::Figures& figures) {
  if (!figures.seconds) {
    return {};
  }
  const auto now = static_cast<std::int64_t>(milliseconds_of(SystemClock().wall()));
  return {.began_ms = now - static_cast<std::int64_t>(*figures.seconds * 1000), .ended_ms = now};
}

bool is_comparable(const app::RunRecord& run, const app::RunRecord& last) {
  const bool same_tag = run.figures.tag == last.figures.tag;
  const bool same_folder =
      !run.surroundings.folder.empty() && run.surroundings.folder == last.surroundings.folder;
  const bool compiled = run.figures.hits.value_or(0) + run.figures.misses.value_or(0) > 0;
  return (same_tag || same_folder) && compiled;
}

// Empty where no folder above has a `.git`.
io::fs::path checkout_of(io::fs::path folder) {
  for (std::error_code error; !io::fs::exists(folder / ".git", error); folder = folder.parent_path()) {
    if (folder == folder.parent_path()) {
      return {};
    }
  }
  return folder;
}

// What the environment calls sccache, and is not there.
std::vector<std::string> missing_programs(const io::Environment& environment, const Project& project) {
  std::vector<std::string> missing;
  const auto look = [&](std::string_view value, std::string shown) {
    const auto program = value.substr(0, value.find(' '));
    const bool names_it = io::fs::path(program).filename().native().contains("sccache");
    if (names_it && !io::find_program(program, environment)) {
      missing.push_back(std::move(shown));
    }
  };
  for (const std::string_view name :
       {"RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "CMAKE_C_COMPILER_LAUNCHER",
        "CMAKE_CXX_COMPILER_LAUNCHER", "CC", "CXX"}) {
    const auto value = io::variable_in(environment, name);
    look(value, fmt::format("{}={}", name, sccache::shown_value(name, value)));
  }
  const auto* set = find(project.cargo_config, "build.rustc-wrapper");
  if (set != nullptr && io::variable_in(environment, "RUSTC_WRAPPER").empty()) {
    look(set->value, set->shown());
  }
  return missing;
}

// What rules would have asked for, and nobody could say.
void note_what_is_unseen(Chart& chart) {
  if (chart.statistics && (!chart.server.asked || chart.server.running)) {
    return;
  }
  chart.unseen.push_back(
      chart.server.asked
          ? fmt::format("sccache's statistics: no server of it listens on {}", chart.server.address)
          : std::string("sccache's statistics: there is no sccache on PATH"));
}

}  // namespace

bool is_called_for(const report::Figures& figures, double min_hit_rate, const io::fs::path& folder) {
  if (min_hit_rate <= 0) {
    return false;
  }
  if (figures.hits.value_or(0) + figures.misses.value_or(0) > 0) {
    return figures.hit_rate.value_or(0) < min_hit_rate;
  }
  constexpr std::array<std::string_view, 5> k_projects = {"Cargo.toml", "CMakeLists.txt", "Makefile",
                                                          "GNUmakefile", "makefile"};
  return std::ranges::any_of(k_projects, [&](std::string_view name) {
    std::error_code error;
    return io::fs::exists(folder / name, error);
  });
}

namespace {

// `recorded` goes on behind `last`.
LastRuns with_previous(app::RecordedRuns& recorded, app::RunRecord last) {
  LastRuns found{.last = std::move(last), .previous = {}};
  while (auto run = recorded.next()) {
    if (is_comparable(*run, found.last)) {
      found.previous = std::move(run);
      break;
    }
  }
  return found;
}

}  // namespace

Result<LastRuns> last_runs(const io::fs::path& runs, const io::fs::path& folder) {
  app::RecordedRuns recorded(runs);
  auto run = recorded.next();
  if (!run) {
    return app::why_no_run(runs);
  }
  const auto checkout = folder.empty() ? io::fs::path() : checkout_of(folder);
  std::optional<LastRuns> beside;  // of the same checkout
  for (; run; run = recorded.next()) {
    const auto& ran_in = run->surroundings.folder;
    if (folder.empty() || ran_in == folder) {
      return with_previous(recorded, *std::move(run));
    }
    if (beside) {
      if (!beside->previous && is_comparable(*run, beside->last)) {
        beside->previous = std::move(run);
      }
    } else if (!checkout.empty() && !ran_in.empty() && checkout_of(ran_in) == checkout) {
      beside.emplace(LastRuns{.last = *std::move(run), .previous = {}});
    }
  }
  if (!beside) {
    return fail(Errc::not_found, "no run in {} is on record in {}", folder.string(), runs.string());
  }
  return *std::move(beside);
}

namespace {

Chart chart_of(LastRuns found, const io::fs::path& runs) {
  auto& last = found.last;
  Chart chart;
  for (const auto& error : app::unreadable_runs(runs, last.id)) {
    chart.unseen.push_back("a newer record: " + error.message);
  }
  chart.source = Source::run;
  chart.previous = std::move(found.previous);
  chart.ran = {.began_ms = last.started_ms, .ended_ms = last.ended_ms};
  chart.figures = std::move(last.figures);
  chart.statistics = std::move(last.statistics);
  chart.surroundings = std::move(last.surroundings);
  chart.requests = std::move(last.requests);
  chart.keys = std::move(last.keys);
  chart.log = std::move(last.log);
  if (!chart.surroundings.folder.empty()) {
    chart.project = read_project(chart.surroundings.folder, chart.surroundings.environment, chart.ran);
  }
  return chart;
}

}  // namespace

Result<Chart> chart_of_run(const io::fs::path& runs, const io::fs::path& folder) {
  AGENT_TRY(auto found, last_runs(runs, folder));
  return chart_of(std::move(found), runs);
}

Result<Chart> chart_of_run_named(const io::fs::path& runs, std::string_view id) {
  app::RecordedRuns recorded(runs);
  while (auto run = recorded.next()) {
    if (run->id == id) {
      return chart_of(with_previous(recorded, *std::move(run)), runs);
    }
  }
  return fail(Errc::not_found, "run {} is not on record in {}", id, runs.string());
}

Chart chart_of_figures(report::Figures figures, const io::fs::path& folder,
                       const io::Environment& environment) {
  Chart chart;
  chart.source = Source::agent;
  chart.figures = std::move(figures);
  chart.surroundings.folder = folder.string();
  chart.surroundings.environment = sccache::kept_variables(environment);
  chart.ran = span_of(chart.figures);
  chart.project = read_project(folder, environment, chart.ran);
  return chart;
}

Result<Chart> chart_of_machine(const LiveOptions& options) {
  Chart chart;
  chart.source = Source::live;
  chart.surroundings.folder = options.folder.string();
  chart.surroundings.environment = sccache::kept_variables(options.environment);
  chart.server = look_for_server(options.environment);
  if (options.statistics.empty()) {
    ask_sccache(chart, options.environment);
  } else {
    AGENT_TRY(const auto text, io::read_file(options.statistics, k_max_statistics));
    AGENT_TRY(chart.statistics, sccache::parse_statistics(text));
  }
  if (!options.log.empty()) {
    AGENT_TRY(const auto text, io::read_tail(options.log, sccache::k_most_log_bytes));
    chart.log = sccache::parse_server_log(text);
  } else if (const auto log = io::variable_in(options.environment, "SCCACHE_ERROR_LOG"); !log.empty()) {
    read_log(chart, log);
  }
  chart.project = read_project(options.folder, options.environment);
  chart.server.missing = missing_programs(options.environment, chart.project);
  note_what_is_unseen(chart);
  return chart;
}

}  // namespace agent::doctor
