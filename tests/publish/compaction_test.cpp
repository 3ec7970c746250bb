#include "agent/publish/compaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/fd.hpp"

namespace agent::publish {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t k_kib = 1024;
constexpr std::uint64_t k_mib = 1024 * k_kib;
constexpr std::uint64_t k_plenty = 1024 * k_mib;

Digest digest_of(std::uint32_t number) {
  Digest digest;
  for (std::size_t i = 0; i < 4; ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(number >> (24 - (8 * i)));
  }
  return digest;
}

PackRecord record(std::uint32_t number, std::uint64_t bytes) {
  return {.digest = digest_of(number),
          .size_bytes = bytes,
          .footer_offset = bytes,
          .footer_size = 0,
          .live_bytes = bytes,
          .generation = number,
          .created_ms = number,
          .objects = 100,
          .producer = "p"};
}

PackShare share(std::uint32_t number, std::uint64_t bytes, unsigned live_percent = 100) {
  return {.record = record(number, bytes),
          .live_objects = live_percent,
          .live_bytes = bytes / 100 * live_percent};
}

std::vector<PackShare> shares(std::uint32_t count, std::uint64_t bytes, std::uint32_t first = 0) {
  std::vector<PackShare> made;
  for (std::uint32_t i = 0; i < count; ++i) {
    made.push_back(share(first + i, bytes));
  }
  return made;
}

TEST(Compaction, BringsEightTinyPacksTogether) {
  EXPECT_THAT(plan_compaction(shares(8, 100 * k_kib), {}, k_plenty).merge, SizeIs(8));
  EXPECT_TRUE(plan_compaction(shares(7, 100 * k_kib), {}, k_plenty).empty());
}

TEST(Compaction, LeavesLargePacksAlone) {
  EXPECT_TRUE(plan_compaction(shares(100, 5 * k_mib), {}, k_plenty).empty());
}

TEST(Compaction, UploadsNoMoreThanItMay) {
  const auto plan = plan_compaction(shares(20, 100 * k_kib), {}, 1000 * k_kib);

  EXPECT_THAT(plan.merge, SizeIs(10));
  EXPECT_EQ(plan.upload_bytes, 1000 * k_kib);
  EXPECT_TRUE(plan_compaction(shares(20, 100 * k_kib), {}, 700 * k_kib).empty());
}

TEST(Compaction, MakesNoPackBeyondTheLimits) {
  EXPECT_THAT(plan_compaction(shares(20, 100 * k_kib), {.pack_bytes = 900 * k_kib}, k_plenty).merge,
              SizeIs(9));
  auto crowded = shares(20, k_mib);
  for (auto& pack : crowded) {
    pack.record.objects = 100'000;
    pack.live_objects = 100'000;
  }
  EXPECT_THAT(plan_compaction(crowded, {}, k_plenty).merge, SizeIs(10));
}

TEST(Compaction, DoesNotRewriteALargerPackForAFewSmallOnes) {
  auto packs = shares(9, 10 * k_kib);
  packs.push_back(share(100, 3 * k_mib));

  EXPECT_THAT(plan_compaction(packs, {}, k_plenty).merge, SizeIs(9));
}

TEST(Compaction, RewritesAPackOfWhichOver40PercentAreDead) {
  EXPECT_THAT(plan_compaction({share(1, 50 * k_mib, 59), share(2, 50 * k_mib, 60)}, {}, k_plenty).merge,
              ElementsAre(digest_of(1)));
}

TEST(Compaction, DoesNotBotherAboutAFewDeadBytes) {
  EXPECT_TRUE(plan_compaction({share(1, 100 * k_kib, 10)}, {}, k_plenty).empty());
}

TEST(Compaction, DropsWhatIsGoneOrReplacedAltogether) {
  auto gone = share(1, 50 * k_mib);
  gone.gone = true;

  const auto plan = plan_compaction({gone, share(2, 50 * k_mib, 0), share(3, 50 * k_mib)}, {}, 0);

  EXPECT_THAT(plan.drop, ElementsAre(digest_of(1), digest_of(2)));
  EXPECT_THAT(plan.merge, IsEmpty());
}

TEST(Compaction, MakesRoomForTheNextPackWhereATagShouldHaveFew) {
  auto packs = shares(6, 500 * k_mib);
  packs.push_back(share(10, 70 * k_mib));
  packs.push_back(share(11, 60 * k_mib));

  EXPECT_THAT(plan_compaction(packs, {.packs = 8}, 130 * k_mib).merge,
              ElementsAre(digest_of(11), digest_of(10)));
  EXPECT_TRUE(plan_compaction(packs, {.packs = 8}, 129 * k_mib).empty());
  EXPECT_TRUE(plan_compaction(packs, {.packs = 9}, k_plenty).empty());
}

TEST(Compaction, OfATagWithFarTooManyPacksMayUploadMore) {
  EXPECT_TRUE(plan_compaction(shares(15, 20 * k_mib), {.packs = 8}, 0).empty());
  EXPECT_THAT(plan_compaction(shares(16, 20 * k_mib), {.packs = 8}, 0).merge, SizeIs(10));
}

TEST(Compaction, DropsTheOldestBeyondTheBudgetOfTheTag) {
  const auto packs = shares(5, 100 * k_mib);  // the later the newer

  const auto plan = plan_compaction(packs, {.tag_bytes = 350 * k_mib}, 0);

  EXPECT_THAT(plan.drop, testing::UnorderedElementsAre(digest_of(0), digest_of(1)));
  EXPECT_TRUE(plan_compaction(packs, {.tag_bytes = 500 * k_mib}, 0).empty());
  EXPECT_THAT(plan_compaction(packs, {.tag_bytes = 1}, 0).drop, SizeIs(4)) << "never the newest one";
}

TEST(Compaction, SizesAloneMaySayThatThereIsNothingToDo) {
  const auto with = [](std::uint32_t count, std::uint64_t bytes) {
    Manifest manifest{.generation = 1};
    for (std::uint32_t i = 0; i < count; ++i) {
      manifest.packs.push_back(record(i, bytes));
    }
    return manifest;
  };

  EXPECT_FALSE(may_be_worth_compacting(with(7, k_kib), {}));
  EXPECT_TRUE(may_be_worth_compacting(with(8, k_kib), {}));
  EXPECT_FALSE(may_be_worth_compacting(with(20, 5 * k_mib), {}));
  EXPECT_TRUE(may_be_worth_compacting(with(8, 5 * k_mib), {.packs = 8}));
}

// A thousand flushes of one size, each followed by what compaction may do then.
class ManyFlushes {
public:
  explicit ManyFlushes(CompactionLimits limits) : limits_(limits) {}

  void flush(std::uint64_t bytes) {
    packs_.push_back(share(next_++, bytes));
    new_bytes_ += bytes;
    while (true) {
      const auto plan =
          plan_compaction(packs_, limits_, (2 * new_bytes_) - std::min(2 * new_bytes_, uploaded_));
      if (plan.empty()) {
        break;
      }
      std::erase_if(packs_, [&](const PackShare& pack) {
        return std::ranges::find(plan.merge, pack.record.digest) != plan.merge.end();
      });
      packs_.push_back(share(next_++, plan.upload_bytes));
      uploaded_ += plan.upload_bytes;
    }
    most_packs_ = std::max(most_packs_, packs_.size());
  }

  std::size_t most_packs() const { return most_packs_; }
  std::uint64_t uploaded() const { return uploaded_; }
  std::uint64_t new_bytes() const { return new_bytes_; }

private:
  CompactionLimits limits_;
  std::vector<PackShare> packs_;
  std::uint32_t next_ = 0;
  std::uint64_t new_bytes_ = 0;
  std::uint64_t uploaded_ = 0;
  std::size_t most_packs_ = 0;
};

TEST(Compaction, KeepsTheTagOfManySmallFlushesSmall) {
  ManyFlushes tag({});
  for (int i = 0; i < 1000; ++i) {
    tag.flush(100 * k_kib);
  }

  EXPECT_LE(tag.most_packs(), 64U);  // 24 of them large enough
  EXPECT_LE(tag.uploaded(), 2 * tag.new_bytes());
}

TEST(Compaction, KeepsATagNearItsNumberOfPacksWhateverTheRunsBring) {
  ManyFlushes tag({.packs = 8});
  for (int i = 0; i < 300; ++i) {
    tag.flush(5 * k_mib);
  }

  EXPECT_LE(tag.most_packs(), 16U);
}

TEST(Compacted, PutsOnePackInThePlaceOfMany) {
  Manifest theirs{.generation = 7};
  theirs.packs = {record(1, 10), record(2, 10), record(3, 10)};
  auto made = record(9, 20);
  made.generation = 7;

  const auto next = compacted(theirs, made, {digest_of(1), digest_of(3)}, {.generation = 8, .now_ms = 55});

  EXPECT_THAT(next.packs, ElementsAre(record(2, 10), made));
  EXPECT_THAT(next.tombstones, ElementsAre(Tombstone{.pack = digest_of(1), .removed_ms = 55},
                                           Tombstone{.pack = digest_of(3), .removed_ms = 55}));
  EXPECT_EQ(next.generation, 8U);
  const auto bytes = *encode(next);
  EXPECT_EQ(parse_manifest(io::bytes_of(bytes)), next);
}

TEST(Compacted, TwiceIsOnce) {
  Manifest theirs{.generation = 7};
  theirs.packs = {record(1, 10)};
  const auto once = compacted(theirs, record(9, 10), {digest_of(1)}, {.generation = 8, .now_ms = 55});

  const auto twice = compacted(once, std::nullopt, {digest_of(1)}, {.generation = 8, .now_ms = 56});

  EXPECT_EQ(twice.tombstones, once.tombstones);
  EXPECT_EQ(twice.packs, once.packs);
}

TEST(OnlyAddedTo, IsFalseOnceAnythingWasTakenOut) {
  Manifest planned{.generation = 7};
  planned.packs = {record(1, 10), record(2, 10)};
  auto now = planned;
  EXPECT_TRUE(only_added_to(planned, now));
  now.packs.push_back(record(3, 10));
  EXPECT_TRUE(only_added_to(planned, now));

  now.packs.erase(now.packs.begin());

  EXPECT_FALSE(only_added_to(planned, now));
}

}  // namespace
}  // namespace agent::publish
