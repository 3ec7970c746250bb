// A `hearth server` over a folder in memory, in a process of its own, with a token that saves and one that
// restores. In this process its threads would hold locks that children of a fork wait for in vain.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "agent/server/server.hpp"
#include "tests/contract/places.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::tests {

namespace {

class ServerProcess {
public:
  // REQUIRES: this process has one thread.
  explicit ServerProcess(const io::fs::path& folder) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      serve(folder, ends[1]);
      ::_exit(1);
    }
    ::close(ends[1]);
    EXPECT_EQ(::read(ends[0], &port_, sizeof port_), ssize_t{sizeof port_}) << "the server did not start";
    ::close(ends[0]);
  }

  ~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }

private:
  static void serve(const io::fs::path& folder, int told) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    server::ServerOptions options;
    options.storage = "disk://" + folder.string();
    options.service.spool = folder;
    const auto server = server::Server::start(std::move(options));
    if (!server) {
      return;
    }
    const std::uint16_t port = (*server)->port();
    if (::write(told, &port, sizeof port) == ssize_t{sizeof port}) {
      while (true) {
        ::pause();
      }
    }
  }

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

class BoringcachePlaceUnderTest final : public StoragePlace {
public:
  std::string url() const override {
    return fmt::format("boringcache://127.0.0.1:{}/acme/contract", server_.port());
  }

  backends::Variables variables() const override {
    return [restore = restore_, save = reading_only_ ? std::string() : save_](const char* name) {
      const std::string_view wanted(name);
      return wanted == "BORINGCACHE_RESTORE_TOKEN" ? restore
             : wanted == "BORINGCACHE_SAVE_TOKEN"  ? save
                                                   : std::string();
    };
  }

  void forbid_writing() override { reading_only_ = true; }

private:
  std::string new_token(server::Level level) {
    const SystemClock clock;
    metrics::Registry registry;
    auto storage =
        backends::open_storage("disk://" + folder_.path().string(), {.clock = clock, .registry = registry});
    EXPECT_THAT(storage, Succeeds());
    server::Tokens tokens(**storage, clock, Secret());
    const auto issued = tokens.create({.name = "contract", .workspace = "acme/contract", .level = level});
    EXPECT_THAT(issued, Succeeds());
    return issued ? issued->text.reveal() : std::string();
  }

  TempFolder folder_{memory_folder()};
  ServerProcess server_{folder_.path()};
  std::string save_ = new_token(server::Level::save);
  std::string restore_ = new_token(server::Level::restore);
  std::atomic<bool> reading_only_ = false;
};

}  // namespace

std::unique_ptr<StoragePlace> make_boringcache_place() {
  return std::make_unique<BoringcachePlaceUnderTest>();
}

}  // namespace agent::tests
