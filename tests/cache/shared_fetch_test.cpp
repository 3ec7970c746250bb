// Forty clients that ask for the same objects at once: the storage is asked for each of them once.
#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "tests/cache/cache_fixture.hpp"
#include "tests/support/ranged_storage.hpp"

namespace agent::cache {
namespace {

constexpr int k_clients = 40;
constexpr int k_objects = 5'000;

// Knows how often each byte of a pack was asked for.
class RecordingStorage final : public backends::ForwardingStorage {
public:
  explicit RecordingStorage(backends::ObjectStorage& inner) : ForwardingStorage(inner) {}

  bool opens_in_place() const override { return false; }
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view /*name*/) override {
    return fail(Errc::unsupported, "only ranged reads here");
  }
  Result<std::optional<std::string>> get(std::string_view name, backends::Range range) override {
    {
      const std::scoped_lock lock(mutex_);
      ++ranges_[{std::string(name), range.offset}];
      bytes_ += range.size;
    }
    return inner().get(name, range);
  }

  void forget() {
    const std::scoped_lock lock(mutex_);
    ranges_.clear();
    bytes_ = 0;
  }
  std::size_t ranges() const { return ranges_.size(); }
  int most() const {
    int most = 0;
    for (const auto& [range, times] : ranges_) {
      most = std::max(most, times);
    }
    return most;
  }
  std::uint64_t bytes() const { return bytes_; }

private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::uint64_t>, int> ranges_;
  std::uint64_t bytes_ = 0;
};

class SharedFetch : public CacheTest {
protected:
  // Every client asks for every object, each in an order of its own; how many answers were wrong.
  static int ask(cache::Cache& cache) {
    std::latch start(k_clients);
    std::atomic<int> wrong = 0;
    std::vector<std::jthread> clients;
    for (int client = 0; client < k_clients; ++client) {
      clients.emplace_back([&, client] {
        start.arrive_and_wait();
        for (int i = 0; i < k_objects; ++i) {
          // Four begin at one place, so that several ask for the same object at the same moment.
          const auto number = (i + (client / 4 * 500)) % k_objects;
          const auto hit = cache.find(fmt::format("sccache/{}", number));
          const auto size = fmt::format("bytes of {}", number).size();
          wrong += hit && hit->slice.size == size ? 0 : 1;
        }
      });
    }
    clients.clear();
    return wrong;
  }

  RecordingStorage remote_{*disk_};
};

TEST_F(SharedFetch, AsksTheStorageForEachObjectOnce) {
  publish_many(k_objects);
  const auto single = job("single", {.storage = &remote_});
  remote_.forget();

  EXPECT_EQ(ask(single->cache()), 0);

  EXPECT_EQ(remote_.ranges(), std::size_t{k_objects});
  EXPECT_EQ(remote_.most(), 1);
  EXPECT_EQ(single->get("sccache/4999"), "bytes of 4999");

  // With copies of packs, for each byte once.
  remote_.forget();
  std::uint64_t bytes = 0;
  std::uint64_t chunks = 0;
  const auto packs = disk_->list("packs/");
  ASSERT_THAT(packs, Succeeds());
  for (const auto& pack : *packs) {
    bytes += pack.size;
    chunks += (pack.size >> 20U) + 1;
  }
  const auto copying = job("copying", {.storage = &remote_, .copies_bytes = std::uint64_t{64} << 20U});

  EXPECT_EQ(ask(copying->cache()), 0);

  EXPECT_EQ(remote_.most(), 1);
  EXPECT_LE(remote_.bytes(), bytes);
  EXPECT_LE(remote_.ranges(), chunks);
  EXPECT_EQ(copying->get("sccache/4999"), "bytes of 4999");
}

}  // namespace
}  // namespace agent::cache
