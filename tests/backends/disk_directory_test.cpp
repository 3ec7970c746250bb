#include "agent/backends/disk_directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

class DiskDirectoryTest : public testing::Test {
protected:
  std::unique_ptr<DiskDirectory> open() {
    auto storage = DiskDirectory::open(path_, clock_);
    EXPECT_THAT(storage, Succeeds());
    return *std::move(storage);
  }

  static struct stat status_of(const std::filesystem::path& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
  }

  SystemClock clock_;
  tests::TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "cache";
};

TEST_F(DiskDirectoryTest, CreatesTheFolderBesideExistingOnes) {
  const auto storage = open();

  EXPECT_TRUE(std::filesystem::is_directory(path_));
  EXPECT_TRUE(storage->list("")->empty());
}

TEST_F(DiskDirectoryTest, SaysWhatToDoWhereTheParentIsMissingToo) {
  const auto storage = DiskDirectory::open(path_ / "deeper", clock_);

  EXPECT_THAT(storage, FailsWith(Errc::not_found));
  EXPECT_THAT(storage, FailsSaying((path_ / "deeper").string()));
  EXPECT_THAT(storage, FailsSaying("create the folder"));
}

TEST_F(DiskDirectoryTest, CreatesNothingForThoseWhoOnlyLook) {
  const auto refused = DiskDirectory::open(path_, clock_, Absent::refused);
  EXPECT_THAT(refused, FailsWith(Errc::not_found));
  EXPECT_THAT(refused, FailsSaying(path_.string() + " does not exist"));

  const auto empty = DiskDirectory::open(path_, clock_, Absent::empty);
  ASSERT_THAT(empty, Succeeds());
  EXPECT_TRUE((*empty)->list("")->empty());
  EXPECT_FALSE((*empty)->read("tags/t")->has_value());
  EXPECT_FALSE(std::filesystem::exists(path_));

  ASSERT_THAT(io::make_folders(path_), Succeeds());
  for (const auto absent : {Absent::refused, Absent::empty}) {
    EXPECT_THAT(DiskDirectory::open(path_, clock_, absent), Succeeds());
    EXPECT_TRUE(std::filesystem::is_empty(path_));
  }
}

TEST_F(DiskDirectoryTest, RefusesAFile) {
  ASSERT_THAT(io::write_file(path_, "x"), Succeeds());

  EXPECT_THAT(DiskDirectory::open(path_, clock_), FailsWith(Errc::invalid));
}

TEST_F(DiskDirectoryTest, TakesATrailingSlashForTheSameFolder) {
  const auto storage = DiskDirectory::open(path_.string() + "/", clock_);

  ASSERT_THAT(storage, Succeeds());
  EXPECT_EQ((*storage)->describe(), "disk://" + path_.string());
}

TEST_F(DiskDirectoryTest, FilesAreAsReadableAsTheFolderWhateverTheUmask) {
  const auto umask = ::umask(0077);
  ASSERT_THAT(io::make_folders(path_), Succeeds());
  ASSERT_EQ(::chmod(path_.c_str(), 0775), 0);
  const auto storage = open();

  ASSERT_THAT(storage->put_if_absent("packs/ab/one", std::string_view("x")), Succeeds());
  ASSERT_THAT(storage->compare_and_swap("tags/t", {}, "x"), Succeeds());
  ::umask(umask);

  EXPECT_EQ(status_of(path_ / "packs/ab/one").st_mode & 0777U, 0664U);
  EXPECT_EQ(status_of(path_ / "packs/ab").st_mode & 0777U, 0775U);
  EXPECT_EQ(status_of(path_ / "tags/t").st_mode & 0777U, 0664U);
  EXPECT_EQ(status_of(path_ / ".hearth~/lock").st_mode & 0777U, 0664U);
}

TEST_F(DiskDirectoryTest, KeepsPrivateFoldersPrivate) {
  ASSERT_THAT(io::make_folders(path_), Succeeds());
  ASSERT_EQ(::chmod(path_.c_str(), 0700), 0);

  ASSERT_THAT(open()->put_if_absent("packs/one", std::string_view("x")), Succeeds());

  EXPECT_EQ(status_of(path_ / "packs/one").st_mode & 0777U, 0600U);
}

TEST_F(DiskDirectoryTest, WhatRootMakesBelongsToTheFoldersOwner) {
  ASSERT_THAT(io::make_folders(path_), Succeeds());
  const bool root = ::geteuid() == 0;
  const unsigned user = root ? 1001 : ::geteuid();  // only root can give away, and only root has to
  ASSERT_THAT(io::give_to(path_, {.user = user, .group = user}), Succeeds());
  const auto storage = open();

  ASSERT_THAT(storage->put_if_absent("packs/ab/one", std::string_view("x")), Succeeds());
  ASSERT_THAT(storage->compare_and_swap("tags/t", {}, "x"), Succeeds());

  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
    EXPECT_EQ(status_of(entry.path()).st_uid, user) << entry.path();
  }
}

TEST_F(DiskDirectoryTest, RemovesLeftoversOfCrashedWritersAfterAnHour) {
  ASSERT_THAT(open()->put_if_absent("one", std::string_view("x")), Succeeds());
  const auto old = path_ / ".hearth~/tmp/old";
  const auto young = path_ / ".hearth~/tmp/young";
  ASSERT_THAT(io::write_file(old, "half a pack"), Succeeds());
  ASSERT_THAT(io::write_file(young, "half a pack"), Succeeds());
  const auto two_hours_ago = std::chrono::system_clock::to_time_t(clock_.wall() - std::chrono::hours(2));
  const std::array<timespec, 2> times{timespec{.tv_sec = two_hours_ago, .tv_nsec = 0},
                                      timespec{.tv_sec = two_hours_ago, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, old.c_str(), times.data(), 0), 0);

  const auto storage = open();

  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(young));
  EXPECT_EQ(storage->list("")->size(), 1);
}

TEST_F(DiskDirectoryTest, LeavesNoTemporaryFileBehind) {
  const auto storage = open();
  ASSERT_THAT(storage->put_if_absent("one", std::string_view("x")), Succeeds());
  ASSERT_THAT(storage->put_if_absent("one", std::string_view("x")), Succeeds());
  const auto version = storage->compare_and_swap("t", {}, "1");
  ASSERT_THAT(version, Succeeds());
  ASSERT_THAT(storage->compare_and_swap("t", {}, "2"), FailsWith(Errc::conflict));

  EXPECT_TRUE(std::filesystem::is_empty(path_ / ".hearth~/tmp"));
}

TEST_F(DiskDirectoryTest, BeginsAnewWhenTheWholeFolderWasDeleted) {
  const auto storage = open();
  ASSERT_THAT(storage->put_if_absent("one", std::string_view("x")), Succeeds());
  std::filesystem::remove_all(path_);

  EXPECT_EQ(storage->put_if_absent("one", std::string_view("x")), Put::created);
  EXPECT_THAT(storage->compare_and_swap("t", {}, "1"), Succeeds());
}

TEST_F(DiskDirectoryTest, DoesNotFollowLinksOutOfTheFolder) {
  const auto storage = open();
  const auto secret = folder_.path() / "secret";
  ASSERT_THAT(io::write_file(secret, "secret"), Succeeds());
  std::filesystem::create_symlink(secret, path_ / "link");

  EXPECT_EQ(storage->get("link", {.offset = 0, .size = 6}), std::nullopt);
  EXPECT_FALSE(storage->open_in_place("link")->has_value());
  EXPECT_TRUE(storage->list("")->empty());
}

TEST_F(DiskDirectoryTest, AnObjectIsNoFolder) {
  const auto storage = open();
  ASSERT_THAT(storage->put_if_absent("a", std::string_view("x")), Succeeds());

  EXPECT_THAT(storage->put_if_absent("a/b", std::string_view("x")), FailsWith(Errc::invalid));
  EXPECT_EQ(storage->get("a/b", {}), std::nullopt);
}

TEST_F(DiskDirectoryTest, GivesUpOnALockThatIsHeldForever) {
  const auto storage = open();
  const auto held = io::lock_file(path_ / ".hearth~/lock", std::chrono::milliseconds(0));
  ASSERT_TRUE(held->has_value());
  storage->wait_for_lock(std::chrono::milliseconds(20));

  const auto swapped = storage->compare_and_swap("t", {}, "1");

  EXPECT_THAT(swapped, FailsWith(Errc::transient));
  EXPECT_THAT(swapped, FailsSaying("lock"));
}

}  // namespace
}  // namespace agent::backends
