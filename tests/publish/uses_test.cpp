// What jobs use of a tag, from the lookup to what goes: with time turned by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/publish/catalog.hpp"
#include "agent/publish/compactor.hpp"
#include "agent/publish/preload_order.hpp"
#include "agent/publish/use_record.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/counting_storage.hpp"
#include "tests/support/ranged_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;
using tests::Succeeds;
using Contents = std::map<std::string, std::string>;

constexpr std::uint64_t k_plenty = std::uint64_t{1} << 30U;

class Uses : public TagFixture {
protected:
  static TagId tag() { return tag_of("refs/heads/main"); }

  const Clock& time() const override { return time_; }

  void publish(const Contents& objects) {
    ASSERT_THAT(writer(*storage_)->publish(items(objects)), Succeeds());
  }

  static Contents numbered(int first, int count) {
    Contents objects;
    for (int i = first; i < first + count; ++i) {
      objects.emplace(fmt::format("key/{:03}", i), std::string(1000, static_cast<char>('a' + (i % 26))));
    }
    return objects;
  }

  std::unique_ptr<TagView> view() {
    auto made = std::make_unique<TagView>(*storage_, TagChain{.own = tag(), .also = {}}, registry_);
    EXPECT_THAT(made->refresh(), Succeeds());
    return made;
  }

  // A job that uses these objects and records that.
  bool job(const Contents& objects) {
    const auto mine = view();
    for (const auto& [key, content] : objects) {
      EXPECT_TRUE(mine->use(key)) << key;
    }
    const auto recorded = record_uses(*storage_, tag(), time_, {.used = mine->used()});
    EXPECT_THAT(recorded, Succeeds());
    return recorded.value_or(false);
  }

  void days_pass(int days) { time_.advance(days * 24h); }

  Result<Compacted> compact(std::shared_ptr<PackCache> packs = std::make_shared<PackCache>(),
                            std::uint64_t tag_bytes = 0) {
    Compactor compactor(
        {.tag = tag(),
         .producer = "a test",
         .folder = folder_.path() / "compacting",
         .limits = {.tiny_bytes = 400, .tag_bytes = tag_bytes}},
        {.storage = *storage_, .clock = time_, .packs = std::move(packs), .go_on = [] { return true; }});
    return compactor.run(k_plenty);
  }

  ManualClock time_;
  metrics::Registry registry_;
};

TEST_F(Uses, AreRecordedOnceADay) {
  publish(numbered(0, 10));
  EXPECT_FALSE(job(numbered(0, 10))) << "it was published today";
  days_pass(1);

  EXPECT_TRUE(job(numbered(0, 5)));
  EXPECT_FALSE(job(numbered(0, 5)));
  EXPECT_TRUE(job(numbered(5, 5))) << "another job of the same day, another part of the tag";
  days_pass(1);
  EXPECT_TRUE(job(numbered(0, 1)));

  EXPECT_THAT(contents(), SizeIs(10));
}

TEST_F(Uses, OfSixteenJobsAtOnceAreAllRecordedOrLookEarlier) {
  publish(numbered(0, 64));
  days_pass(1);
  {
    std::vector<std::jthread> jobs;
    for (int i = 0; i < 16; ++i) {
      jobs.emplace_back([this, i] {
        const auto mine = view();
        mine->note_use(fmt::format("key/{:03}", i));
        [[maybe_unused]] const auto recorded = record_uses(*storage_, tag(), time_, {.used = mine->used()});
      });
    }
  }

  const auto touches = touches_of(read_head(*storage_, tag())->manifest);

  ASSERT_THAT(touches.packs, SizeIs(1));
  const auto& days = touches.packs.begin()->second;
  EXPECT_EQ(std::ranges::count(std::span(days).subspan(16), day_of(time_.wall())), 0);
  EXPECT_GE(std::ranges::count(days, day_of(time_.wall())), 4) << "each try of four lets one of them through";
  EXPECT_EQ(contents(), numbered(0, 64));
}

TEST_F(Uses, AreNotRecordedByReadOnlyJobs) {
  publish(numbered(0, 3));
  days_pass(1);
  tests::CountingStorage counted(*storage_);
  const auto mine = view();
  EXPECT_TRUE(mine->use("key/001"));
  for (const auto mode : {Mode::read_only, Mode::read_write}) {
    Publisher publisher(
        {.tag = tag(), .mode = mode, .producer = "a test", .spool = folder_.path() / "spool"},
        {.storage = &counted, .clock = &time_, .registry = &registry_, .published = {}, .packs = nullptr});
    publisher.note_run(PastRun{.job = 1, .ended_ms = milliseconds_of(time_.wall()), .hits = 1});
    publisher.record(mine->used());
    EXPECT_EQ(counted.uploads(), mode == Mode::read_only ? 0 : 1);
  }
  EXPECT_EQ(registry_.total("hearth_uses_recorded_total"), 1U);
}

TEST_F(Uses, ARunIsRecordedWithWhatItPublishesAndCostsNoSwap) {
  tests::CountingStorage counted(*storage_);
  Publisher publisher(
      {.tag = tag(), .producer = "a test", .spool = folder_.path() / "spool"},
      {.storage = &counted, .clock = &time_, .registry = &registry_, .published = {}, .packs = nullptr});
  const PastRun run{.job = 1, .ended_ms = milliseconds_of(time_.wall()), .hits = 3, .run = "12-1"};

  publisher.note_run(run);
  publisher.add("key/001", object("content"));
  ASSERT_THAT(publisher.flush(10s), Succeeds());
  EXPECT_EQ(counted.uploads(), 2) << "a pack and a pointer";
  publisher.record({});

  EXPECT_EQ(counted.uploads(), 2);
  EXPECT_THAT(view()->runs(), ElementsAre(run));
}

TEST_F(Uses, ARunThatPublishesNothingIsRecordedOnceAnHour) {
  publish(numbered(0, 3));
  tests::CountingStorage counted(*storage_);
  std::vector<PastRun> runs;
  for (const auto& [after, swaps] : {std::pair(0min, 1), std::pair(59min, 1), std::pair(1min, 2)}) {
    time_.advance(after);
    Publisher publisher(
        {.tag = tag(), .producer = "a test", .spool = folder_.path() / "spool"},
        {.storage = &counted, .clock = &time_, .registry = &registry_, .published = {}, .packs = nullptr});
    runs.push_back({.job = runs.size(), .ended_ms = milliseconds_of(time_.wall()), .misses = 1});
    publisher.note_run(runs.back());
    publisher.record({});
    EXPECT_EQ(counted.uploads(), swaps);
  }

  EXPECT_THAT(view()->runs(), ElementsAre(runs.front(), runs.back()));
  EXPECT_EQ(contents(), numbered(0, 3));
}

TEST_F(Uses, RunsOfTheBaseScopeAreSeenWhereTheOwnHasNone) {
  publish(numbered(0, 1));
  const PastRun run{.job = 1, .ended_ms = milliseconds_of(time_.wall()), .hits = 3};
  ASSERT_THAT(record_uses(*storage_, tag(), time_, {.used = {}, .run = run}), Succeeds());

  TagView branch(*storage_, TagChain{.own = tag_of("refs/pull/7/merge"), .also = {tag()}}, registry_);
  ASSERT_THAT(branch.refresh(), Succeeds());

  EXPECT_THAT(branch.runs(), ElementsAre(run));
}

TEST_F(Uses, DecideWhatGoesAfterTwoWeeks) {
  publish(numbered(0, 20));
  for (const int days : {1, 5, 5}) {
    days_pass(days);
    job(numbered(0, 10));
  }
  EXPECT_EQ(compact()->packs, 0U) << "eleven days";
  days_pass(3);
  job(numbered(0, 10));
  ASSERT_THAT(compact(), Succeeds());
  EXPECT_EQ(contents(), numbered(0, 20)) << "recording began thirteen days ago";
  days_pass(1);

  EXPECT_EQ(compact()->packs, 1U);

  EXPECT_EQ(contents(), numbered(0, 10));
  EXPECT_EQ(compact()->packs, 0U);
}

TEST_F(Uses, LetNothingGoThatWasMerelyNotRecorded) {
  publish(numbered(0, 10));
  publish(numbered(10, 10));
  days_pass(200);
  ASSERT_THAT(compact(), Succeeds());
  EXPECT_EQ(contents(), numbered(0, 20)) << "nothing was ever recorded";
  job(numbered(0, 2));
  days_pass(60);  // nobody built anything
  job(numbered(0, 2));

  ASSERT_THAT(compact(), Succeeds());

  EXPECT_EQ(contents(), numbered(0, 20));
}

TEST_F(Uses, OfThisJobCountBeforeTheyAreRecorded) {
  publish(numbered(0, 20));
  for (const int days : {1, 5, 5, 5}) {
    days_pass(days);
    job(numbered(0, 5));
  }
  const auto mine = view();
  EXPECT_TRUE(mine->use("key/015"));

  EXPECT_EQ(compact(mine->packs())->packs, 1U);

  auto left = numbered(0, 5);
  left.merge(numbered(15, 1));
  EXPECT_EQ(contents(), left);
}

TEST_F(Uses, GoAlongWhenPacksAreMerged) {
  for (int i = 0; i < 10; ++i) {
    publish(numbered(i, 1));
  }
  days_pass(1);
  job(numbered(0, 3));
  const auto before = view();
  EXPECT_TRUE(before->use("key/007"));
  Compactor merging(
      {.tag = tag(), .producer = "", .folder = folder_.path() / "compacting", .limits = {}},
      {.storage = *storage_, .clock = time_, .packs = std::make_shared<PackCache>(), .go_on = [] {
         return true;
       }});

  ASSERT_EQ(merging.run(k_plenty)->packs, 10U);

  const auto today = day_of(time_.wall());
  const auto touches = touches_of(read_head(*storage_, tag())->manifest);
  ASSERT_THAT(touches.packs, SizeIs(1));
  EXPECT_EQ(std::ranges::count(touches.packs.begin()->second, today), 3);
  ASSERT_THAT(before->refresh(), Succeeds());
  ASSERT_THAT(before->used(), SizeIs(1)) << "what was used of packs that are gone";
  EXPECT_EQ(std::ranges::count(before->used().front().objects, true), 1);
  EXPECT_THAT(record_uses(*storage_, tag(), time_, {.used = before->used()}), Succeeds());
  EXPECT_EQ(
      std::ranges::count(touches_of(read_head(*storage_, tag())->manifest).packs.begin()->second, today), 4);
}

TEST_F(Uses, DecideWhatGoesBeyondTheBudget) {
  publish(numbered(0, 20));
  days_pass(1);
  publish(numbered(20, 20));
  days_pass(1);
  job(numbered(0, 10));

  ASSERT_THAT(compact(std::make_shared<PackCache>(), 40'000), Succeeds());

  auto left = numbered(0, 10);
  left.merge(numbered(20, 20));
  EXPECT_EQ(contents(), left) << "the older half of the older pack, not the newer pack";
}

TEST_F(Uses, BringPacksToTheFrontThatAJobUsed) {
  auto packs = [&] {
    std::vector<PackShare> shares;
    for (std::uint32_t i = 0; i < 3; ++i) {
      Digest digest;
      digest.bytes[0] = static_cast<std::uint8_t>(i);
      shares.push_back({.record = {.digest = digest, .size_bytes = 100, .live_bytes = 100, .generation = i},
                        .live_bytes = 100,
                        .last_used = static_cast<Day>(i == 0 ? 20'010 : 20'000)});
    }
    return shares;
  }();

  EXPECT_THAT(beyond_budget(packs, 200), ElementsAre(packs[1].record.digest));
  EXPECT_THAT(beyond_budget(packs, 100), ElementsAre(packs[2].record.digest, packs[1].record.digest));
}

TEST_F(Uses, DecideWhatIsPreloadedFirst) {
  Contents objects;
  for (int i = 0; i < 8; ++i) {
    objects.emplace(fmt::format("key/{}", i), std::string(std::size_t{1} << 20U, static_cast<char>('a' + i)));
  }
  publish(objects);
  days_pass(10);
  job({{"key/5", ""}});
  const auto mine = view();
  const auto touches = std::make_shared<const TouchSet>(touches_of(read_head(*storage_, tag())->manifest));
  const auto head = read_head(*storage_, tag());
  const auto pack = mine->packs()->load(*storage_, head->manifest.packs.front());
  ASSERT_THAT(pack, Succeeds());
  const auto entry = mine->find("key/5");
  const auto offset = std::get<io::FileSlice>(entry->where).offset - (*pack)->file->offset;

  const auto pieces = preload_order({{.scope = 0, .pack = *pack}}, {touches});

  ASSERT_THAT(pieces, SizeIs(3));
  EXPECT_EQ(pieces.front().range.offset, offset);
  EXPECT_EQ(pieces.front().range.size, std::size_t{1} << 20U);
  EXPECT_EQ(pieces[1].range.offset, 0U);
  EXPECT_EQ(pieces[1].range.size + pieces[0].range.size + pieces[2].range.size, (*pack)->record.size_bytes);
  EXPECT_THAT(preload_order({{.scope = 0, .pack = *pack}}, {}).front().range.offset, testing::Lt(100U))
      << "without a record everything is as recent as its pack";
}

TEST_F(Uses, LeaveTheTagSmall) {
  publish(numbered(0, 900));
  for (int day = 0; day < 40; ++day) {
    days_pass(1);
    job(numbered(day * 20, 20));
  }

  const auto touches = touches_of(read_head(*storage_, tag())->manifest);

  EXPECT_LE(touches.recorded.size(), 32U);
  EXPECT_LE(encode(touches).size(), 10'000U);
}

}  // namespace
}  // namespace agent::publish
