#include "agent/app/tag_entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "tests/cache/job.hpp"
#include "tests/support/ranged_storage.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::app {
namespace {

using testing::Each;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;
using tests::Job;
using tests::Succeeds;

class TagEntries : public testing::Test {
protected:
  void SetUp() override {
    Job earlier({.folder = folder_.path() / "earlier", .storage = disk_.get()});
    for (int i = 0; i < k_objects; ++i) {
      ASSERT_THAT(earlier.put(fmt::format("wanted/{}", i), fmt::format("bytes of {}", i)), Succeeds());
      ASSERT_THAT(earlier.put(fmt::format("other/{}", i), "x"), Succeeds());
    }
    earlier.publish();
  }

  struct Read {
    std::map<std::string, std::string> in_place;
    std::map<std::string, std::string> fetched;
    TagReadFigures figures;
  };

  Read read_from(backends::ObjectStorage& storage) {
    Job job({.folder = folder_.path() / "job", .storage = &storage});
    Read read;
    read.figures = read_entries(
        job.tag(), storage, "wanted/",
        {.in_place =
             [&](std::string_view key, const io::FileSlice& slice, std::uint32_t /*crc32c*/) {
               read.in_place.emplace(key, io::read_slice(slice, 1000, key).value_or("(unreadable)"));
             },
         .fetched = [&](std::string_view key, std::string_view bytes) { read.fetched.emplace(key, bytes); }});
    return read;
  }

  static constexpr int k_objects = 50;
  SystemClock clock_;
  tests::TempFolder folder_{tests::memory_folder()};
  std::unique_ptr<backends::ObjectStorage> disk_ =
      *backends::DiskDirectory::open(folder_.path() / "backend", clock_);
};

TEST_F(TagEntries, AreReadWhereTheyLieIfTheyCan) {
  const auto read = read_from(*disk_);

  EXPECT_THAT(read.in_place, SizeIs(k_objects));
  EXPECT_EQ(read.in_place.at("wanted/7"), "bytes of 7");
  EXPECT_TRUE(read.fetched.empty());
}

TEST_F(TagEntries, AreFetchedTogetherWithTheirNeighbours) {
  tests::RangedStorage ranged(*disk_);
  Job warm({.folder = folder_.path() / "warm", .storage = &ranged});
  const auto to_open = ranged.gets();  // what reading the tag itself takes

  const auto read = read_from(ranged);

  EXPECT_THAT(read.fetched, SizeIs(k_objects));
  EXPECT_THAT(read.fetched, Each(Pair(StartsWith("wanted/"), StartsWith("bytes of "))));
  EXPECT_EQ(read.fetched.at("wanted/49"), "bytes of 49");
  EXPECT_EQ(ranged.gets(), (2 * to_open) + 1);
  EXPECT_EQ(read.figures.corrupt + read.figures.unreadable, 0U);
}

TEST_F(TagEntries, ThatAreWrongAreLeftOutAndCounted) {
  tests::RangedStorage ranged(*disk_);
  ranged.set_fate([](std::string bytes) -> Result<std::optional<std::string>> {
    const auto at = bytes.find("bytes of 7");
    if (at != std::string::npos) {
      bytes[at] = 'B';
    }
    return bytes;
  });

  const auto read = read_from(ranged);

  EXPECT_THAT(read.fetched, SizeIs(k_objects - 1));
  EXPECT_FALSE(read.fetched.contains("wanted/7"));
  EXPECT_EQ(read.figures.corrupt, 1U);
}

TEST_F(TagEntries, ThatTheStorageCannotGiveAreCountedWithTheReason) {
  tests::RangedStorage ranged(*disk_);
  ranged.set_fate([](std::string bytes) -> Result<std::optional<std::string>> {
    if (bytes.contains("bytes of 7")) {
      return fail(Errc::transient, "the storage is asleep");
    }
    return bytes;
  });

  const auto read = read_from(ranged);

  EXPECT_TRUE(read.fetched.empty());
  EXPECT_EQ(read.figures.unreadable, std::uint64_t{k_objects});
  ASSERT_TRUE(read.figures.error.has_value());
  EXPECT_EQ(read.figures.error->message, "the storage is asleep");
}

}  // namespace
}  // namespace agent::app
