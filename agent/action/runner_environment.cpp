#include "agent/action/runner_environment.hpp"

#include <sys/stat.h>

#include "agent/action/inputs.hpp"

namespace agent::action {

namespace {

constexpr std::uint64_t k_max_event_bytes = std::uint64_t{32} << 20U;
constexpr std::string_view k_job_container_work = "/__w";  // where a job container sees the work folder

bool take(std::string_view argument, std::string_view flag, std::string& into) {
  if (!argument.starts_with(flag) || argument.size() <= flag.size() || argument[flag.size()] != '=') {
    return false;
  }
  into = argument.substr(flag.size() + 1);
  return true;
}

bool is_folder(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

// The host's `_temp`: the argument, or beside the folder of RUNNER_WORKSPACE, which is never translated
// because it is not mounted (the temporary folder is always `<work>/_temp`: Runner.Common/HostContext.cs).
fs::path host_temp_folder(const io::Environment& environment, const Arguments& arguments) {
  const fs::path told(arguments.host_temp);
  if (told.is_absolute()) {
    return told.lexically_normal();
  }
  const fs::path workspace(io::variable_in(environment, "RUNNER_WORKSPACE"));
  if (workspace.is_absolute() && !workspace.string().starts_with("/github/")) {
    return workspace.lexically_normal().parent_path() / "_temp";
  }
  return {};
}

Result<Arguments> parse_arguments(const std::vector<std::string>& arguments) {
  Arguments parsed;
  std::string* last = nullptr;
  for (const auto& argument : arguments) {
    if (take(argument, "--host-temp", parsed.host_temp)) {
      last = &parsed.host_temp;
    } else if (take(argument, "--job-network", parsed.job_network)) {
      last = &parsed.job_network;
    } else if (take(argument, "--job-container", parsed.job_container)) {
      last = &parsed.job_container;
    } else if (last != nullptr && !argument.starts_with("--")) {
      *last += " " + argument;  // container hooks split arguments at blanks
    } else {
      return fail(Errc::invalid, "argument '{}' is none that action.yml passes", argument);
    }
  }
  return parsed;
}

std::string RunnerEnvironment::job_identity() const {
  return fmt::format("{}/{}/{}/{}", repository, run_id, run_attempt, job);
}

RunnerEnvironment read_runner_environment(const io::Environment& environment, const Arguments& arguments) {
  const auto get = [&](std::string_view name) { return io::variable_in(environment, name); };
  return {.repository = get("GITHUB_REPOSITORY"),
          .run_id = get("GITHUB_RUN_ID"),
          .run_attempt = get("GITHUB_RUN_ATTEMPT"),
          .sha = get("GITHUB_SHA"),
          .job = get("GITHUB_JOB"),
          .os = get("RUNNER_OS"),
          .arch = get("RUNNER_ARCH"),
          .hosted = get("RUNNER_ENVIRONMENT") == "github-hosted",
          .event = io::read_file(get("GITHUB_EVENT_PATH"), k_max_event_bytes).value_or(""),
          .workspace = get("GITHUB_WORKSPACE"),
          .job_network = arguments.job_network,
          .job_container = arguments.job_container};
}

Result<SharedFolder> find_shared_folder(const io::Environment& environment, const Arguments& arguments,
                                        const fs::path& root) {
  const auto host = host_temp_folder(environment, arguments);
  if (host.empty()) {
    return fail(Errc::not_found, "the runner does not say where its temporary folder is on the host");
  }
  const auto steps =
      arguments.job_container.empty() ? host : fs::path(k_job_container_work) / host.filename();
  SharedFolder temp{.here = root / "github/runner_temp", .host = host, .steps = steps};
  if (is_folder(temp.here)) {
    return temp;
  }
  auto home = temp / "_github_home";
  home.here = root / "github/home";
  if (is_folder(home.here)) {
    return home;
  }
  return fail(Errc::not_found,
              "the runner shares no folder with this container (/github/runner_temp): nektos/act does not, "
              "GitHub's runner does");
}

}  // namespace agent::action
