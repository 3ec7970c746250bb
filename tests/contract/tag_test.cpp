// Tags on every object storage: what jobs used of them, what goes for that reason, and what somebody removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "agent/publish/catalog.hpp"
#include "agent/publish/compactor.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/publish/tag_writer.hpp"
#include "agent/publish/use_record.hpp"
#include "tests/contract/places.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;
using tests::Succeeds;

struct Line {
  std::string scheme;
  std::unique_ptr<tests::StoragePlace> (*make_place)();
};

void PrintTo(const Line& line, std::ostream* out) {
  *out << line.scheme;
}

class TagContract : public testing::TestWithParam<Line> {
protected:
  // As another process would have it.
  std::unique_ptr<backends::ObjectStorage> open() {
    auto storage = backends::open_storage(
        place_->url(), {.clock = clock_, .registry = registry_, .variables = place_->variables()});
    EXPECT_THAT(storage, Succeeds());
    return storage ? *std::move(storage) : nullptr;
  }

  void publish(const std::vector<std::string>& keys) {
    TagWriter writer({.tag = tag_, .producer = "a test", .folder = folder_.path() / "outgoing"},
                     {.storage = *storage_,
                      .clock = time_,
                      .packs = std::make_shared<PackCache>(),
                      .conflict = [] {},
                      .uploaded = [](std::uint64_t) {},
                      .pause = [](std::chrono::milliseconds) { return true; }});
    std::vector<store::PackItem> items;
    for (const auto& key : keys) {
      items.push_back({.key = key, .object = tests::stored_object(folder_.path(), "content of " + key)});
    }
    ASSERT_THAT(writer.publish(items), Succeeds());
  }

  std::unique_ptr<TagView> view(backends::ObjectStorage& storage) {
    auto made = std::make_unique<TagView>(storage, TagChain{.own = tag_, .also = {}}, registry_);
    EXPECT_THAT(made->refresh(), Succeeds());
    return made;
  }

  std::vector<std::string> keys_for_a_fresh_reader() {
    const auto fresh = open();
    std::vector<std::string> keys;
    view(*fresh)->each([&](std::string_view key, const TagEntry&) { keys.emplace_back(key); });
    return keys;
  }

  bool job_a_day_later(const std::vector<std::string>& uses, int days) {
    time_.advance(days * 24h);
    const auto mine = view(*storage_);
    for (const auto& key : uses) {
      EXPECT_TRUE(mine->use(key));
    }
    const auto recorded = record_uses(*storage_, tag_, time_, {.used = mine->used()});
    EXPECT_THAT(recorded, Succeeds());
    return recorded.value_or(false);
  }

  Result<Compacted> compact() {
    Compactor compactor(
        {.tag = tag_, .producer = "", .folder = folder_.path() / "compacting", .limits = {.tiny_bytes = 4}},
        {.storage = *storage_, .clock = time_, .packs = std::make_shared<PackCache>(), .go_on = [] {
           return true;
         }});
    return compactor.run(std::uint64_t{1} << 20U);
  }

  const TagId tag_{.repository = "octo/project", .scope = "refs/heads/main", .tag = "rust-sccache"};
  tests::TempFolder folder_;
  SystemClock clock_;  // of the storage
  ManualClock time_;   // of the jobs
  metrics::Registry registry_;
  std::unique_ptr<tests::StoragePlace> place_ = GetParam().make_place();
  std::unique_ptr<backends::ObjectStorage> storage_ = open();
};

TEST_P(TagContract, RecordWhatJobsUsedAndLetTheRestGo) {
  publish({"sccache/a", "sccache/b", "sccache/c"});
  EXPECT_TRUE(job_a_day_later({"sccache/b"}, 1));
  EXPECT_FALSE(job_a_day_later({"sccache/b"}, 0));
  EXPECT_TRUE(job_a_day_later({"sccache/b"}, 6));
  EXPECT_TRUE(job_a_day_later({"sccache/b"}, 7));
  EXPECT_TRUE(job_a_day_later({"sccache/b"}, 1));

  const auto compacted = compact();

  ASSERT_THAT(compacted, Succeeds());
  EXPECT_EQ(compacted->packs, 1U);
  EXPECT_THAT(keys_for_a_fresh_reader(), ElementsAre("sccache/b"));
}

TEST_P(TagContract, HideWhatSomebodyRemoved) {
  publish({"sccache/a", "sccache/b", "sccache/c"});

  const auto removed = remove_objects(*storage_, time_, tag_, {"sccache/a", "sccache/x"});

  ASSERT_THAT(removed, Succeeds());
  EXPECT_THAT(removed->removed, ElementsAre("sccache/a"));
  EXPECT_THAT(removed->absent, ElementsAre("sccache/x"));
  EXPECT_THAT(keys_for_a_fresh_reader(), UnorderedElementsAre("sccache/b", "sccache/c"));
  publish({"sccache/a"});
  EXPECT_THAT(keys_for_a_fresh_reader(), UnorderedElementsAre("sccache/a", "sccache/b", "sccache/c"));
}

std::vector<Line> lines() {
  return {
#define BACKEND(name) {#name, tests::make_##name##_place},
#include "agent/backends/builtin.def"
#undef BACKEND
  };
}

INSTANTIATE_TEST_SUITE_P(Builtin, TagContract, testing::ValuesIn(lines()),
                         [](const auto& line) { return line.param.scheme; });

}  // namespace
}  // namespace agent::publish
