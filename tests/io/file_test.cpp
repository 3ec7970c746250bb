#include "agent/io/file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::io {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

unsigned mode_of(const fs::path& path) {
  struct stat status{};
  ::lstat(path.c_str(), &status);
  return status.st_mode & 07777U;
}

unsigned owner_number(const fs::path& path) {
  struct stat status{};
  ::lstat(path.c_str(), &status);
  return status.st_uid;
}

TEST(OpenFile, TellsAMissingFileFromOtherErrors) {
  const TempFolder folder;
  EXPECT_THAT(open_file(folder.path() / "none", O_RDONLY), FailsWith(Errc::not_found));
  EXPECT_THAT(open_file(folder.path() / "no" / "folder", O_WRONLY | O_CREAT), FailsWith(Errc::io));
  EXPECT_THAT(open_file(folder.path(), O_WRONLY), FailsWith(Errc::io));
}

TEST(ReadFile, DoesNotWaitForAFifo) {
  const TempFolder folder;
  const auto path = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);

  EXPECT_THAT(read_file(path, 10), FailsWith(Errc::invalid));
  EXPECT_THAT(read_tail(path, 10), FailsWith(Errc::invalid));
}

TEST(ReadFile, ReadsWhatAShellPipesIn) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd from(ends[0]);
  {
    const Fd to(ends[1]);
    ASSERT_THAT(write_all(to.get(), bytes_of("piped"), "pipe"), Succeeds());
  }

  EXPECT_EQ(read_file("/dev/fd/" + std::to_string(from.get()), 10), "piped");
}

TEST(OpenFile, KeepsItsDescriptorFromChildren) {
  const auto file = open_file("/dev/null", O_RDONLY);
  ASSERT_THAT(file, Succeeds());
  EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ReadFile, ReadsUpToItsLimit) {
  const TempFolder folder;
  const auto path = folder.path() / "f";
  const std::string content(100'000, 'x');
  ASSERT_THAT(write_file(path, content), Succeeds());

  EXPECT_EQ(read_file(path, content.size()), content);
  EXPECT_THAT(read_file(path, content.size() - 1), FailsWith(Errc::invalid));
}

TEST(ReadFile, DoesNotReadAnEndlessFile) {
  EXPECT_THAT(read_file("/dev/zero", 1'000'000), FailsSaying("larger than 1000000 bytes"));
}

TEST(ReadFile, ReadsFilesWhoseSizeIsNotKnown) {
  EXPECT_THAT(read_file("/proc/self/status", 1U << 20U), Succeeds());
}

TEST(ReadFile, TellsAMissingFile) {
  const TempFolder folder;
  EXPECT_THAT(read_file(folder.path() / "none", 10), FailsWith(Errc::not_found));
}

TEST(WriteFile, ReplacesTheFileAndLeavesNothingElse) {
  const TempFolder folder;
  const auto path = folder.path() / "f";
  ASSERT_THAT(write_file(path, "old and longer"), Succeeds());

  ASSERT_THAT(write_file(path, "new", {.mode = 0600, .durability = Durability::synced}), Succeeds());

  EXPECT_EQ(read_file(path, 100), "new");
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("f"));
}

TEST(WriteFile, GivesTheModeAskedForWhateverTheUmask) {
  const TempFolder folder;
  const auto old = ::umask(0077);

  const auto written = write_file(folder.path() / "f", "x", {.mode = 0666});
  ::umask(old);

  ASSERT_THAT(written, Succeeds());
  EXPECT_EQ(mode_of(folder.path() / "f"), 0666U);
}

TEST(WriteFile, ShowsReadersOldOrNewButNoMixture) {
  const TempFolder folder;
  const auto path = folder.path() / "f";
  const std::vector<std::string> contents = {std::string(200'000, 'a'), std::string(50'000, 'b')};
  ASSERT_THAT(write_file(path, contents[0]), Succeeds());
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (std::size_t i = 0; i < 100; ++i) {
      EXPECT_THAT(write_file(path, contents[i % 2]), Succeeds());
    }
    done = true;
  });

  while (!done) {
    const auto read = read_file(path, 1U << 20U);
    ASSERT_TRUE(read == contents[0] || read == contents[1]);
  }
}

TEST(WriteFile, LetsManyThreadsReplaceOneFile) {
  const TempFolder folder;
  const auto path = folder.path() / "f";
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&, i] {
        for (int k = 0; k < 25; ++k) {
          EXPECT_THAT(write_file(path, std::string(1000, static_cast<char>('a' + i))), Succeeds());
        }
      });
    }
  }
  EXPECT_EQ(read_file(path, 2000)->size(), 1000U);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("f"));
}

// Containers that share a folder have equal process ids, and so has an agent that was killed and its
// successor.
TEST(WriteFile, IsNotStoppedByWhatAnotherProcessLeftBehind) {
  const TempFolder folder;
  const auto path = folder.path() / "f";
  for (int i = 0; i < 100; ++i) {
    std::ofstream(folder.path() / fmt::format(".f.{}.{}.tmp", ::getpid(), i)) << "left over";
  }

  EXPECT_THAT(write_file(path, "new"), Succeeds());

  EXPECT_EQ(read_file(path, 100), "new");
  EXPECT_EQ(names_in(folder.path()).size(), 101U);
}

TEST(WriteFile, WritesWithoutAFolderInThePath) {
  const TempFolder folder;
  const auto before = fs::current_path();
  fs::current_path(folder.path());

  const auto written = write_file("relative", "x", {.durability = Durability::synced});
  fs::current_path(before);

  EXPECT_THAT(written, Succeeds());
  EXPECT_THAT(names_in(folder.path()), ElementsAre("relative"));
}

TEST(WriteFile, LeavesNothingWhereItFails) {
  const TempFolder folder;
  fs::create_directories(folder.path() / "taken" / "inside");

  EXPECT_THAT(write_file(folder.path() / "taken", "x"), FailsWith(Errc::io));
  EXPECT_THAT(write_file(folder.path() / "no" / "folder", "x"), FailsWith(Errc::io));

  EXPECT_THAT(names_in(folder.path()), ElementsAre("taken"));
}

TEST(UnnamedFile, IsGoneOnceClosed) {
  const TempFolder folder;
  const auto file = unnamed_file(folder.path());
  ASSERT_THAT(file, Succeeds());
  ASSERT_THAT(write_all_at(file->get(), bytes_of("text"), 0, "unnamed"), Succeeds());

  std::string into(4, '\0');
  EXPECT_THAT(read_exact_at(file->get(), std::as_writable_bytes(std::span(into)), 0, "unnamed"), Succeeds());
  EXPECT_EQ(into, "text");
  EXPECT_TRUE(names_in(folder.path()).empty());
  EXPECT_THAT(unnamed_file(folder.path() / "none"), FailsWith(Errc::io));
}

TEST(AppendFile, AddsToTheEnd) {
  const TempFolder folder;
  const auto path = folder.path() / "log";

  ASSERT_THAT(append_file(path, "one\n"), Succeeds());
  ASSERT_THAT(append_file(path, "two\n"), Succeeds());

  EXPECT_EQ(read_file(path, 100), "one\ntwo\n");
}

TEST(MakeFolders, MakesThemAllOrSaysWhyNot) {
  const TempFolder folder;
  EXPECT_THAT(make_folders(folder.path() / "a" / "b"), Succeeds());
  EXPECT_THAT(make_folders(folder.path() / "a" / "b"), Succeeds());
  ASSERT_THAT(write_file(folder.path() / "file", ""), Succeeds());
  EXPECT_THAT(make_folders(folder.path() / "file" / "c"), FailsWith(Errc::io));
}

// A child process that holds the lock until its pipe is closed or it is killed.
class Holder {
public:
  explicit Holder(const fs::path& lock) {
    std::array<int, 2> ready{};
    std::array<int, 2> hold{};
    if (::pipe(ready.data()) != 0 || ::pipe(hold.data()) != 0) {
      return;
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(hold[1]);
      const auto held = lock_file(lock, 0ms);
      const char answer = held && *held ? 'y' : 'n';
      char ignored = 0;
      const bool told = ::write(ready[1], &answer, 1) == 1 && ::read(hold[0], &ignored, 1) == 0;
      ::_exit(told ? 0 : 1);
    }
    ::close(ready[1]);
    ::close(hold[0]);
    hold_ = Fd(hold[1]);
    char answer = 0;
    holds_ = ::read(ready[0], &answer, 1) == 1 && answer == 'y';
    ::close(ready[0]);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { end(); }

  bool holds() const { return holds_; }
  void kill() const { ::kill(pid_, SIGKILL); }
  void end() {
    hold_.reset();
    if (pid_ > 0) {
      ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
  }

private:
  pid_t pid_ = -1;
  bool holds_ = false;
  Fd hold_;
};

TEST(LockFile, KeepsOtherProcessesOutUntilReleased) {
  const TempFolder folder;
  const auto path = folder.path() / "lock";
  Holder holder(path);
  ASSERT_TRUE(holder.holds());

  EXPECT_EQ(lock_file(path, 0ms).value().has_value(), false);
  holder.end();
  EXPECT_EQ(lock_file(path, 0ms).value().has_value(), true);
}

TEST(LockFile, GoesWithAKilledProcess) {
  const TempFolder folder;
  const auto path = folder.path() / "lock";
  Holder holder(path);
  ASSERT_TRUE(holder.holds());

  holder.kill();
  holder.end();

  EXPECT_EQ(lock_file(path, 0ms).value().has_value(), true);
}

TEST(LockFile, WaitsForTheHolderUpToItsLimit) {
  const TempFolder folder;
  const auto path = folder.path() / "lock";
  auto held = lock_file(path, 0ms);
  ASSERT_TRUE(held && *held);
  const auto start = std::chrono::steady_clock::now();

  EXPECT_EQ(lock_file(path, 30ms).value().has_value(), false);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);

  std::jthread releaser([&] { (*held)->reset(); });
  EXPECT_EQ(lock_file(path, 30s).value().has_value(), true);
}

// How often this process has a file open.
std::size_t descriptors_of(const fs::path& path) {
  std::size_t count = 0;
  for (const auto& descriptor : fs::directory_iterator("/proc/self/fd")) {
    std::error_code closed;
    count += fs::read_symlink(descriptor.path(), closed) == path ? 1U : 0U;
  }
  return count;
}

TEST(LockFile, IsOfTheFileThatIsThereAndNotOfOneThatItsHolderRemoved) {
  const TempFolder folder;
  const auto path = folder.path() / "lock";
  auto removed = lock_file(path, 0ms);
  ASSERT_TRUE(removed && *removed);
  Result<std::optional<Fd>> held = std::optional<Fd>{};
  std::jthread waiter([&] { held = lock_file(path, 30s); });
  while (descriptors_of(path) < 2) {
    std::this_thread::yield();
  }

  ASSERT_TRUE(fs::remove(path));
  (*removed)->reset();
  waiter.join();

  ASSERT_TRUE(held && *held);
  EXPECT_EQ(lock_file(path, 0ms).value().has_value(), false);
}

TEST(LockFile, FailsWhereTheFileCannotBeMade) {
  const TempFolder folder;
  EXPECT_THAT(lock_file(folder.path() / "no" / "lock", 0ms), FailsWith(Errc::io));
}

// Giving away needs root; as another user give_to does nothing, which is asserted instead.
constexpr Owner k_other{.user = 1001, .group = 1001};

unsigned expected_owner() {
  return ::geteuid() == 0 ? k_other.user : ::geteuid();
}

TEST(GiveTreeTo, GivesEverythingInside) {
  const TempFolder folder;
  const auto top = folder.path() / "top";
  fs::create_directories(top / "a" / "b");
  ASSERT_THAT(write_file(top / "a" / "b" / "f", "x"), Succeeds());

  ASSERT_THAT(give_tree_to(top, k_other), Succeeds());

  for (const auto& path : {top, top / "a", top / "a" / "b", top / "a" / "b" / "f"}) {
    EXPECT_EQ(owner_number(path), expected_owner()) << path;
  }
  EXPECT_EQ(owner_of(top / "a")->user, expected_owner());
}

TEST(GiveTreeTo, TakesAFileToo) {
  const TempFolder folder;
  ASSERT_THAT(write_file(folder.path() / "f", "x"), Succeeds());
  ASSERT_THAT(give_tree_to(folder.path() / "f", k_other), Succeeds());
  EXPECT_EQ(owner_number(folder.path() / "f"), expected_owner());
}

TEST(GiveTreeTo, FollowsNoLinks) {
  const TempFolder folder;
  const auto outside = folder.path() / "outside";
  fs::create_directories(outside / "folder");
  ASSERT_THAT(write_file(outside / "file", "x"), Succeeds());
  const auto top = folder.path() / "top";
  fs::create_directory(top);
  fs::create_symlink(outside / "file", top / "to-file");
  fs::create_directory_symlink(outside, top / "to-folder");
  fs::create_directory_symlink(outside, folder.path() / "top-link");

  ASSERT_THAT(give_tree_to(top, k_other), Succeeds());
  ASSERT_THAT(give_tree_to(folder.path() / "top-link", k_other), Succeeds());

  for (const auto& path : {outside, outside / "folder", outside / "file"}) {
    EXPECT_EQ(owner_number(path), ::geteuid()) << path;
  }
  EXPECT_EQ(owner_number(top / "to-file"), expected_owner());
}

TEST(OwnerOf, ReportsAMissingPath) {
  const TempFolder folder;
  EXPECT_THAT(owner_of(folder.path() / "none"), FailsWith(Errc::io));
}

TEST(FreeSpace, IsWhatTheFileSystemHas) {
  const TempFolder folder;
  const auto space = fs::space(folder.path());
  EXPECT_LE(*free_space(folder.path()), space.capacity);
  EXPECT_THAT(free_space(folder.path() / "none"), FailsWith(Errc::io));
}

}  // namespace
}  // namespace agent::io
