// With a script in the place of sccache's client and a process that only listens in the place of its server.
// The real ones: tests/agent/sccache_server_test.cpp.
#include "agent/sccache/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "agent/io/process.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/unix_listener.hpp"

namespace agent::sccache {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::Pair;
using tests::FailsWith;
using tests::Succeeds;
using tests::UnixListener;

constexpr auto k_long = 30s;  // no test waits this long unless it fails

class ServerTest : public testing::Test {
protected:
  // What the client does instead of asking the server.
  void client_runs(const std::string& script) const {
    ASSERT_THAT(io::write_file(paths_.real, "#!/bin/sh\n" + script, {.mode = 0755}), Succeeds());
  }
  void client_answers(int requests, int rust_hits) const {
    const auto answer = fmt::format(
        R"({{"version":"0.16.0","stats":{{"compile_requests":{},"cache_hits":{{"counts":{{"Rust":{}}}}}}}}})",
        requests, rust_hits);
    client_runs("echo '" + answer + "'");
  }
  void launcher_wrote(std::string_view events) const {
    ASSERT_THAT(io::write_file(paths_.state, events), Succeeds());
  }

  tests::TempFolder folder_;
  ServerPaths paths_{.real = folder_.path() / "sccache",
                     .socket = folder_.path() / "socket",
                     .state = folder_.path() / "launcher.state"};
  Server server_{paths_};
};

TEST_F(ServerTest, HasNoStatisticsOfAServerThatDoesNotRun) {
  client_answers(9, 9);  // what a client prints without a server are its own zeros

  EXPECT_FALSE(server_.running());
  EXPECT_THAT(server_.take_snapshot(k_long), FailsWith(Errc::not_found));
  EXPECT_FALSE(server_.statistics().has_value());
}

TEST_F(ServerTest, DoesNotTakeALeftOverSocketForAServer) {
  UnixListener listener(paths_.socket);
  EXPECT_TRUE(server_.running());

  listener.kill();

  EXPECT_TRUE(io::fs::exists(paths_.socket));
  EXPECT_FALSE(server_.running());
}

TEST_F(ServerTest, AsksTheClientForJsonOnItsOwnSocket) {
  const UnixListener listener(paths_.socket);
  const auto seen = folder_.path() / "seen";
  client_runs("echo \"$* $SCCACHE_SERVER_UDS ${SCCACHE_BUCKET-unset}\" > '" + seen.string() +
              "'; echo '{\"stats\":{}}'");
  ::setenv("SCCACHE_BUCKET", "stray", 1);
  const auto taken = server_.take_snapshot(k_long);
  ::unsetenv("SCCACHE_BUCKET");

  ASSERT_THAT(taken, Succeeds());
  EXPECT_EQ(io::read_file(seen, 1000),
            "--show-stats --stats-format=json " + paths_.socket.string() + " unset\n");
}

TEST_F(ServerTest, KeepsTheLastSnapshotAfterTheServersDeath) {
  UnixListener listener(paths_.socket);
  client_answers(10, 4);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());
  listener.kill();

  EXPECT_THAT(server_.take_snapshot(k_long), FailsWith(Errc::not_found));
  EXPECT_EQ(server_.statistics()->hits(), 4U);
}

TEST_F(ServerTest, ReplacesOneServersFigures) {
  const UnixListener listener(paths_.socket);
  client_answers(10, 4);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());
  client_answers(11, 5);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());

  EXPECT_EQ(server_.statistics()->compile_requests, 11U);
  EXPECT_EQ(server_.statistics()->hits(), 5U);
}

TEST_F(ServerTest, AddsTheFiguresOfAnotherServerEvenIfItCountedFurther) {
  {
    const UnixListener first(paths_.socket);
    client_answers(10, 4);
    ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());
  }
  const UnixListener second(paths_.socket);
  client_answers(20, 7);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());
  client_answers(21, 8);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());

  EXPECT_EQ(server_.statistics()->compile_requests, 31U);
  EXPECT_EQ(server_.statistics()->hits(), 12U);
}

TEST_F(ServerTest, AddsUpWhenAStepResetTheCounters) {
  const UnixListener listener(paths_.socket);
  for (const auto& [requests, hits] : {std::pair(10, 4), std::pair(2, 1), std::pair(0, 0), std::pair(3, 3)}) {
    client_answers(requests, hits);
    ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());
  }
  EXPECT_EQ(server_.statistics()->compile_requests, 15U);
  EXPECT_EQ(server_.statistics()->hits(), 8U);
}

TEST_F(ServerTest, KeepsItsFiguresWhenAnAnswerIsNone) {
  const UnixListener listener(paths_.socket);
  client_answers(10, 4);
  ASSERT_THAT(server_.take_snapshot(k_long), Succeeds());

  client_runs("echo 'not json'");
  EXPECT_THAT(server_.take_snapshot(k_long), FailsWith(Errc::invalid));
  client_runs("echo 'no connection' >&2; exit 2");
  EXPECT_THAT(server_.take_snapshot(k_long), FailsWith(Errc::not_found));
  client_runs("exec sleep 60");
  EXPECT_THAT(server_.take_snapshot(100ms), FailsWith(Errc::cancelled));

  EXPECT_EQ(server_.statistics()->hits(), 4U);
}

TEST_F(ServerTest, ReadsTheLaunchersEvents) {
  launcher_wrote(
      "started 250\nfallback backing-off\nrestarted 90\nfallback backing-off\nnotice\nfallback incremental\n"
      "start-failed exited\nunheard-of\n");

  const auto events = server_.events();

  EXPECT_EQ(events.starts, 1U);
  EXPECT_EQ(events.restarts, 1U);
  EXPECT_THAT(events.fallbacks, ElementsAre(Pair("backing-off", 2U), Pair("incremental", 1U)));
}

TEST_F(ServerTest, HasNoEventsBeforeTheLauncherRan) {
  EXPECT_EQ(server_.events().starts, 0U);
  launcher_wrote("");
  EXPECT_EQ(server_.events().restarts, 0U);
}

TEST_F(ServerTest, HasNothingToStopWhereNoneRuns) {
  client_runs("exit 2");
  EXPECT_THAT(server_.stop(k_long), Succeeds());
}

TEST_F(ServerTest, WaitsUntilTheProcessIsGone) {
  const UnixListener listener(paths_.socket);
  // The real client returns before the server's process has ended.
  client_runs(
      fmt::format("[ \"$*\" = --stop-server ] && (sleep 0.2; kill -9 {}) >/dev/null 2>&1 &", listener.pid()));

  EXPECT_THAT(server_.stop(k_long), Succeeds());

  EXPECT_TRUE(listener.ended());
}

TEST_F(ServerTest, HoldsNoConnectionWhileItWaits) {
  // A stopping server waits up to ten seconds for its connections to close (seen with 0.16.0).
  const UnixListener listener(paths_.socket);
  const auto seen = folder_.path() / "seen";
  client_runs(fmt::format("ls -l /proc/$PPID/fd | grep -c socket: > '{}'; kill -9 {}", seen.string(),
                          listener.pid()));
  const auto own_sockets = [] {
    const auto exit = io::run({.arguments = {"/bin/sh", "-c", "ls -l /proc/$PPID/fd | grep -c socket:"},
                               .output = io::Command::Output::captured},
                              k_long);
    return exit ? exit->output : "";
  };
  const auto before = own_sockets();

  ASSERT_THAT(server_.stop(k_long), Succeeds());

  EXPECT_EQ(io::read_file(seen, 100), before);
}

TEST_F(ServerTest, KillsAServerThatHangs) {
  const UnixListener listener(paths_.socket);
  client_runs("exit 0");
  const auto start = steady_clock::now();

  EXPECT_THAT(server_.stop(200ms), Succeeds());

  EXPECT_TRUE(listener.ended());
  EXPECT_FALSE(server_.running());
  EXPECT_LT(steady_clock::now() - start, 10s);
}

TEST_F(ServerTest, KillsAServerWhoseClientHangsToo) {
  const UnixListener listener(paths_.socket);
  client_runs("exec sleep 60");

  EXPECT_THAT(server_.stop(200ms), Succeeds());

  EXPECT_TRUE(listener.ended());
}

}  // namespace
}  // namespace agent::sccache
