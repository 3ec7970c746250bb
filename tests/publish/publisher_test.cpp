#include "agent/publish/publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/publish/publisher_fixture.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using tests::Succeeds;

class PublisherTest : public PublisherFixture {};

TEST_F(PublisherTest, FlushPublishesEverythingPending) {
  const auto mine = publisher(storage_.get());
  add(*mine, 3);
  EXPECT_EQ(mine->figures().pending, 3U);

  ASSERT_THAT(mine->flush(5s), Succeeds());

  EXPECT_THAT(contents(), SizeIs(3));
  const auto figures = mine->figures();
  EXPECT_EQ(figures.published, 3U);
  EXPECT_EQ(figures.pending, 0U);
  EXPECT_EQ(figures.flushes, 1U);
  EXPECT_GT(figures.bytes_published, 0U);
  EXPECT_EQ(figures.last_error, "");
  EXPECT_EQ(registry_.total("hearth_objects_published_total"), 3U);
  EXPECT_EQ(registry_.total("hearth_objects_pending"), 0U);
}

TEST_F(PublisherTest, FlushingNothingSucceedsAtOnce) {
  EXPECT_THAT(publisher(storage_.get())->flush(5s), Succeeds());
  EXPECT_THAT(contents(), IsEmpty());
}

TEST_F(PublisherTest, FlushesAtTheObjectLimitWithoutWaitingForTheClock) {
  auto chosen = options();
  chosen.flush_objects = 10;
  Publisher mine(chosen, services(storage_.get()));

  add(mine, 10);

  ASSERT_TRUE(flushed(1));
  EXPECT_THAT(contents(), SizeIs(10));
}

TEST_F(PublisherTest, FlushesAtTheByteLimit) {
  auto chosen = options();
  chosen.flush_bytes = 1000;
  Publisher mine(chosen, services(storage_.get()));

  mine.add("big", object(std::string(1000, 'x')));

  EXPECT_TRUE(flushed(1));
}

TEST_F(PublisherTest, FlushesASmallBatchAfterTwoIdleSeconds) {
  const auto mine = publisher(storage_.get());
  add(*mine, 3);

  manual_.advance(1999ms);
  mine->wake();
  EXPECT_EQ(mine->figures().published, 0U);
  manual_.advance(1ms);
  mine->wake();

  EXPECT_TRUE(flushed(1));
}

TEST_F(PublisherTest, SplitsWhatIsTooLargeForOnePack) {
  auto chosen = options();
  chosen.pack_bytes = 2500;
  Publisher mine(chosen, services(storage_.get()));
  for (int i = 0; i < 5; ++i) {
    mine.add(fmt::format("{}", i), object(std::string(1000, 'x')));
  }
  mine.add("huge", object(std::string(5000, 'x')));

  ASSERT_THAT(mine.flush(5s), Succeeds());

  EXPECT_THAT(contents(), SizeIs(6));
  EXPECT_THAT(storage_->list("packs/").value(), SizeIs(4));
  EXPECT_EQ(mine.figures().flushes, 4U);
}

TEST_F(PublisherTest, PublishesTheNewestObjectOfAKey) {
  const auto mine = publisher(storage_.get());
  mine->add("a", object("old"));
  mine->add("a", object("new"));

  ASSERT_THAT(mine->flush(5s), Succeeds());
  EXPECT_THAT(contents(), ElementsAre(Pair("a", "new")));

  mine->add("a", object("newest"));
  ASSERT_THAT(mine->flush(5s), Succeeds());
  EXPECT_THAT(contents(), ElementsAre(Pair("a", "newest")));
}

TEST_F(PublisherTest, ReleasesThePinsOfWhatItPublished) {
  const auto mine = publisher(storage_.get());
  auto stored = object("x");
  const std::weak_ptr<const void> pin = stored.slice.pin;
  mine->add("a", std::move(stored));
  EXPECT_FALSE(pin.expired());

  ASSERT_THAT(mine->flush(5s), Succeeds());

  EXPECT_TRUE(pin.expired());
}

TEST_F(PublisherTest, RefusesWithAReasonWhereNothingMayBePublished) {
  const auto refused = [&](Mode mode, backends::ObjectStorage* storage) {
    auto chosen = options();
    chosen.mode = mode;
    Publisher mine(chosen, services(storage));
    add(mine, 2);
    EXPECT_THAT(mine.flush(5s), Succeeds());
    return mine.figures().refused;
  };

  EXPECT_THAT(refused(Mode::read_only, storage_.get()), ElementsAre(Pair("read-only", 2)));
  EXPECT_THAT(refused(Mode::off, storage_.get()), ElementsAre(Pair("off", 2)));
  EXPECT_THAT(refused(Mode::read_write, nullptr), ElementsAre(Pair("no backend", 2)));
  EXPECT_THAT(refused(Mode::write_only, storage_.get()), IsEmpty());
  EXPECT_EQ(registry_.total("hearth_objects_refused_total"), 6U);
}

TEST_F(PublisherTest, RefusesWhatNoPackCanHold) {
  const auto mine = publisher(storage_.get());

  mine->add(std::string(1025, 'k'), object("x"));

  EXPECT_THAT(mine->figures().refused, ElementsAre(Pair("too large", 1)));
}

TEST_F(PublisherTest, CountsObjectsThatCannotBeReadAsRefused) {
  const auto mine = publisher(storage_.get());
  auto broken = object("x");
  broken.slice.size = 4096;
  mine->add("broken", std::move(broken));
  mine->add("sound", object("y"));

  ASSERT_THAT(mine->flush(5s), Succeeds());

  EXPECT_EQ(mine->figures().published, 1U);
  EXPECT_THAT(mine->figures().refused, ElementsAre(Pair("unreadable", 1)));
}

TEST_F(PublisherTest, ScopesReadEachOtherOnlyThroughTheChain) {
  auto on_main = options();
  auto on_pull = options();
  on_pull.tag = tag_of("refs/pull/7/merge");
  on_pull.spool = folder_.path() / "spool2";
  Publisher main_branch(on_main, services(storage_.get()));
  Publisher pull_request(on_pull, services(storage_.get()));
  main_branch.add("common", object("from main"));
  main_branch.add("main", object("1"));
  pull_request.add("common", object("from the pull request"));
  pull_request.add("pull", object("2"));
  ASSERT_THAT(main_branch.flush(5s), Succeeds());
  ASSERT_THAT(pull_request.flush(5s), Succeeds());

  EXPECT_THAT(contents(*storage_, {.own = on_main.tag, .also = {}}),
              ElementsAre(Pair("common", "from main"), Pair("main", "1")));
  EXPECT_THAT(contents(*storage_, {.own = on_pull.tag, .also = {on_main.tag}}),
              ElementsAre(Pair("common", "from the pull request"), Pair("main", "1"), Pair("pull", "2")));
}

}  // namespace
}  // namespace agent::publish
