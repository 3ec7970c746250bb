// A tag on a disk storage in a folder of its own, with objects at rest and readers that check every byte.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/backends/disk_directory.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/publisher.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/publish/tag_writer.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::publish {

class TagFixture : public testing::Test {
public:
  store::Stored object(std::string_view content) const {
    return tests::stored_object(folder_.path(), content);
  }

  std::unique_ptr<backends::ObjectStorage> open_storage() const {
    return *backends::DiskDirectory::open(folder_.path() / "cache", clock_);
  }

  static TagId tag_of(std::string scope) {
    return {.repository = "owner/name", .scope = std::move(scope), .tag = "rust-sccache-linux-x86_64"};
  }

  // Everything a fresh reader finds, each object read back and held against its digest.
  static std::map<std::string, std::string> contents(backends::ObjectStorage& storage,
                                                     const TagChain& chain) {
    metrics::Registry registry;
    TagView view(storage, chain, registry);
    EXPECT_THAT(view.refresh(), tests::Succeeds());
    std::map<std::string, std::string> found;
    view.each([&](std::string_view key, const TagEntry&) {
      const auto entry = view.find(key);
      ASSERT_TRUE(entry) << key;
      const auto bytes = read(storage, *entry);
      EXPECT_EQ(io::sha256(io::bytes_of(bytes)), entry->digest) << key;
      found.emplace(key, bytes);
    });
    EXPECT_EQ(registry.total("hearth_tag_packs_skipped_total"), 0);
    EXPECT_EQ(registry.total("hearth_tag_objects_corrupt_total"), 0);
    return found;
  }

  static std::string read(backends::ObjectStorage& storage, const TagEntry& entry) {
    if (const auto* const slice = std::get_if<io::FileSlice>(&entry.where)) {
      return io::read_slice(*slice, 1 << 20, "object").value_or("(unreadable)");
    }
    const auto& extent = std::get<RemoteExtent>(entry.where);
    return storage.get(extent.pack_name, extent.range).value().value_or("(missing)");
  }

  std::map<std::string, std::string> contents(std::string scope = "refs/heads/main") const {
    return contents(*storage_, {.own = tag_of(std::move(scope)), .also = {}});
  }

  std::unique_ptr<TagWriter> writer(backends::ObjectStorage& storage, std::string scope = "refs/heads/main") {
    const auto folder = folder_.path() / fmt::format("outgoing{}", writers_++);
    return std::make_unique<TagWriter>(
        TagWriterOptions{.tag = tag_of(std::move(scope)),
                         .producer = "a test",
                         .folder = folder,
                         .conflict_pause = conflict_pause_},
        TagWriterServices{.storage = storage,
                          .clock = time(),
                          .packs = std::make_shared<PackCache>(),
                          .conflict = [this] { ++conflicts_; },
                          .uploaded = [this](std::uint64_t bytes) { uploaded_ += bytes; },
                          .pause =
                              [](std::chrono::milliseconds time) {
                                std::this_thread::sleep_for(time);
                                return true;
                              }});
  }

  // What writers go by.
  virtual const Clock& time() const { return clock_; }

  std::vector<store::PackItem> items(const std::map<std::string, std::string>& contents) const {
    std::vector<store::PackItem> made;
    for (const auto& [key, content] : contents) {
      made.push_back({.key = key, .object = object(content)});
    }
    return made;
  }

  SystemClock clock_;
  tests::TempFolder folder_{tests::memory_folder()};
  std::unique_ptr<backends::ObjectStorage> storage_ = open_storage();
  std::chrono::milliseconds conflict_pause_{0};
  std::atomic<int> writers_{0};
  std::atomic<int> conflicts_{0};
  std::atomic<std::uint64_t> uploaded_{0};
};

}  // namespace agent::publish
