// agent::sccache::Server against the real sccache 0.16.0 with its disk cache and the C compiler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/io/process.hpp"
#include "agent/sccache/server.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::sccache {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using tests::FailsWith;
using tests::Succeeds;

constexpr auto k_long = 60s;  // no test waits this long unless it fails

io::fs::path real_sccache() {
  const auto named = io::environment_value("HEARTH_SCCACHE");
  return named.empty()
             ? io::fs::path(io::environment_value("HEARTH_BUILD_DIR")) / "tools/sccache-0.16.0/sccache"
             : io::fs::path(named);
}

class RealServer : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(io::fs::exists(paths_.real))
        << paths_.real << ": python3 -m tests.e2e.tools sccache fetches it";
  }
  void TearDown() override { EXPECT_THAT(Server(paths_).stop(k_long), Succeeds()); }

  int sccache(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), paths_.real.string());
    io::Command command{.arguments = std::move(arguments), .folder = folder_.path()};
    command.output = io::Command::Output::discarded;
    for (const auto& [name, value] : io::Environment{{"SCCACHE_SERVER_UDS", paths_.socket.string()},
                                                     {"SCCACHE_DIR", (folder_.path() / "cache").string()},
                                                     {"SCCACHE_CONF", "/dev/null"},
                                                     {"SCCACHE_IDLE_TIMEOUT", "60"}}) {
      io::set_variable(command.environment, name, value);
    }
    const auto exit = io::run(command, k_long);
    return exit ? exit->code : -1;
  }
  int compile(const std::string& name) const {
    const auto source = folder_.path() / (name + ".c");
    EXPECT_THAT(io::write_file(source, "int " + name + "(void) { return 1; }\n"), Succeeds());
    return sccache({"cc", "-c", name + ".c", "-o", name + ".o"});
  }

  tests::TempFolder folder_;
  ServerPaths paths_{
      .real = real_sccache(), .socket = folder_.path() / "s", .state = folder_.path() / "launcher.state"};
  Server server_{paths_};
};

TEST_F(RealServer, CountsWhatItCompiled) {
  ASSERT_EQ(sccache({"--start-server"}), 0);
  ASSERT_EQ(compile("one"), 0);
  ASSERT_EQ(compile("two"), 0);
  ASSERT_EQ(compile("one"), 0);

  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());

  const auto statistics = *server_.statistics();
  EXPECT_EQ(statistics.version, "0.16.0");
  EXPECT_EQ(statistics.compile_requests, 3U);
  EXPECT_EQ(statistics.languages.at("C/C++").hits, 1U);
  EXPECT_EQ(statistics.languages.at("C/C++").misses, 2U);
  EXPECT_GT(statistics.compile_seconds, 0);
}

TEST_F(RealServer, AddsUpOverADeathAndANewStart) {
  ASSERT_EQ(sccache({"--start-server"}), 0);
  ASSERT_EQ(compile("one"), 0);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());
  ASSERT_THAT(server_.stop(k_long), Succeeds());
  EXPECT_THAT(server_.take_snapshot(k_long), FailsWith(Errc::not_found));

  ASSERT_EQ(sccache({"--start-server"}), 0);
  ASSERT_EQ(compile("one"), 0);
  ASSERT_EQ(compile("two"), 0);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());

  EXPECT_EQ(server_.statistics()->compile_requests, 3U);
  EXPECT_EQ(server_.statistics()->hits(), 1U);
  EXPECT_EQ(server_.statistics()->misses(), 2U);
}

TEST_F(RealServer, StopsAtOnceAndIsGoneThen) {
  ASSERT_EQ(sccache({"--start-server"}), 0);
  ASSERT_TRUE(server_.running());
  const auto start = steady_clock::now();

  ASSERT_THAT(server_.stop(k_long), Succeeds());

  // With a connection left open it takes the ten seconds of its own patience.
  EXPECT_LT(steady_clock::now() - start, 5s);
  EXPECT_FALSE(server_.running());
}

TEST_F(RealServer, IsKilledWhenItHangs) {
  ASSERT_EQ(sccache({"--start-server"}), 0);
  const auto pids = io::run(
      {.arguments = {"/bin/sh", "-c",
                     "for p in /proc/[0-9]*; do grep -qz '^SCCACHE_SERVER_UDS=" + paths_.socket.string() +
                         "$' $p/environ 2>/dev/null && echo ${p#/proc/}; done; true"},
       .output = io::Command::Output::captured},
      k_long);
  ASSERT_THAT(pids, Succeeds());
  const auto pid = std::stoi("0" + pids->output);
  ASSERT_GT(pid, 1);
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);

  EXPECT_THAT(server_.stop(300ms), Succeeds());

  EXPECT_FALSE(server_.running());
}

}  // namespace
}  // namespace agent::sccache
