#include "agent/folders/hydrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "agent/io/checksum.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::folders {
namespace {

namespace fs = io::fs;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

class Hydrate : public testing::Test {
protected:
  fs::path folder() const { return temp_.path() / "cache"; }
  std::string content(const std::string& path) const {
    return io::read_file(folder() / path, std::uint64_t{1} << 30U).value_or("(none)");
  }
  static std::uint32_t crc_of(std::string_view bytes) { return io::crc32c(io::bytes_of(bytes)); }

  TempFolder temp_{tests::memory_folder()};
};

TEST_F(Hydrate, WritesEntriesUnderTheirPaths) {
  auto hydrator = Hydrator::open(sccache_folder(), folder());
  ASSERT_THAT(hydrator, Succeeds());
  const std::string large(700'000, 'x');  // more than is held in memory at once

  const auto slice = io::slice_in_memory("before" + large + "after");
  ASSERT_THAT(slice, Succeeds());
  const io::FileSlice part{.fd = slice->fd, .offset = 6, .size = large.size(), .pin = slice->pin};
  EXPECT_THAT(hydrator->add("a/b/abc", part, crc_of(large)), Succeeds());
  EXPECT_THAT(hydrator->add("preprocessor/a/b/c/abc", "learnt"), Succeeds());
  EXPECT_THAT(hydrator->add("a/b/empty", ""), Succeeds());

  EXPECT_EQ(content("a/b/abc"), large);
  EXPECT_EQ(content("preprocessor/a/b/c/abc"), "learnt");
  EXPECT_EQ(content("a/b/empty"), "");
  EXPECT_EQ(hydrator->files(), 3U);
  EXPECT_EQ(hydrator->bytes(), large.size() + 6);
}

TEST_F(Hydrate, WritesFilesOfItsOwn) {
  auto hydrator = Hydrator::open(sccache_folder(), folder());
  ASSERT_THAT(hydrator, Succeeds());
  ASSERT_THAT(hydrator->add("a/b/abc", "bytes"), Succeeds());

  struct stat status{};
  ASSERT_EQ(::stat((folder() / "a/b/abc").c_str(), &status), 0);
  EXPECT_EQ(status.st_nlink, 1U);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(Hydrate, LeavesNothingOfBytesThatAreWrong) {
  auto hydrator = Hydrator::open(sccache_folder(), folder());
  ASSERT_THAT(hydrator, Succeeds());
  const auto slice = io::slice_in_memory("bytes");
  ASSERT_THAT(slice, Succeeds());

  EXPECT_THAT(hydrator->add("a/b/abc", *slice, crc_of("other")), FailsWith(Errc::corrupt));

  EXPECT_FALSE(fs::exists(folder() / "a/b/abc"));
  EXPECT_EQ(hydrator->files(), 0U);
}

TEST_F(Hydrate, RefusesPathsThatLeadElsewhere) {
  auto hydrator = Hydrator::open(sccache_folder(), folder());
  ASSERT_THAT(hydrator, Succeeds());
  for (const auto* path : {"../outside", "/etc/hearth-test", ".sccachetmpabc", "a/../../outside", ""}) {
    EXPECT_THAT(hydrator->add(path, "x"), FailsWith(Errc::invalid)) << path;
  }
  EXPECT_FALSE(fs::exists(temp_.path() / "outside"));
}

TEST_F(Hydrate, NeitherReplacesAnEntryNorLosesIt) {
  auto hydrator = Hydrator::open(sccache_folder(), folder());
  ASSERT_THAT(hydrator, Succeeds());
  ASSERT_THAT(hydrator->add("a/b/abc", "first"), Succeeds());
  const auto slice = io::slice_in_memory("second");
  ASSERT_THAT(slice, Succeeds());

  EXPECT_THAT(hydrator->add("a/b/abc", "second"), FailsWith(Errc::conflict));
  EXPECT_THAT(hydrator->add("a/b/abc", *slice, crc_of("second")), FailsWith(Errc::conflict));

  EXPECT_EQ(content("a/b/abc"), "first");
}

TEST_F(Hydrate, BeginsWithAnEmptyFolder) {
  fs::create_directories(folder() / "old");
  ASSERT_THAT(io::write_file(folder() / "old/entry", "old"), Succeeds());

  ASSERT_THAT(Hydrator::open(sccache_folder(), folder()), Succeeds());

  EXPECT_TRUE(fs::is_empty(folder()));
}

TEST_F(Hydrate, FollowsNoLinkOutOfTheFolder) {
  auto hydrator = Hydrator::open(sccache_folder(), folder());
  ASSERT_THAT(hydrator, Succeeds());
  fs::create_directory_symlink(temp_.path(), folder() / "a");

  EXPECT_THAT(hydrator->add("a/abc", "x"), FailsWith(Errc::io));

  EXPECT_FALSE(fs::exists(temp_.path() / "abc"));
}

}  // namespace
}  // namespace agent::folders
