#include "agent/publish/pack_copy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "agent/backends/disk_directory.hpp"
#include "agent/core/clock.hpp"
#include "agent/io/fd.hpp"
#include "agent/publish/preload.hpp"
#include "tests/support/ranged_storage.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::publish {
namespace {

using backends::Range;
using tests::FailsWith;
using tests::Succeeds;

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20U;

// Bytes of which no two chunks are alike.
std::string content_of(std::uint64_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = (state * 1664525U) + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

class PackCopyTest : public testing::Test {
protected:
  PackCopyTest() { EXPECT_THAT(disk_->put_if_absent(k_name, std::string_view(content_)), Succeeds()); }

  std::shared_ptr<PackCopies> copies(std::uint64_t budget = 100 * k_mib) {
    return *PackCopies::open(
        {.folder = folder_.path() / "copies", .budget_bytes = budget, .min_free_bytes = 0});
  }

  static std::string bytes_of(const std::optional<io::FileSlice>& slice) {
    return slice ? io::read_slice(*slice, 100 * k_mib, "copy").value_or("(unreadable)") : "(not here)";
  }

  std::string expected(Range range) const { return content_.substr(range.offset, range.size); }

  std::size_t files(std::string_view extension) const {
    std::size_t count = 0;
    for (const auto& entry : io::fs::directory_iterator(folder_.path() / "copies")) {
      count += entry.path().extension() == extension ? 1U : 0U;
    }
    return count;
  }

  static constexpr const char* k_name = "packs/ab/abcd";
  SystemClock clock_;
  tests::TempFolder folder_;
  std::unique_ptr<backends::DiskDirectory> disk_ =
      *backends::DiskDirectory::open(folder_.path() / "storage", clock_);
  tests::RangedStorage remote_{*disk_};
  const std::string content_ = content_of((5 * k_mib) + 123);
};

TEST_F(PackCopyTest, BringsWhatIsAskedForAndItsNeighbours) {
  const auto copy = copies()->of(k_name, content_.size());
  ASSERT_NE(copy, nullptr);
  const Range range{.offset = k_mib - 10, .size = 20};
  EXPECT_FALSE(copy->slice(range));

  ASSERT_THAT(copy->ensure(remote_, range), Succeeds());

  EXPECT_EQ(bytes_of(copy->slice(range)), expected(range));
  EXPECT_EQ(bytes_of(copy->slice({.offset = 0, .size = 2 * k_mib})),
            expected({.offset = 0, .size = 2 * k_mib}));
  EXPECT_FALSE(copy->slice({.offset = 2 * k_mib, .size = 1}));
  EXPECT_EQ(remote_.gets(), 1);
}

TEST_F(PackCopyTest, AsksOnceForWhatIsHere) {
  const auto copy = copies()->of(k_name, content_.size());
  const Range last{.offset = content_.size() - 5, .size = 5};
  ASSERT_THAT(copy->ensure(remote_, last), Succeeds());
  ASSERT_THAT(copy->ensure(remote_, last), Succeeds());
  EXPECT_EQ(bytes_of(copy->slice(last)), expected(last));
  EXPECT_EQ(remote_.gets(), 1);
}

TEST_F(PackCopyTest, RefusesARangeBeyondThePack) {
  const auto copy = copies()->of(k_name, content_.size());
  EXPECT_THAT(copy->ensure(remote_, {.offset = content_.size(), .size = 1}), FailsWith(Errc::corrupt));
  EXPECT_FALSE(copy->slice({.offset = content_.size(), .size = 1}));
}

TEST_F(PackCopyTest, FetchesAChunkOnceForManyThreads) {
  remote_.set_delay(std::chrono::milliseconds(20));
  const auto copy = copies()->of(k_name, content_.size());
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        const Range range{.offset = (i * k_mib) / 4, .size = k_mib / 4};
        if (copy->ensure(remote_, range) && bytes_of(copy->slice(range)) == expected(range)) {
          ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 16);
  EXPECT_EQ(remote_.gets(), 4);
}

TEST_F(PackCopyTest, SaysThatThePackIsGoneAndCanBeAskedAgain) {
  const auto copy = copies()->of(k_name, content_.size());
  ASSERT_THAT(disk_->remove(k_name), Succeeds());
  EXPECT_THAT(copy->ensure(remote_, {.offset = 0, .size = 1}), FailsWith(Errc::not_found));

  ASSERT_THAT(disk_->put_if_absent(k_name, std::string_view(content_)), Succeeds());
  EXPECT_THAT(copy->ensure(remote_, {.offset = 0, .size = 1}), Succeeds());
}

TEST_F(PackCopyTest, KeepsACompleteCopyForTheNextAgentAndNoOther) {
  {
    const auto folder = copies();
    const auto whole = folder->of(k_name, content_.size());
    ASSERT_THAT(whole->ensure(remote_, {.offset = 0, .size = content_.size()}), Succeeds());
    const auto part = folder->of("packs/cd/cdef", content_.size());
    EXPECT_EQ(files(".pack"), 1U);
    EXPECT_EQ(files(".part"), 1U);
  }
  EXPECT_EQ(files(".part"), 0U);
  const auto before = remote_.gets();

  const auto again = copies()->of(k_name, content_.size());

  EXPECT_EQ(bytes_of(again->slice({.offset = 0, .size = content_.size()})), content_);
  EXPECT_EQ(remote_.gets(), before);
}

TEST_F(PackCopyTest, DeletesWhatACrashLeftIncomplete) {
  io::fs::create_directories(folder_.path() / "copies");
  std::ofstream(folder_.path() / "copies" / "abcd.1.part") << "half";
  copies();
  EXPECT_EQ(files(".part"), 0U);
}

TEST_F(PackCopyTest, ForgetsACopyThatHoldsWrongBytes) {
  const auto folder = copies();
  const auto copy = folder->of(k_name, content_.size());
  ASSERT_THAT(copy->ensure(remote_, {.offset = 0, .size = content_.size()}), Succeeds());

  copy->spoil();

  EXPECT_TRUE(copy->spoiled());
  EXPECT_FALSE(copy->slice({.offset = 0, .size = 1}));
  EXPECT_THAT(copy->ensure(remote_, {.offset = 0, .size = 1}), FailsWith(Errc::cancelled));
  EXPECT_EQ(files(".pack"), 0U);
}

TEST_F(PackCopyTest, MakesRoomByDeletingWhatNobodyUses) {
  const auto folder = copies(content_.size() + k_mib);
  {
    const auto first = folder->of(k_name, content_.size());
    ASSERT_THAT(first->ensure(remote_, {.offset = 0, .size = content_.size()}), Succeeds());
    EXPECT_EQ(folder->of("packs/cd/cdef", 2 * k_mib), nullptr) << "the first is in use";
  }
  EXPECT_EQ(files(".pack"), 1U);
  EXPECT_NE(folder->of("packs/cd/cdef", 2 * k_mib), nullptr);
  EXPECT_EQ(files(".pack"), 0U);
}

class PreloaderTest : public PackCopyTest {
protected:
  static auto soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

  static PreloadPart whole(const std::shared_ptr<PackCopy>& copy) {
    return {.copy = copy, .range = {.offset = 0, .size = copy->size()}};
  }

  metrics::Registry registry_;
  PreloadOptions options_{.budget_bytes = 100 * k_mib,
                          .part_bytes = 2 * k_mib,
                          .streams = 3,
                          .attempts = 3,
                          .pause = std::chrono::milliseconds(1)};
};

TEST_F(PreloaderTest, FetchesWholePacksInFewReads) {
  const auto copy = copies()->of(k_name, content_.size());
  Preloader preloader(remote_, {whole(copy)}, options_, registry_);
  ASSERT_TRUE(preloader.wait(soon()));
  EXPECT_EQ(bytes_of(copy->slice({.offset = 0, .size = content_.size()})), content_);
  EXPECT_EQ(remote_.gets(), 3);
  EXPECT_EQ(preloader.figures().bytes, content_.size());
  EXPECT_EQ(registry_.total("hearth_preload_bytes_total"), content_.size());
}

TEST_F(PreloaderTest, FetchesThePartsInTheirOrder) {
  const auto copy = copies()->of(k_name, content_.size());
  options_.budget_bytes = k_mib;
  const backends::Range wanted{.offset = 3 * k_mib, .size = 1000};
  Preloader preloader(remote_, {{.copy = copy, .range = wanted}, whole(copy)}, options_, registry_);
  ASSERT_TRUE(preloader.wait(soon()));
  EXPECT_TRUE(copy->slice(wanted));
  EXPECT_FALSE(copy->slice({.offset = 0, .size = 1}));
}

TEST_F(PreloaderTest, StopsAtItsBudget) {
  const auto copy = copies()->of(k_name, content_.size());
  options_.budget_bytes = 3 * k_mib;
  Preloader preloader(remote_, {whole(copy)}, options_, registry_);
  ASSERT_TRUE(preloader.wait(soon()));
  EXPECT_EQ(preloader.figures().bytes, 3 * k_mib);
  EXPECT_FALSE(copy->slice({.offset = 3 * k_mib, .size = 1}));
}

TEST_F(PreloaderTest, AsksAgainForAPartThatFailed) {
  std::atomic<int> failures = 2;
  remote_.set_fate([&](std::string bytes) -> Result<std::optional<std::string>> {
    if (failures-- > 0) {
      return std::unexpected(Error{.code = Errc::transient, .message = "reset", .retry_after = {}});
    }
    return bytes;
  });
  const auto copy = copies()->of(k_name, content_.size());
  Preloader preloader(remote_, {whole(copy)}, options_, registry_);
  ASSERT_TRUE(preloader.wait(soon()));
  EXPECT_EQ(bytes_of(copy->slice({.offset = 0, .size = content_.size()})), content_);
  EXPECT_EQ(preloader.figures().failed_parts, 0U);
}

TEST_F(PreloaderTest, GivesUpAPackThatIsGoneAndGoesOnWithTheNext) {
  const auto folder = copies();
  const auto gone = folder->of("packs/cd/gone", content_.size());
  const auto copy = folder->of(k_name, content_.size());
  Preloader preloader(remote_, {whole(gone), whole(copy)}, options_, registry_);
  ASSERT_TRUE(preloader.wait(soon()));
  EXPECT_GE(preloader.figures().failed_parts, 1U);
  EXPECT_EQ(registry_.total("hearth_preload_parts_failed_total"), preloader.figures().failed_parts);
  EXPECT_EQ(bytes_of(copy->slice({.offset = 0, .size = content_.size()})), content_);
}

TEST_F(PreloaderTest, GoesOnBehindTheDeadlineAndEndsWhenItIsDestroyed) {
  remote_.set_delay(std::chrono::milliseconds(30));
  const auto copy = copies()->of(k_name, content_.size());
  Preloader preloader(remote_, {whole(copy)}, options_, registry_);
  EXPECT_FALSE(preloader.wait(std::chrono::steady_clock::now()));
  EXPECT_TRUE(preloader.wait(soon()));
}

}  // namespace
}  // namespace agent::publish
