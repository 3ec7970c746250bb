// What `hearth gc --idle` does to tags that nobody publishes to, also while somebody does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "agent/backends/forwarding_storage.hpp"
#include "tests/publish/retention_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;
using tests::FaultyStorage;
using tests::Operation;
using tests::Succeeds;

class RetentionOfIdleTags : public Retention {
protected:
  // But to the busy tag, which tells the storage's time.
  void nobody_publishes_for(std::chrono::hours time) {
    time_passes(time);
    ASSERT_THAT(writer(*storage_, "refs/heads/busy")->publish(items({{"z", fmt::format("{}", ++busy_)}})),
                Succeeds());
  }

  int busy_ = 0;
};

TEST_F(RetentionOfIdleTags, EmptiesTagsThatNobodyPublishesTo) {
  nobody_publishes_for(400h);

  const auto figures = collect({.idle = 336h});

  EXPECT_EQ(figures.removed_tags, 1U);
  EXPECT_EQ(figures.waiting_objects, 3U);
  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_THAT(contents("refs/heads/busy"), SizeIs(1));
}

TEST_F(RetentionOfIdleTags, KeepsWhatIsPublishedWhileAnIdleTagIsEmptied) {
  nobody_publishes_for(400h);
  bool published = false;
  FaultyStorage faulty(*storage_);
  faulty.set_script([&](Operation operation, std::string_view name) -> std::optional<tests::Fault> {
    const bool ends_it = operation == Operation::swap || operation == Operation::remove;
    if (ends_it && name.starts_with("tags/") && !std::exchange(published, true)) {
      EXPECT_THAT(writer(*storage_)->publish(items({{"d", "just now"}})), Succeeds());
    }
    return std::nullopt;
  });

  const auto figures = collect_garbage(faulty, clock_, {.idle = 336h});

  ASSERT_THAT(figures, Succeeds());
  EXPECT_TRUE(published);
  EXPECT_EQ(figures->removed_tags, 0U);
  EXPECT_EQ(figures->waiting_objects, 0U);
  EXPECT_THAT(contents(), SizeIs(4));
}

TEST_F(RetentionOfIdleTags, KeepsWhatIsPublishedWhileAnIdleTagIsLookedAt) {
  nobody_publishes_for(400h);
  const auto pointer = *pointer_name(tag_of("refs/heads/main"));
  for (const auto when : {Operation::read, Operation::list}) {
    bool published = false;
    FaultyStorage faulty(*storage_);
    faulty.set_script([&](Operation operation, std::string_view name) -> std::optional<tests::Fault> {
      if (operation == when && name == pointer && !std::exchange(published, true)) {
        EXPECT_THAT(
            writer(*storage_)->publish(items({{fmt::format("when {}", std::to_underlying(when)), "1"}})),
            Succeeds());
      }
      return std::nullopt;
    });
    const auto before = contents().size();

    EXPECT_EQ(collect_garbage(faulty, clock_, {.idle = 336h})->removed_tags, 0U);

    EXPECT_TRUE(published);
    EXPECT_THAT(contents(), SizeIs(before + 1));
    nobody_publishes_for(400h);
  }
}

TEST_F(RetentionOfIdleTags, AnEmptiedTagGoesOnWhenSomebodyPublishesToIt) {
  const auto before = *read_head(*storage_, tag_of("refs/heads/main"));
  nobody_publishes_for(400h);
  EXPECT_EQ(collect({.idle = 336h}).removed_tags, 1U);
  const auto emptied = *read_head(*storage_, tag_of("refs/heads/main"));
  EXPECT_EQ(emptied.generation, before.generation + 1);
  EXPECT_THAT(emptied.manifest.packs, IsEmpty());
  EXPECT_THAT(emptied.manifest.tombstones, SizeIs(3)) << "a slow writer must not bring back what goes";
  nobody_publishes_for(400h);
  EXPECT_EQ(collect({.idle = 336h}).removed_tags, 0U) << "nothing is left to take out";

  ASSERT_THAT(writer(*storage_)->publish(items({{"a", std::string(1000, 'a')}})), Succeeds());

  EXPECT_THAT(contents(), SizeIs(1));
}

TEST_F(RetentionOfIdleTags, EmptiesAnIdleTagWhoseManifestIsGone) {
  const auto head = *read_head(*storage_, tag_of("refs/heads/main"));
  const Pointer pointer{.id = tag_of("refs/heads/main"),
                        .generation = head.generation + 1,
                        .manifest = *head.digest,
                        .embedded = std::nullopt};
  ASSERT_THAT(storage_->compare_and_swap(*pointer_name(pointer.id), head.version, encode(pointer)),
              Succeeds());
  nobody_publishes_for(400h);

  EXPECT_EQ(collect({.idle = 336h}).removed_tags, 1U);

  EXPECT_EQ(read_head(*storage_, pointer.id)->generation, head.generation + 2);
}

// Lists what has the longer name first, so that of `tag` and `tag-debug` the other one comes first.
class LongestFirst final : public backends::ForwardingStorage {
public:
  using ForwardingStorage::ForwardingStorage;
  Result<std::vector<backends::ObjectInfo>> list(std::string_view prefix) override {
    auto listed = inner().list(prefix);
    if (listed) {
      std::ranges::sort(*listed, std::ranges::greater(),
                        [](const backends::ObjectInfo& object) { return object.name.size(); });
    }
    return listed;
  }
};

class RetentionOfNeighbours : public Retention {
protected:
  // Publishes what the tag has to another one, whose name begins with its name.
  void publish_to_neighbour() {
    auto manifest = read_head(*storage_, tag_of("refs/heads/main"))->manifest;
    manifest.generation = 1;
    auto id = tag_of("refs/heads/main");
    id.tag += "-debug";
    ASSERT_THAT(replace_head(*storage_, id, {}, manifest), Succeeds());
  }

  LongestFirst longest_first_{*storage_};
};

TEST_F(RetentionOfNeighbours, ATagIsIdleByItsOwnTime) {
  time_passes(400h);
  publish_to_neighbour();

  const auto figures = collect_garbage(longest_first_, clock_, {.idle = 336h});

  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ(figures->removed_tags, 1U);
  EXPECT_EQ(figures->tags, 1U) << "that of the neighbour";
}

TEST_F(RetentionOfNeighbours, ATagThatIsRemovedMeanwhileHoldsNobodyUp) {
  publish_to_neighbour();
  const auto pointer = *pointer_name(tag_of("refs/heads/main"));
  FaultyStorage faulty(longest_first_);
  faulty.set_script([&](Operation operation, std::string_view name) -> std::optional<tests::Fault> {
    if (operation == Operation::read && name == pointer) {
      EXPECT_THAT(storage_->remove(pointer), Succeeds());
    }
    return std::nullopt;
  });

  const auto figures = collect_garbage(faulty, clock_, {});

  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ(figures->tags, 1U);
}

// As in GitHub's cache, where whatever a job writes belongs to its own branch.
TEST_F(RetentionOfIdleTags, RemovesIdleTagsOfAreasThatItCannotWriteTo) {
  nobody_publishes_for(400h);
  class Areas final : public backends::ForwardingStorage {
  public:
    using ForwardingStorage::ForwardingStorage;
    Result<std::vector<backends::ObjectInfo>> list(std::string_view prefix) override {
      auto listed = inner().list(prefix);
      for (auto& object : *listed) {
        object.area = "refs/heads/main";
      }
      return listed;
    }
    Result<std::string> compare_and_swap(std::string_view name,
                                         const std::optional<std::string>& /*expected*/,
                                         std::string_view /*content*/) override {
      return fail(Errc::denied, "swap {}: it would land elsewhere", name);
    }
  } areas(*storage_);

  const auto figures = collect_garbage(areas, clock_, {.idle = 336h});

  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ(figures->removed_tags, 1U);
  EXPECT_EQ(in_storage("tags/"), 1U);
}

}  // namespace
}  // namespace agent::publish
