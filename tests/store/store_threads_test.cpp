// Many threads at one store, with evictions, replacements and removals among them.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "agent/io/checksum.hpp"
#include "agent/store/store.hpp"
#include "tests/store/store_fixture.hpp"

namespace agent::store {
namespace {

using tests::put;
using tests::Succeeds;

class StoreThreads : public tests::StoreTest {};

// What may be stored under a key is told by its first byte and length, so that any version can be checked.
std::string content(int key, int version) {
  const auto size = static_cast<std::size_t>(100 + (((key * 7919) + (version * 104'729)) % 90'000));
  std::string text(size, static_cast<char>('A' + ((key + version) % 26)));
  return text;
}

bool is_whole(std::string_view bytes) {
  return !bytes.empty() && bytes.find_first_not_of(bytes[0]) == std::string_view::npos;
}

TEST_F(StoreThreads, NoReaderEverSeesBytesOfAnotherObject) {
  options_.max_size_bytes = std::uint64_t{3} << 20U;
  options_.segment_bytes = 512 << 10U;
  auto& store = open();
  std::atomic<int> wrong{0};
  std::atomic<int> failed{0};
  std::atomic<int> hits{0};

  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 250; ++i) {
        const int key = ((i * 13) + (thread * 5)) % 60;
        const auto name = "key" + std::to_string(key);
        if (!put(store, name, content(key, i))) {
          ++failed;
        }
        if (i % 50 == 49) {
          store.remove(name);
        }
        const auto other = "key" + std::to_string(((key * 3) + i) % 60);
        const auto found = store.find(other);
        if (found && *found) {
          ++hits;
          const auto bytes = io::read_slice((*found)->slice, 1 << 20U, other).value_or("");
          wrong += is_whole(bytes) && io::sha256(io::bytes_of(bytes)) == (*found)->digest ? 0 : 1;
        }
      }
    });
  }
  threads.clear();

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, 0);
  EXPECT_GT(hits, 0);
  const auto figures = store.figures();
  EXPECT_LE(figures.reserved_bytes, options_.max_size_bytes);
  EXPECT_EQ(figures.quarantined, 0U);
  open();
  EXPECT_EQ(store_->figures().objects, figures.objects);
  EXPECT_EQ(store_->figures().bytes, figures.bytes);
  EXPECT_EQ(store_->scrub_some(1 << 30U).value_or(99), 0U);
}

TEST_F(StoreThreads, WritersOfOneKeyLeaveOneWholeObject) {
  auto& store = open();

  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(put(store, "same", content(thread, i)), Succeeds());
      }
    });
  }
  threads.clear();

  EXPECT_EQ(store.figures().objects, 1U);
  const auto last = tests::get(store, "same");
  ASSERT_TRUE(last);
  EXPECT_TRUE(is_whole(*last));
  EXPECT_EQ(tests::get(open(), "same"), last);
}

TEST_F(StoreThreads, SealingScrubbingAndWritingGoTogether) {
  options_.segment_bytes = 256 << 10U;
  auto& store = open();
  std::jthread sealer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      EXPECT_THAT(store.seal(), Succeeds());
      EXPECT_EQ(store.scrub_some(100'000).value_or(99), 0U);
    }
  });

  for (int i = 0; i < 200; ++i) {
    ASSERT_THAT(put(store, "key" + std::to_string(i), content(i, 0)), Succeeds());
  }
  sealer.request_stop();
  sealer.join();

  open();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(tests::get(*store_, "key" + std::to_string(i)), content(i, 0)) << i;
  }
}

}  // namespace
}  // namespace agent::store
