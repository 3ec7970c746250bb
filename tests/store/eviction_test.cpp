// The size cap: who goes, who stays, and what the disk says about it.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "agent/io/file.hpp"
#include "agent/store/store.hpp"
#include "tests/store/store_fixture.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;
using tests::get;
using tests::put;
using tests::Succeeds;

constexpr std::uint64_t k_cap = std::uint64_t{4} << 20U;
constexpr std::size_t k_object = 60'000;

class Eviction : public tests::StoreTest {
protected:
  Eviction() {
    options_.max_size_bytes = k_cap;
    options_.segment_bytes = 1 << 20U;
  }

  static std::string name(int i) { return "key" + std::to_string(i); }
  static std::string content(int i, std::size_t size = k_object) {
    std::string text(size, static_cast<char>('a' + (i % 26)));
    return text;
  }

  void fill(int from, int to) {
    for (int i = from; i < to; ++i) {
      ASSERT_THAT(put(*store_, name(i), content(i)), Succeeds());
      ASSERT_LE(store_->figures().reserved_bytes, k_cap);
    }
  }

  // What the folder's segments really take.
  std::uint64_t disk_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& path : segments()) {
      struct stat status{};
      EXPECT_EQ(::stat(path.c_str(), &status), 0);
      bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    return bytes;
  }
};

TEST_F(Eviction, TheLeastRecentlyUsedGoFirst) {
  open();
  fill(0, 50);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(get(*store_, name(i)), content(i));
  }

  fill(50, 90);

  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(get(*store_, name(i)), content(i)) << i;
  }
  for (int i = 10; i < 30; ++i) {
    EXPECT_FALSE(store_->contains(name(i))) << i;
  }
  for (int i = 50; i < 90; ++i) {
    EXPECT_EQ(get(*store_, name(i)), content(i)) << i;
  }
  EXPECT_EQ(store_->figures().objects + store_->figures().evicted, 90U);
  EXPECT_EQ(registry_.total("hearth_store_evicted_total"), store_->figures().evicted);
}

TEST_F(Eviction, TheDiskNeverTakesMoreThanTheCap) {
  open();

  for (int round = 0; round < 2; ++round) {
    fill(round * 100, (round + 1) * 100);
    EXPECT_LE(disk_bytes(), k_cap + (64U << 10U));  // the file system's own bookkeeping
  }

  EXPECT_GT(store_->figures().bytes, k_cap * 8 / 10);  // and the cap is made use of
}

TEST_F(Eviction, ManySmallObjectsMakeRoomToo) {
  open();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_THAT(put(*store_, name(i), content(i, 500)), Succeeds());
  }

  ASSERT_THAT(put(*store_, "large", content(1, 3 << 20U)), Succeeds());

  EXPECT_EQ(get(*store_, "large"), content(1, 3 << 20U));
  EXPECT_FALSE(store_->contains(name(0)));
  EXPECT_TRUE(store_->contains(name(1999)));
}

TEST_F(Eviction, ObjectsInUseStay) {
  open();
  fill(0, 10);
  const auto held = store_->find(name(3)).value();

  fill(10, 100);

  EXPECT_EQ(get(*store_, name(3)), content(3));
  EXPECT_EQ(io::read_slice(held->slice, k_object, "held").value_or(""), content(3));
  EXPECT_FALSE(store_->contains(name(4)));
}

TEST_F(Eviction, FullOfObjectsInUseItRefusesUntilOneIsFree) {
  open();
  std::vector<Stored> held;
  for (int i = 0; i < 200; ++i) {
    auto stored = put(*store_, name(i), content(i));
    if (!stored) {
      EXPECT_THAT(stored, FailsWith(Errc::full));
      break;
    }
    held.push_back(std::move(*stored));
  }
  ASSERT_GT(held.size(), 50U);
  ASSERT_LT(held.size(), 70U);
  EXPECT_LE(store_->figures().reserved_bytes, k_cap);
  EXPECT_EQ(store_->figures().evicted, 0U);

  held.erase(held.begin(), held.begin() + 5);

  EXPECT_THAT(put(*store_, "next", content(7)), Succeeds());
  EXPECT_FALSE(store_->contains(name(0)));
}

TEST_F(Eviction, TheEvictedDoNotComeBack) {
  open();
  fill(0, 150);
  const auto before = store_->figures();

  crash();
  open();

  EXPECT_EQ(store_->figures().objects, before.objects);
  EXPECT_EQ(store_->figures().bytes, before.bytes);
  for (int i = 0; i < 150; ++i) {
    if (const auto found = get(*store_, name(i))) {
      EXPECT_EQ(*found, content(i)) << i;
    }
  }
  EXPECT_EQ(store_->figures().quarantined, 0U);
}

TEST_F(Eviction, ASmallerCapAppliesToWhatWasThere) {
  open();
  fill(0, 60);
  options_.max_size_bytes = k_cap / 4;
  open();

  ASSERT_THAT(put(*store_, "next", content(1)), Succeeds());

  EXPECT_LE(store_->figures().reserved_bytes, k_cap / 4);
  EXPECT_EQ(get(*store_, "next"), content(1));
}

TEST_F(Eviction, SegmentsWithoutObjectsAreDeleted) {
  open();
  fill(0, 60);
  ASSERT_THAT(store_->seal(), Succeeds());

  for (int i = 0; i < 60; ++i) {
    store_->remove(name(i));
  }

  EXPECT_THAT(segments(), testing::IsEmpty());
  EXPECT_EQ(store_->figures().reserved_bytes, 0U);
}

TEST_F(Eviction, TooLittleFreeDiskIsFullAtReservation) {
  options_.min_free_bytes = io::free_space(folder_.path()).value() + (std::uint64_t{1} << 40U);
  open();

  EXPECT_THAT(store_->reserve(1000), FailsWith(Errc::full));
}

// A file size limit fails fallocate(2) as a full disk does: before anything is written.
class FileSizeLimit final {
public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(Eviction, AFullDiskShowsAtReservationAndPasses) {
  open();
  fill(0, 3);
  {
    const FileSizeLimit limit(300'000);
    int stored = 0;
    auto last = put(*store_, "more0", content(0));
    while (last && stored < 100) {
      ++stored;
      last = put(*store_, "more" + std::to_string(stored), content(stored));
    }
    EXPECT_THAT(last, FailsWith(Errc::full));
    EXPECT_EQ(get(*store_, name(0)), content(0));
  }

  EXPECT_THAT(put(*store_, "later", content(9)), Succeeds());
  EXPECT_EQ(get(open(), "later"), content(9));
  EXPECT_EQ(get(*store_, name(0)), content(0));
}

}  // namespace
}  // namespace agent::store
