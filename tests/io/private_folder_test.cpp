#include "agent/io/private_folder.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::io {
namespace {

using namespace std::chrono_literals;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

// Folders are made in `parent` as long as this lives.
class RuntimeFolder {
public:
  explicit RuntimeFolder(const fs::path& parent) : before_(environment()) {
    ::setenv("XDG_RUNTIME_DIR", parent.c_str(), 1);
  }
  ~RuntimeFolder() {
    if (before_) {
      ::setenv("XDG_RUNTIME_DIR", before_->c_str(), 1);
    } else {
      ::unsetenv("XDG_RUNTIME_DIR");
    }
  }
  RuntimeFolder(const RuntimeFolder&) = delete;
  RuntimeFolder& operator=(const RuntimeFolder&) = delete;

private:
  static std::optional<std::string> environment() {
    const char* const value = ::getenv("XDG_RUNTIME_DIR");
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }
  std::optional<std::string> before_;
};

fs::file_time_type after_now() {
  return fs::file_time_type::clock::now() + 1h;
}

// As a killed process leaves it: nobody holds its lock.
fs::path left_behind(const fs::path& parent, const std::string& name) {
  const auto path = parent / name;
  fs::create_directory(path);
  EXPECT_THAT(write_file(path / "in-use", ""), Succeeds());
  EXPECT_THAT(write_file(path / "jobserver", "x"), Succeeds());
  return path;
}

TEST(PrivateFolderTest, IsForTheUserOnlyAndGoesWithItsOwner) {
  const TempFolder parent;
  const RuntimeFolder runtime(parent.path());
  fs::path path;
  {
    const auto folder = PrivateFolder::make();
    ASSERT_THAT(folder, Succeeds());
    path = folder->path();
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    EXPECT_EQ(path.parent_path(), parent.path());
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(PrivateFolderTest, RemovesWhatAKilledProcessLeftBehind) {
  const TempFolder parent;
  const auto left = left_behind(parent.path(), "hearth-aB3dEf");
  remove_abandoned_folders(parent.path(), after_now());
  EXPECT_FALSE(fs::exists(left));
}

TEST(PrivateFolderTest, KeepsWhatSomebodyUses) {
  const TempFolder parent;
  const RuntimeFolder runtime(parent.path());
  const auto used = PrivateFolder::make();
  ASSERT_THAT(used, Succeeds());
  remove_abandoned_folders(parent.path(), after_now());
  EXPECT_TRUE(fs::exists(used->path()));
}

TEST(PrivateFolderTest, KeepsForADayWhatABuildThatOutlivedItsAgentMayUse) {
  const TempFolder parent;
  const RuntimeFolder runtime(parent.path());
  const auto left = left_behind(parent.path(), "hearth-aB3dEf");
  const auto old = left_behind(parent.path(), "hearth-gH1jKl");
  for (const auto& path : {old / "in-use", old / "jobserver", old}) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - 25h);
  }
  ASSERT_THAT(PrivateFolder::make(), Succeeds());
  EXPECT_TRUE(fs::exists(left));
  EXPECT_FALSE(fs::exists(old));
}

TEST(PrivateFolderTest, KeepsWhatItDidNotMake) {
  const TempFolder parent;
  const TempFolder elsewhere;
  const auto target = left_behind(elsewhere.path(), "hearth-aB3dEf");
  fs::create_directory_symlink(target, parent.path() / "hearth-aB3dEf");
  fs::create_directory(parent.path() / "hearth-gH1jKl");  // has no mark
  const auto shorter = left_behind(parent.path(), "hearth-1000");
  remove_abandoned_folders(parent.path(), after_now());
  EXPECT_TRUE(fs::exists(target / "in-use"));
  EXPECT_TRUE(fs::exists(parent.path() / "hearth-gH1jKl"));
  EXPECT_TRUE(fs::exists(shorter));
}

TEST(CheckPrivate, TakesOnlyAFolderOfThisUserAlone) {
  const TempFolder parent;
  const auto own = parent.path() / "own";
  ASSERT_EQ(::mkdir(own.c_str(), 0700), 0);
  EXPECT_THAT(check_private(own), Succeeds());

  const auto link = parent.path() / "link";
  fs::create_directory_symlink(own, link);
  EXPECT_THAT(check_private(link), FailsWith(Errc::denied));
  EXPECT_THAT(check_private(link), FailsSaying(link.string()));

  ASSERT_EQ(::chmod(own.c_str(), 0720), 0);
  EXPECT_THAT(check_private(own), FailsWith(Errc::denied));
  ASSERT_THAT(write_file(parent.path() / "file", "", {.mode = 0600}), Succeeds());
  EXPECT_THAT(check_private(parent.path() / "file"), FailsWith(Errc::denied));
  EXPECT_THAT(check_private(parent.path() / "none"), FailsWith(Errc::not_found));
  if (::geteuid() == 0) {  // only root can make a folder of somebody else's
    ASSERT_EQ(::chmod(own.c_str(), 0700), 0);
    ASSERT_THAT(give_to(own, {.user = 1001, .group = 1001}), Succeeds());
    EXPECT_THAT(check_private(own), FailsWith(Errc::denied));
  }
}

}  // namespace
}  // namespace agent::io
