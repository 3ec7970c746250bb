// What one job's agent holds below its fronts: a store of its own, and a tag on a storage that jobs share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/backends/disk_directory.hpp"
#include "agent/cache/cache.hpp"
#include "agent/core/clock.hpp"
#include "agent/io/fd.hpp"
#include "agent/publish/pack_copy.hpp"
#include "agent/publish/publisher.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/store/store.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::tests {

struct JobOptions {
  io::fs::path folder;                         // of its store
  backends::ObjectStorage* storage = nullptr;  // null: no backend
  publish::Mode mode = publish::Mode::read_write;
  std::string tag = "rust-sccache-linux-x86_64";
  std::uint64_t max_object_bytes = std::uint64_t{64} << 20U;
  std::uint64_t max_size_bytes = std::uint64_t{256} << 20U;
  std::uint64_t copies_bytes = 0;  // 0: packs behind a network are read object by object
};

class Job final {
public:
  explicit Job(const JobOptions& options)
      : store_(*store::Store::open({.folder = options.folder,
                                    .max_size_bytes = options.max_size_bytes,
                                    .segment_bytes = std::uint64_t{4} << 20U},
                                   registry_)) {
    const publish::TagId id{.repository = "owner/name", .scope = "refs/heads/main", .tag = options.tag};
    if (options.storage != nullptr) {
      auto copies = options.copies_bytes == 0
                        ? nullptr
                        : *publish::PackCopies::open({.folder = options.folder / "copies",
                                                      .budget_bytes = options.copies_bytes,
                                                      .min_free_bytes = 0});
      tag_.emplace(*options.storage, publish::TagChain{.own = id, .also = {}}, registry_, std::move(copies));
    }
    // The clock stands still, so that nothing is published before a test says so.
    publisher_.emplace(
        publish::PublisherOptions{
            .tag = id, .mode = options.mode, .producer = "a test", .spool = options.folder},
        publish::PublisherServices{.storage = options.storage,
                                   .clock = &clock_,
                                   .registry = &registry_,
                                   .published = {},
                                   .packs = tag_ ? tag_->packs() : nullptr});
    cache_.emplace(cache::CacheOptions{.tag = id,
                                       .mode = options.mode,
                                       .spool = options.folder,
                                       .max_object_bytes = options.max_object_bytes},
                   cache::CacheServices{.store = store_.get(),
                                        .storage = options.storage,
                                        .tag = tag_ ? &*tag_ : nullptr,
                                        .publisher = &*publisher_,
                                        .registry = &registry_});
    if (tag_) {
      EXPECT_THAT(tag_->refresh(), Succeeds());
    }
  }

  cache::Cache& cache() { return *cache_; }
  store::Store& store() { return *store_; }
  publish::TagView& tag() { return *tag_; }
  publish::Publisher& publisher() { return *publisher_; }
  metrics::Registry& registry() { return registry_; }

  Result<void> put(std::string_view key, std::string_view bytes) {
    AGENT_TRY(auto write, cache_->begin(key, bytes.size()));
    AGENT_CHECK(write.write(io::bytes_of(bytes)));
    return std::move(write).commit();
  }

  // The object's bytes, or "(miss)".
  std::string get(std::string_view key) {
    const auto hit = cache_->find(key);
    return hit ? io::read_slice(hit->slice, std::uint64_t{1} << 30U, key).value_or("(unreadable)") : "(miss)";
  }

  void publish() { EXPECT_THAT(publisher_->flush(std::chrono::seconds(30)), Succeeds()); }

  std::uint64_t misses(std::string_view reason) const {
    for (const auto& [name, count] : registry_.by_label("hearth_lookups_missed_total", "reason")) {
      if (name == reason) {
        return count;
      }
    }
    return 0;
  }

private:
  metrics::Registry registry_;
  ManualClock clock_;
  std::unique_ptr<store::Store> store_;
  std::optional<publish::TagView> tag_;
  std::optional<publish::Publisher> publisher_;
  std::optional<cache::Cache> cache_;
};

}  // namespace agent::tests
