// A tag of three packs, and a storage whose time is turned by hand.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "agent/publish/compactor.hpp"
#include "agent/publish/retention.hpp"
#include "tests/publish/tag_fixture.hpp"

namespace agent::publish {

class Retention : public TagFixture {
protected:
  void SetUp() override {
    for (const auto* const key : {"a", "b", "c"}) {
      ASSERT_THAT(writer(*storage_)->publish(items({{key, std::string(1000, *key)}})), tests::Succeeds());
    }
  }

  RetentionFigures collect(const RetentionOptions& options = {}) {
    const auto figures = collect_garbage(*storage_, clock_, options);
    EXPECT_THAT(figures, tests::Succeeds());
    return figures.value_or(RetentionFigures());
  }

  // The storage's clock is that of its files: makes all of them older.
  void time_passes(std::chrono::seconds time) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() / "cache")) {
      struct stat status{};
      ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
      const timespec then{.tv_sec = status.st_mtim.tv_sec - time.count(), .tv_nsec = 0};
      const std::array<timespec, 2> times{then, then};
      ASSERT_EQ(::utimensat(AT_FDCWD, entry.path().c_str(), times.data(), 0), 0);
    }
  }

  void compact() {
    Compactor compactor(
        {.tag = tag_of("refs/heads/main"),
         .producer = "",
         .folder = folder_.path() / "compacting",
         .limits = {.packs = 3}},
        {.storage = *storage_, .clock = clock_, .packs = std::make_shared<PackCache>(), .go_on = [] {
           return true;
         }});
    ASSERT_EQ(compactor.run(1 << 20)->packs, 3U);
  }

  std::size_t in_storage(std::string_view prefix) const { return storage_->list(prefix)->size(); }
};

}  // namespace agent::publish
