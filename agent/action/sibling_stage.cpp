#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "agent/action/sibling.hpp"
#include "agent/io/file.hpp"

namespace agent::action {

namespace {

struct SiblingOptions {
  std::string log;
  std::string private_folder;
  std::string volume;
  std::string owner_of;
  std::string backend_folder;
  bool adopt_backend = false;
  std::string network_name;  // empty: the agent listens on loopback
  std::vector<std::string> agent;
};

bool take(std::string_view argument, std::string_view flag, std::string& into) {
  if (!argument.starts_with(flag)) {
    return false;
  }
  into = argument.substr(flag.size());
  return true;
}

Result<SiblingOptions> parse(const std::vector<std::string>& arguments) {
  SiblingOptions options;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (*argument == "--") {
      options.agent.assign(argument + 1, arguments.end());
      break;
    }
    if (*argument == "--adopt-backend") {
      options.adopt_backend = true;
      continue;
    }
    if (!take(*argument, "--log=", options.log) && !take(*argument, "--private=", options.private_folder) &&
        !take(*argument, "--volume=", options.volume) && !take(*argument, "--owner-of=", options.owner_of) &&
        !take(*argument, "--backend-folder=", options.backend_folder) &&
        !take(*argument, "--network-name=", options.network_name)) {
      return fail(Errc::invalid, "sibling: unknown argument '{}'", *argument);
    }
  }
  return options;
}

// What the agent prints goes where main can read it: Docker forgets the log of a container that removes
// itself.
Result<void> redirect_output(const std::string& path) {
  AGENT_TRY(const auto log, io::open_file(path, O_WRONLY | O_CREAT | O_APPEND));
  if (::dup2(log.get(), STDOUT_FILENO) < 0 || ::dup2(log.get(), STDERR_FILENO) < 0) {
    return fail_errno("redirect output to", path, errno);
  }
  return {};
}

// The first IPv4 address that is not loopback: this container's on the job's network, its only one.
Result<std::string> network_address() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) {
    return fail_errno("list", "network interfaces", errno);
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(raw, ::freeifaddrs);
  for (const auto* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET ||
        (entry->ifa_flags & IFF_LOOPBACK) != 0U) {
      continue;
    }
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* const address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    if (::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()) != nullptr) {
      return std::string(text.data());
    }
  }
  return fail(Errc::not_found, "the job's network gave this container no IPv4 address");
}

// The agent runs as the owner of the backend's folder, so that what it keeps there belongs to whom the folder
// belongs; without one, as the owner of the runner's folder.
Result<io::Owner> agent_user(const SiblingOptions& options) {
  AGENT_TRY(const auto runner, io::owner_of(options.owner_of));
  if (options.backend_folder.empty()) {
    return runner;
  }
  AGENT_TRY(const auto backend, io::owner_of(options.backend_folder));
  std::error_code error;
  if (!options.adopt_backend || backend.user != 0 || !io::fs::is_empty(options.backend_folder, error)) {
    return backend;
  }
  AGENT_CHECK(io::give_to(options.backend_folder, runner));  // Docker just made it, as root
  return runner;
}

// Leaves root for good but keeps CAP_DAC_OVERRIDE: sccache's socket belongs to the steps' user, whoever that
// is.
Result<void> become(const io::Owner& user) {
  if (user.user == 0) {
    return {};
  }
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0 ||
      ::setresgid(user.group, user.group, user.group) != 0 ||
      ::setresuid(user.user, user.user, user.user) != 0) {
    return fail_errno("become user", std::to_string(user.user), errno);
  }
  constexpr std::uint32_t k_kept = 1U << CAP_DAC_OVERRIDE;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  sets[0] = {.effective = k_kept, .permitted = k_kept, .inheritable = k_kept};
  if (::syscall(SYS_capset, &header, sets.data()) != 0 ||
      ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0) != 0) {
    return fail_errno("keep", "CAP_DAC_OVERRIDE", errno);
  }
  return {};
}

Result<void> turn_into_agent(const SiblingOptions& options) {
  std::vector<std::string> arguments = {"hearth", "agent"};
  if (options.network_name.empty()) {
    arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
  } else {
    AGENT_TRY(const auto address, network_address());
    arguments.insert(arguments.end(),
                     {"--listen", address + ":0", "--host", address, "--host", options.network_name});
  }
  arguments.insert(arguments.end(), options.agent.begin(), options.agent.end());
  AGENT_TRY(const auto user, agent_user(options));
  AGENT_CHECK(io::give_tree_to(options.private_folder, user));
  AGENT_CHECK(io::give_tree_to(options.volume, user));
  AGENT_CHECK(become(user));
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (auto& argument : arguments) {
    raw.push_back(argument.data());
  }
  raw.push_back(nullptr);
  ::execv("/proc/self/exe", raw.data());
  return fail_errno("run", "hearth agent", errno);
}

}  // namespace

int run_sibling(const std::vector<std::string>& arguments) {
  const auto options = parse(arguments);
  auto done = options ? redirect_output(options->log) : std::unexpected(options.error());
  if (done) {
    done = turn_into_agent(*options);
  }
  fmt::print(stderr, "hearth: {}\n", done.error().message);
  return 1;
}

}  // namespace agent::action
