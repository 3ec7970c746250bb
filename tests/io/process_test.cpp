#include "agent/io/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "agent/core/text.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::io {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HasSubstr;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

constexpr auto k_long = 30s;  // no test waits this long unless it fails

Command shell(const std::string& script) {
  return {.arguments = {"/bin/sh", "-c", script}, .output = Command::Output::captured};
}

void make_program(const fs::path& path, const std::string& text, unsigned mode = 0755) {
  ASSERT_THAT(write_file(path, "#!/bin/sh\n" + text, {.mode = mode}), Succeeds());
}

TEST(Run, CapturesBothStreamsAndTheExitCode) {
  const auto exit = run(shell("echo out; echo err >&2; exit 7"), k_long);

  ASSERT_THAT(exit, Succeeds());
  EXPECT_EQ(exit->output, "out\n");
  EXPECT_EQ(exit->errors, "err\n");
  EXPECT_EQ(exit->code, 7);
}

TEST(Run, CountsSignalsAsShellsDo) {
  EXPECT_EQ(run(shell("kill -TERM $$"), k_long)->code, 128 + SIGTERM);
  EXPECT_EQ(run(shell("kill -KILL $$"), k_long)->code, 128 + SIGKILL);
}

TEST(Run, ReadsLargeOutputOnBothPipesAtOnce) {
  // More than a pipe holds on each, so that reading one to its end first would hang.
  const auto exit = run(shell("head -c 3000000 /dev/zero & head -c 2000000 /dev/zero >&2; wait"), k_long);

  ASSERT_THAT(exit, Succeeds());
  EXPECT_EQ(exit->output.size(), 3'000'000U);
  EXPECT_EQ(exit->errors.size(), 2'000'000U);
}

TEST(Run, DropsOutputBeyondTheLimitButLetsTheProgramEnd) {
  auto command = shell("head -c 1000000 /dev/zero; exit 3");
  command.output_limit = 1000;

  const auto exit = run(command, k_long);

  ASSERT_THAT(exit, Succeeds());
  EXPECT_EQ(exit->output.size(), 1000U);
  EXPECT_EQ(exit->code, 3);
}

TEST(Run, KillsAtTheDeadline) {
  const TempFolder folder;
  const auto pid_file = folder.path() / "pid";
  auto command = shell("echo $$ > '" + pid_file.string() + "'; exec sleep 60");
  for (const auto output : {Command::Output::captured, Command::Output::discarded}) {
    command.output = output;
    const auto start = steady_clock::now();

    EXPECT_THAT(run(command, 150ms), FailsWith(Errc::cancelled));

    EXPECT_LT(steady_clock::now() - start, 10s);
    const auto pid = parse_number(*read_file(pid_file, 100), "pid");
    EXPECT_EQ(::kill(static_cast<pid_t>(*pid), 0), -1);
  }
}

TEST(Run, KillsAProgramThatClosedItsOutputAtTheDeadline) {
  EXPECT_THAT(run(shell("exec >&- 2>&-; exec sleep 60"), 150ms), FailsWith(Errc::cancelled));
}

TEST(Run, DoesNotWaitForDaemonsThatKeepThePipesOpen) {
  const auto start = steady_clock::now();

  const auto exit = run(shell("sleep 5 & echo started"), k_long);

  ASSERT_THAT(exit, Succeeds());
  EXPECT_EQ(exit->output, "started\n");
  EXPECT_LT(steady_clock::now() - start, 4s);
}

TEST(Run, StopsReadingADaemonThatNeverStopsTalking) {
  const auto exit = run(shell("timeout 5 yes & exit 0"), 300ms);

  ASSERT_THAT(exit, Succeeds());
  EXPECT_EQ(exit->code, 0);
}

TEST(Run, NamesAProgramThatDoesNotExist) {
  const auto exit = run({.arguments = {"no-such-program-anywhere"}}, k_long);
  EXPECT_THAT(exit, FailsWith(Errc::not_found));
  EXPECT_THAT(exit, FailsSaying("no-such-program-anywhere"));
  EXPECT_THAT(run({.arguments = {}}, k_long), FailsWith(Errc::invalid));
}

TEST(Run, TellsWhatMayNotBeExecutedFromWhatIsNotThere) {
  const tests::TempFolder folder;
  const auto file = folder.path() / "file";
  ASSERT_THAT(write_file(file, "", {.mode = 0644}), Succeeds());

  EXPECT_THAT(run({.arguments = {file.string()}}, k_long), FailsWith(Errc::denied));
  EXPECT_THAT(run({.arguments = {folder.path().string()}}, k_long), FailsWith(Errc::denied));
  EXPECT_THAT(run({.arguments = {file.string() + "-not"}}, k_long), FailsWith(Errc::not_found));
}

TEST(Run, FailsInAFolderThatDoesNotExist) {
  const TempFolder folder;
  auto command = shell("true");
  command.folder = folder.path() / "none";
  EXPECT_THAT(run(command, k_long), FailsWith(Errc::io));
}

TEST(Run, StartsInTheFolderGiven) {
  const TempFolder folder;
  auto command = shell("pwd -P");
  command.folder = folder.path();
  EXPECT_EQ(run(command, k_long)->output, fs::canonical(folder.path()).string() + "\n");
}

TEST(Run, GivesItsEnvironmentAndNothingElse) {
  auto command = shell("env");
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"A", "1 = one"}};

  const auto output = run(command, k_long)->output;

  EXPECT_THAT(output, HasSubstr("A=1 = one\n"));
  EXPECT_THAT(output, testing::Not(HasSubstr("HOME=")));
}

TEST(Run, LetsTheLastOfAVariableWin) {
  auto command = shell("echo \"$A\"; env | grep -c ^A=");
  command.environment = {{"A", "first"}, {"PATH", "/usr/bin:/bin"}, {"A", "last"}};

  EXPECT_EQ(run(command, k_long)->output, "last\n1\n");
}

// What a child gets from this process: whatever started the test may have left some open.
std::set<std::string> inheritable_descriptors() {
  std::set<std::string> numbers;
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      numbers.insert(std::to_string(fd));
    }
  }
  return numbers;
}

TEST(Run, LeavesNoDescriptorOpenInTheChild) {
  const Fd own(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto expected = inheritable_descriptors();

  const auto output =
      run(shell("n=0; while [ $n -lt 1024 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n+1)); done"), k_long)
          ->output;

  std::set<std::string> seen;
  for (const auto line : split(trimmed(output), '\n')) {
    seen.emplace(line);
  }
  EXPECT_EQ(seen, expected);
}

TEST(Run, DiscardsOutput) {
  testing::internal::CaptureStdout();
  auto command = shell("echo noise");
  command.output = Command::Output::discarded;
  const auto exit = run(command, k_long);

  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(exit->output, "");
}

TEST(Run, InheritsOutputUnlessTold) {
  testing::internal::CaptureStdout();
  auto command = shell("echo noise");
  command.output = Command::Output::inherited;
  const auto exit = run(command, k_long);

  EXPECT_EQ(testing::internal::GetCapturedStdout(), "noise\n");
  EXPECT_EQ(exit->code, 0);
}

TEST(FindProgram, TakesTheFirstExecutableFileOnPath) {
  const TempFolder folder;
  for (const auto* name : {"a", "b", "c"}) {
    fs::create_directory(folder.path() / name);
  }
  make_program(folder.path() / "a" / "tool", "", 0644);
  fs::create_directory(folder.path() / "b" / "tool");
  make_program(folder.path() / "c" / "tool", "");
  const auto at = [&](const char* name) { return (folder.path() / name).string(); };
  const Environment environment = {{"PATH", at("none") + ":" + at("a") + ":" + at("b") + ":" + at("c")}};

  EXPECT_EQ(find_program("tool", environment), folder.path() / "c" / "tool");
  EXPECT_EQ(find_program("other", environment), std::nullopt);
  EXPECT_EQ(find_program("", environment), std::nullopt);
  EXPECT_EQ(find_program("tool", {}), std::nullopt);
}

TEST(FindProgram, TakesANameWithASlashAsItIs) {
  const TempFolder folder;
  make_program(folder.path() / "tool", "");
  make_program(folder.path() / "data", "", 0644);

  EXPECT_EQ(find_program((folder.path() / "tool").string(), {}), folder.path() / "tool");
  EXPECT_EQ(find_program((folder.path() / "data").string(), {}), std::nullopt);
  EXPECT_EQ(find_program(folder.path().string() + "/", {}), std::nullopt);
}

TEST(FindProgram, TakesTheLastPathGiven) {
  EXPECT_TRUE(find_program("sh", {{"PATH", "/nowhere"}, {"PATH", "/bin"}}).has_value());
  EXPECT_FALSE(find_program("sh", {{"PATH", "/bin"}, {"PATH", "/nowhere"}}).has_value());
}

TEST(Environment, IsChangedByName) {
  Environment environment = {{"A", "1"}, {"B", "2"}, {"A", "3"}};

  set_variable(environment, "A", "4");
  EXPECT_EQ(environment, (Environment{{"B", "2"}, {"A", "4"}}));
  unset_variable(environment, "B");
  EXPECT_EQ(environment, (Environment{{"A", "4"}}));
}

TEST(Environment, AnswersTheLastOfAName) {
  EXPECT_EQ(variable_in({{"A", "1"}, {"B", "3"}, {"A", "2"}}, "A"), "2");
  EXPECT_EQ(variable_in({{"A", "1"}}, "B"), "");
}

TEST(Environment, IsReadFromThisProcess) {
  ::setenv("HEARTH_PROCESS_TEST", "x=y", 1);
  const auto environment = current_environment();
  EXPECT_EQ(environment_value("HEARTH_PROCESS_TEST"), "x=y");
  ::unsetenv("HEARTH_PROCESS_TEST");

  EXPECT_THAT(environment,
              testing::Contains(std::pair<std::string, std::string>("HEARTH_PROCESS_TEST", "x=y")));
  EXPECT_EQ(environment_value("HEARTH_PROCESS_TEST"), "");
}

TEST(Child, IsSignalledAndWaitedFor) {
  auto child = Child::start({.arguments = {"sleep", "60"}});
  ASSERT_THAT(child, Succeeds());
  ASSERT_GT(child->pid(), 0);

  child->signal(SIGTERM);

  EXPECT_EQ(child->wait(), 128 + SIGTERM);
}

TEST(Child, IsSignalledWhileAnotherThreadWaits) {
  auto child = Child::start({.arguments = {"sleep", "60"}});
  ASSERT_THAT(child, Succeeds());
  int code = -1;
  std::jthread waiter([&] { code = child->wait(); });
  std::this_thread::sleep_for(20ms);  // if it does not wait yet, the signal must arrive all the same

  child->signal(SIGINT);
  waiter.join();

  EXPECT_EQ(code, 128 + SIGINT);
  child->signal(SIGINT);  // to nobody: the number may belong to somebody else by now
}

TEST(Child, StartsWithDefaultSignals) {
  // Servers ignore SIGPIPE and block signals; a child must not inherit that.
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto hangup = ::signal(SIGHUP, SIG_DFL);  // whatever these tests run below
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto exit = run(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"), k_long);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, old);
  ::signal(SIGHUP, hangup);

  EXPECT_THAT(exit->output, HasSubstr("SigBlk:\t0000000000000000"));
  // The two signals that the C library keeps for itself may be ignored (32 and 33).
  const auto ignored = exit->output.find("SigIgn:\t");
  ASSERT_NE(ignored, std::string::npos);
  EXPECT_EQ(std::stoull(exit->output.substr(ignored + 8, 16), nullptr, 16) & 0x7FFFFFFFU, 0U);
}

TEST(Child, DoesNotHearAHangupThatIsIgnored) {
  const auto old = ::signal(SIGHUP, SIG_IGN);  // as below nohup(1)
  const auto exit = run(shell("kill -HUP $$; echo on"), k_long);
  ::signal(SIGHUP, old);
  EXPECT_EQ(exit->code, 0);
  EXPECT_EQ(exit->output, "on\n");
}

TEST(Child, EndsWithWhoStartedItWhenBound) {
  std::optional<Child> child;
  std::thread starter([&] { child.emplace(Child::start_bound({.arguments = {"sleep", "600"}}).value()); });
  starter.join();

  EXPECT_EQ(child->wait(), 128 + SIGTERM);
}

TEST(Child, StartsTheSameWayWhenBound) {
  const auto shell_says = [](const char* script) {
    auto command = shell(script);
    set_variable(command.environment, "HEARTH_PROCESS_TEST", "x=y");
    return Child::start_bound(command).value().wait();
  };
  EXPECT_EQ(shell_says("exit 7"), 7);
  EXPECT_EQ(shell_says("[ \"$HEARTH_PROCESS_TEST\" = x=y ]"), 0);
  EXPECT_EQ(shell_says("grep -q '^SigBlk:.0000000000000000' /proc/self/status"), 0);
  EXPECT_THAT(Child::start_bound({.arguments = {"/no/such/program"}}), FailsWith(Errc::not_found));

  const TempFolder folder;
  const auto no_program = folder.path() / "text";
  ASSERT_THAT(write_file(no_program, "no program", {.mode = 0755}), Succeeds());
  EXPECT_THAT(Child::start_bound({.arguments = {no_program.string()}}), FailsWith(Errc::io));
}

}  // namespace
}  // namespace agent::io
