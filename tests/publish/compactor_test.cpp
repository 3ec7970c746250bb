#include "agent/publish/compactor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/ranged_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::SizeIs;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::LoseAnswer;
using tests::Operation;
using tests::Refuse;
using tests::Succeeds;

constexpr std::uint64_t k_plenty = std::uint64_t{1} << 30U;

class CompactorTest : public TagFixture {
protected:
  // Ten small packs; every one replaces an object of the one before.
  void fill(backends::ObjectStorage& storage) {
    const auto mine = writer(storage);
    for (int i = 0; i < 10; ++i) {
      ASSERT_THAT(
          mine->publish(items({{fmt::format("own/{}", i), std::string(2000, static_cast<char>('a' + i))},
                               {"shared", fmt::format("version {}", i)},
                               {fmt::format("empty/{}", i), ""}})),
          Succeeds());
    }
  }

  std::unique_ptr<Compactor> compactor(backends::ObjectStorage& storage,
                                       std::shared_ptr<PackCache> packs = std::make_shared<PackCache>()) {
    return std::make_unique<Compactor>(
        CompactorOptions{.tag = tag_of("refs/heads/main"),
                         .producer = "a test",
                         .folder = folder_.path() / "compacting",
                         .limits = {}},
        CompactorServices{.storage = storage, .clock = clock_, .packs = std::move(packs), .go_on = [this] {
                            return go_on_;
                          }});
  }

  // Two hours from now, with nothing to spend: how many packs were taken out.
  Result<std::size_t> run_later(backends::ObjectStorage& storage) {
    ManualClock later;
    later.advance(std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall() - later.wall()) + 2h);
    auto mine =
        Compactor({.tag = tag_of("refs/heads/main"),
                   .producer = "",
                   .folder = folder_.path() / "compacting",
                   .limits = {}},
                  {.storage = storage, .clock = later, .packs = std::make_shared<PackCache>(), .go_on = [] {
                     return true;
                   }});
    AGENT_TRY(const auto compacted, mine.run(0));
    return compacted.packs;
  }

  Manifest manifest() const { return read_head(*storage_, tag_of("refs/heads/main"))->manifest; }

  bool go_on_ = true;
};

TEST_F(CompactorTest, BringsSmallPacksTogetherAndKeepsEveryObject) {
  fill(*storage_);
  const auto before = contents();

  const auto compacted = compactor(*storage_)->run(k_plenty);

  ASSERT_THAT(compacted, Succeeds());
  EXPECT_EQ(compacted->packs, 10U);
  EXPECT_EQ(contents(), before);
  EXPECT_THAT(before, SizeIs(21));
  EXPECT_THAT(manifest().packs, SizeIs(1));
  EXPECT_EQ(manifest().packs.front().objects, 21U);
  EXPECT_EQ(manifest().packs.front().producer, "a test");
  EXPECT_EQ(manifest().packs.front().size_bytes, compacted->uploaded_bytes);
  EXPECT_THAT(manifest().tombstones, SizeIs(10));
  EXPECT_THAT(*storage_->list("packs/"), SizeIs(11)) << "readers may still need the old ones";
  EXPECT_THAT(compactor(*storage_)->run(k_plenty)->packs, 0U);
}

TEST_F(CompactorTest, WorksOnPacksThatAreReadByRange) {
  tests::RangedStorage ranged(*storage_);
  fill(ranged);
  const auto before = contents();
  const auto packs = std::make_shared<PackCache>();
  auto mine = compactor(ranged, packs);

  ASSERT_THAT(mine->run(k_plenty), Succeeds());

  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(1));
  EXPECT_EQ(ranged.gets(), 10 + 10) << "footers for the compactor, then one read each";
}

TEST_F(CompactorTest, ReadsLargeObjectsInPieces) {
  tests::RangedStorage ranged(*storage_);
  fill(ranged);
  const auto large = std::string((std::size_t{9} << 20U) + 17, 'L');
  ASSERT_THAT(writer(ranged)->publish(items({{"large", large}, {"shared", "newest"}})), Succeeds());
  auto mine =
      Compactor({.tag = tag_of("refs/heads/main"),
                 .producer = "",
                 .folder = folder_.path() / "compacting",
                 .limits = {.tiny_bytes = std::uint64_t{64} << 20U}},
                {.storage = ranged, .clock = clock_, .packs = std::make_shared<PackCache>(), .go_on = [] {
                   return true;
                 }});

  // A larger pack joins eight others only where they are as large together.
  ASSERT_THAT(mine.run(k_plenty), Succeeds());
  EXPECT_THAT(manifest().packs, SizeIs(2));
  for (int i = 0; i < 8; ++i) {
    ASSERT_THAT(writer(ranged)->publish(items({{fmt::format("more/{}", i), std::string(2'000'000, 'm')}})),
                Succeeds());
  }
  ASSERT_THAT(mine.run(k_plenty), Succeeds());

  EXPECT_THAT(manifest().packs, SizeIs(1));
  metrics::Registry registry;
  TagView view(*storage_, {.own = tag_of("refs/heads/main"), .also = {}}, registry);
  ASSERT_THAT(view.refresh(), Succeeds());
  EXPECT_EQ(view.find("large")->digest, io::sha256(io::bytes_of(large)));
  EXPECT_EQ(read(*storage_, *view.find("shared")), "newest");
}

TEST_F(CompactorTest, WhatOthersPublishMeanwhileGoesBeforeIt) {
  fill(*storage_);
  auto expected = contents();
  FaultyStorage faulty(*storage_);
  bool interfered = false;
  faulty.set_script([&](Operation operation, std::string_view name) -> std::optional<tests::Fault> {
    if (operation == Operation::put && name.starts_with("packs/") && !std::exchange(interfered, true)) {
      EXPECT_THAT(writer(*storage_)->publish(items({{"shared", "newer"}, {"theirs", "1"}})), Succeeds());
    }
    return std::nullopt;
  });

  ASSERT_THAT(compactor(faulty)->run(k_plenty), Succeeds());

  expected["shared"] = "newer";
  expected["theirs"] = "1";
  EXPECT_EQ(contents(), expected);
  EXPECT_THAT(manifest().packs, SizeIs(2));
}

TEST_F(CompactorTest, OfTwoAtOnceOneGivesWay) {
  fill(*storage_);
  const auto before = contents();
  FaultyStorage faulty(*storage_);
  bool interfered = false;
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && !std::exchange(interfered, true)) {
      EXPECT_THAT(compactor(*storage_)->run(k_plenty), Succeeds());
    }
    return std::nullopt;
  });

  EXPECT_THAT(compactor(faulty)->run(k_plenty), FailsWith(Errc::conflict));

  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(1));
}

TEST_F(CompactorTest, APublisherWhosePackWasCompactedAwayKnowsThatItIsIn) {
  fill(*storage_);
  FaultyStorage faulty(*storage_);
  bool lost = false;
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && !std::exchange(lost, true)) {
      return LoseAnswer{tests::timed_out()};
    }
    if (operation == Operation::read && lost) {
      EXPECT_THAT(compactor(*storage_)->run(k_plenty), Succeeds());
    }
    return std::nullopt;
  });

  EXPECT_THAT(writer(faulty)->publish(items({{"mine", "1"}})), Succeeds());

  EXPECT_THAT(contents(), Contains(Pair("mine", "1")));
  EXPECT_EQ(manifest().generation, 12U);
}

TEST_F(CompactorTest, TakesALostAnswerForWhatItWas) {
  fill(*storage_);
  const auto before = contents();
  FaultyStorage faulty(*storage_, [](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    return operation == Operation::swap ? std::optional<tests::Fault>(LoseAnswer{tests::timed_out()})
                                        : std::nullopt;
  });

  EXPECT_THAT(compactor(faulty)->run(k_plenty), Succeeds());

  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(1));
}

TEST_F(CompactorTest, LeavesOutObjectsWhoseBytesAreWrong) {
  fill(*storage_);
  auto expected = contents();
  const auto pack = manifest().packs.front();
  const auto path = folder_.path() / "cache" / pack_name(pack.digest);
  auto bytes = *io::read_file(path, 1 << 20);
  const auto at = bytes.find_first_of("abcdefghij", bytes.find(std::string(100, bytes[1000])));
  ASSERT_EQ(bytes.substr(at, 500), std::string(500, bytes[at]));
  const auto spoilt = fmt::format("own/{}", bytes[at] - 'a');
  bytes[at + 250] = '!';
  std::filesystem::permissions(path, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  ASSERT_THAT(io::write_file(path, bytes), Succeeds());

  ASSERT_THAT(compactor(*storage_)->run(k_plenty), Succeeds());

  ASSERT_EQ(expected.erase(spoilt), 1U);
  EXPECT_EQ(contents(), expected);
}

// As after a power cut, when pages that were never written are zeros.
TEST_F(CompactorTest, AWrongLocalCopyCostsNobodyAnObject) {
  tests::RangedStorage ranged(*storage_);
  fill(ranged);
  const auto before = contents();
  const PackCopyOptions options{
      .folder = folder_.path() / "copies", .budget_bytes = k_plenty, .min_free_bytes = 0};
  const TagChain chain{.own = tag_of("refs/heads/main"), .also = {}};
  metrics::Registry registry;
  {
    TagView earlier(ranged, chain, registry, *PackCopies::open(options));
    ASSERT_THAT(earlier.refresh(), Succeeds());
  }
  for (const auto& pack : manifest().packs) {
    const auto path = options.folder / (pack.digest.hex() + ".pack");
    auto bytes = *io::read_file(path, 1 << 20);
    std::fill_n(bytes.begin(), pack.footer_offset, '\0');
    ASSERT_THAT(io::write_file(path, bytes), Succeeds());
  }
  TagView view(ranged, chain, registry, *PackCopies::open(options));
  ASSERT_THAT(view.refresh(), Succeeds());

  ASSERT_THAT(compactor(ranged, view.packs())->run(k_plenty), Succeeds());

  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(1));
  EXPECT_TRUE(std::filesystem::is_empty(options.folder)) << "nobody reads the wrong copies again";
}

TEST_F(CompactorTest, ReadsAgainWhatWasSpoiltOnItsWay) {
  tests::RangedStorage ranged(*storage_);
  fill(ranged);
  const auto before = contents();
  const auto footers = manifest().packs.size();
  std::size_t reads = 0;
  ranged.set_fate([&](std::string bytes) -> Result<std::optional<std::string>> {
    const bool is_first_of_objects = ++reads == footers + 1;
    return std::optional(is_first_of_objects ? std::string(bytes.size(), '!') : std::move(bytes));
  });

  ASSERT_THAT(compactor(ranged)->run(k_plenty), Succeeds());

  EXPECT_GT(reads, 2 * footers);
  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(1));
}

TEST_F(CompactorTest, LeavesOutWhatTheStorageHasWrongTwice) {
  tests::RangedStorage ranged(*storage_);
  fill(ranged);
  auto expected = contents();
  ranged.set_fate([&](std::string bytes) -> Result<std::optional<std::string>> {
    if (const auto at = bytes.find(std::string(2000, 'd')); at != std::string::npos) {
      bytes[at] = '!';
    }
    return std::optional(std::move(bytes));
  });

  ASSERT_THAT(compactor(ranged)->run(k_plenty), Succeeds());

  ASSERT_EQ(expected.erase("own/3"), 1U);
  EXPECT_EQ(contents(), expected);
}

TEST_F(CompactorTest, TakesPacksOutThatAreGone) {
  fill(*storage_);
  ASSERT_THAT(storage_->remove(pack_name(manifest().packs.front().digest)), Succeeds());
  EXPECT_EQ(compactor(*storage_)->run(0)->packs, 0U) << "it may only be too new to be seen";

  EXPECT_EQ(run_later(*storage_), 1U);

  EXPECT_THAT(manifest().packs, SizeIs(9));
  EXPECT_THAT(contents(), SizeIs(testing::Ge(18)));
}

TEST_F(CompactorTest, LeavesPacksInThatAreListedAllTheSame) {
  tests::RangedStorage ranged(*storage_);
  fill(ranged);
  const auto before = contents();
  int not_found = 3;
  ranged.set_fate([&](std::string bytes) -> Result<std::optional<std::string>> {
    return not_found-- > 0 ? std::nullopt : std::optional(std::move(bytes));
  });

  EXPECT_EQ(run_later(ranged), 0U);

  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(10));
}

TEST_F(CompactorTest, LeavesPacksInOfWhichTheListingKnowsNothing) {
  fill(*storage_);
  for (const auto& pack : {manifest().packs.front(), manifest().packs.back()}) {
    ASSERT_THAT(storage_->remove(pack_name(pack.digest)), Succeeds());
  }
  FaultyStorage faulty(*storage_);
  const auto listing_ends_in = [&](const Error& error) {
    faulty.set_script([=](Operation operation, std::string_view) -> std::optional<tests::Fault> {
      return operation == Operation::list ? std::optional<tests::Fault>(Refuse{error}) : std::nullopt;
    });
  };

  listing_ends_in(tests::timed_out());
  EXPECT_EQ(run_later(faulty), 0U) << "not now";
  listing_ends_in({.code = Errc::unsupported, .message = "no token to list with"});
  EXPECT_EQ(run_later(faulty), 2U) << "never: what was read has to do";
}

TEST_F(CompactorTest, IsPutOffBetweenAnyTwoSteps) {
  fill(*storage_);
  go_on_ = false;

  EXPECT_THAT(compactor(*storage_)->run(k_plenty), FailsWith(Errc::cancelled));

  EXPECT_THAT(manifest().packs, SizeIs(10));
}

TEST_F(CompactorTest, WhicheverCallFailsLosesNothingAndTheNextRunGoesOn) {
  tests::RangedStorage ranged(*storage_);
  bool finished = false;
  int failures = 0;
  for (int n = 0; !finished; ++n) {
    ASSERT_LT(n, 100);
    std::filesystem::remove_all(folder_.path() / "cache");
    storage_ = open_storage();
    tests::RangedStorage by_range(*storage_);
    fill(by_range);
    const auto before = contents();
    int left = n;
    FaultyStorage faulty(by_range, [&](Operation, std::string_view) -> std::optional<tests::Fault> {
      return left-- == 0 ? std::optional<tests::Fault>(Refuse{tests::timed_out()}) : std::nullopt;
    });

    const auto compacted = compactor(faulty)->run(k_plenty);

    finished = left >= 0;
    failures += compacted ? 0 : 1;
    EXPECT_EQ(contents(), before) << n;
    EXPECT_THAT(compactor(by_range)->run(k_plenty), Succeeds());
    EXPECT_EQ(contents(), before) << n;
    EXPECT_THAT(manifest().packs, SizeIs(1)) << n;
  }
  EXPECT_GT(failures, 20);
}

TEST_F(CompactorTest, KilledBetweenAnyTwoStepsLosesNothing) {
  bool finished = false;
  for (int steps = 0; !finished; ++steps) {
    ASSERT_LT(steps, 40) << "a compaction takes fewer calls than this";
    std::filesystem::remove_all(folder_.path() / "cache");
    storage_ = open_storage();
    fill(*storage_);
    const auto before = contents();

    const tests::ChildProcess child([&](const auto& acknowledge) {
      int left = steps;
      FaultyStorage mortal(*storage_, [&](Operation, std::string_view) -> std::optional<tests::Fault> {
        if (left-- == 0) {
          ::_exit(1);
        }
        return std::nullopt;
      });
      if (!compactor(mortal)->run(k_plenty) || !acknowledge(std::uint8_t{1})) {
        ::_exit(2);
      }
    });
    finished = child.finished();
    EXPECT_EQ(child.acknowledged().size(), finished ? 1U : 0U);

    EXPECT_EQ(contents(), before) << steps;
    ASSERT_THAT(compactor(*storage_)->run(k_plenty), Succeeds());  // the next run goes on
    EXPECT_EQ(contents(), before) << steps;
    EXPECT_THAT(manifest().packs, SizeIs(1));
    const auto building = folder_.path() / "compacting";
    EXPECT_TRUE(!std::filesystem::exists(building) || std::filesystem::is_empty(building));
  }
}

}  // namespace
}  // namespace agent::publish
