#include "agent/publish/publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "agent/core/guarded.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::LoseAnswer;
using tests::Operation;
using tests::Refuse;
using tests::Succeeds;

class PublisherTest : public TagFixture {
protected:
  PublisherOptions options() const {
    PublisherOptions made;
    made.tag = tag_of("refs/heads/main");
    made.producer = "a test";
    made.backoff_first = 2ms;
    made.backoff_limit = 20ms;
    made.spool = folder_.path() / "spool";
    return made;
  }

  PublisherServices services(backends::ObjectStorage* storage) {
    return {.storage = storage, .clock = &manual_, .registry = &registry_, .published = [this] {
              flushed_.change([](int& count) { ++count; });
            }};
  }

  std::unique_ptr<Publisher> publisher(backends::ObjectStorage* storage) {
    return std::make_unique<Publisher>(options(), services(storage));
  }

  void add(Publisher& to, int count, std::string_view prefix = "key") const {
    for (int i = 0; i < count; ++i) {
      to.add(fmt::format("{}/{}", prefix, i), object(fmt::format("content {}", i)));
    }
  }

  // Waits for the publisher's thread to have flushed so often.
  bool flushed(int count) {
    return flushed_.wait_until(std::stop_token{}, std::chrono::steady_clock::now() + 5s,
                               [&](int so_far) { return so_far >= count; });
  }

  // Waits for a flush to have failed to its end.
  static bool saw_failure(const Publisher& mine) {
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (mine.figures().last_error.empty() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(1ms);
    }
    return !mine.figures().last_error.empty();
  }

  ManualClock manual_;
  metrics::Registry registry_;
  Guarded<int> flushed_{0};
};

// Every swap answers so until told otherwise.
class BrokenSwap final {
public:
  BrokenSwap(FaultyStorage& storage, Error error) : error_(std::move(error)) {
    storage.set_script([this](Operation operation, std::string_view) -> std::optional<tests::Fault> {
      if (operation != Operation::swap) {
        return std::nullopt;
      }
      const bool broken = broken_;
      tries_.change([](int& count) { ++count; });
      return broken ? std::optional<tests::Fault>(Refuse{error_}) : std::nullopt;
    });
  }

  void repair() { broken_ = false; }
  int tries() {
    return tries_.with([](int count) { return count; });
  }

private:
  Error error_;
  std::atomic<bool> broken_{true};
  Guarded<int> tries_{0};
};

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

TEST_F(PublisherTest, TriesAgainAfterWhatMayPass) {
  FaultyStorage faulty(*storage_);
  BrokenSwap broken(faulty, tests::timed_out());
  const auto mine = publisher(&faulty);
  add(*mine, 3);
  manual_.advance(2s);
  mine->wake();
  ASSERT_TRUE(saw_failure(*mine));
  EXPECT_EQ(mine->figures().pending, 3U);

  broken.repair();
  ASSERT_THAT(mine->flush(5s), Succeeds());

  EXPECT_THAT(contents(), SizeIs(3));
  EXPECT_EQ(mine->figures().retries, 1U);
  EXPECT_EQ(mine->figures().published, 3U);
  EXPECT_THAT(storage_->list("packs/").value(), SizeIs(1));
}

TEST_F(PublisherTest, DoesNotTryAgainBeforeTheBackoffEnds) {
  FaultyStorage faulty(*storage_);
  BrokenSwap broken(faulty, tests::rate_limited(30s));
  const auto mine = publisher(&faulty);
  add(*mine, 1);
  manual_.advance(2s);
  mine->wake();
  ASSERT_TRUE(saw_failure(*mine));
  broken.repair();

  EXPECT_THAT(mine->flush(50ms), FailsWith(Errc::cancelled));  // Retry-After binds a drain too
  EXPECT_EQ(broken.tries(), 1);
  manual_.advance(31s);
  ASSERT_THAT(mine->flush(5s), Succeeds());

  EXPECT_EQ(mine->figures().rate_limited, 1U);
}

TEST_F(PublisherTest, AFlushThatMissesItsDeadlineKeepsEverythingAndSaysWhy) {
  FaultyStorage faulty(*storage_);
  BrokenSwap broken(faulty, tests::timed_out());
  const auto mine = publisher(&faulty);
  add(*mine, 3);

  const auto flushed = mine->flush(100ms);

  EXPECT_THAT(flushed, FailsWith(Errc::cancelled));
  EXPECT_THAT(flushed, FailsSaying("3 objects pending"));
  EXPECT_THAT(flushed, FailsSaying("timed out"));
  EXPECT_EQ(mine->figures().pending, 3U);
  EXPECT_THAT(mine->figures().last_error, testing::HasSubstr("timed out"));
}

TEST_F(PublisherTest, StopsAfterWhatRetryingCannotHelpAndKeepsTheBatch) {
  FaultyStorage faulty(*storage_);
  BrokenSwap broken(faulty, {.code = Errc::denied, .message = "403 Forbidden"});
  const auto mine = publisher(&faulty);
  add(*mine, 3);

  const auto flushed = mine->flush(5s);
  EXPECT_THAT(flushed, FailsWith(Errc::denied));
  EXPECT_THAT(flushed, FailsSaying("403"));
  add(*mine, 2, "later");
  manual_.advance(1h);
  mine->wake();
  EXPECT_EQ(mine->figures().pending, 5U);
  EXPECT_EQ(broken.tries(), 1);

  broken.repair();  // and whoever repaired it asks for a flush
  ASSERT_THAT(mine->flush(5s), Succeeds());
  EXPECT_THAT(contents(), SizeIs(5));
}

TEST_F(PublisherTest, RefusesBeyondALimitOncePublishingHasStopped) {
  FaultyStorage faulty(*storage_);
  const BrokenSwap broken(faulty, {.code = Errc::denied, .message = "403"});
  auto chosen = options();
  chosen.stopped_bytes = 2500;
  Publisher mine(chosen, services(&faulty));
  mine.add("a", object(std::string(1000, 'x')));
  ASSERT_THAT(mine.flush(5s), FailsWith(Errc::denied));

  mine.add("b", object(std::string(1000, 'x')));
  mine.add("c", object(std::string(1000, 'x')));

  EXPECT_EQ(mine.figures().pending, 2U);
  EXPECT_THAT(mine.figures().refused, ElementsAre(Pair("publishing stopped", 1)));
}

TEST_F(PublisherTest, CountsConflicts) {
  FaultyStorage faulty(*storage_);
  std::atomic<int> conflicts{2};
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && conflicts-- > 0) {
      return Refuse{{.code = Errc::conflict, .message = "412"}};
    }
    return std::nullopt;
  });
  const auto mine = publisher(&faulty);
  add(*mine, 1);

  ASSERT_THAT(mine->flush(5s), Succeeds());

  EXPECT_EQ(mine->figures().conflicts, 2U);
  EXPECT_EQ(mine->figures().retries, 0U);
  EXPECT_EQ(registry_.total("hearth_publish_conflicts_total"), 2U);
}

TEST_F(PublisherTest, GivesTheBatchBackWhateverIsThrown) {
  FaultyStorage faulty(*storage_);
  std::atomic<bool> thrown{false};
  faulty.set_script([&](Operation, std::string_view) -> std::optional<tests::Fault> {
    if (!thrown.exchange(true)) {
      throw std::runtime_error("out of memory");
    }
    return std::nullopt;
  });
  auto used = services(&faulty);
  used.clock = &clock_;
  Publisher mine(options(), used);
  add(mine, 3);

  ASSERT_THAT(mine.flush(5s), Succeeds());

  EXPECT_TRUE(thrown);
  EXPECT_THAT(contents(), SizeIs(3));
}

TEST_F(PublisherTest, GivesTheBatchBackEvenIfWhatIsThrownIsNoException) {
  FaultyStorage faulty(*storage_);
  std::atomic<bool> thrown{false};
  faulty.set_script([&](Operation, std::string_view) -> std::optional<tests::Fault> {
    if (!thrown.exchange(true)) {
      throw 42;  // NOLINT(hicpp-exception-baseclass): the point of the test
    }
    return std::nullopt;
  });
  auto used = services(&faulty);
  used.clock = &clock_;
  Publisher mine(options(), used);
  add(mine, 3);

  ASSERT_THAT(mine.flush(5s), Succeeds());

  EXPECT_THAT(contents(), SizeIs(3));
}

TEST_F(PublisherTest, ReadsAgainWhatWasSpoiltOnItsWay) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"theirs", "1"}})), Succeeds());
  FaultyStorage faulty(*storage_);
  std::atomic<int> spoilt{2};
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    return operation == Operation::read && spoilt-- > 0
               ? std::optional<tests::Fault>(tests::Truncate{.bytes = 30})
               : std::nullopt;
  });
  auto used = services(&faulty);
  used.clock = &clock_;
  Publisher mine(options(), used);
  add(mine, 3);

  EXPECT_THAT(mine.flush(5s), Succeeds());

  EXPECT_THAT(contents(), SizeIs(4));
}

TEST_F(PublisherTest, BuildsAPackAgainThatVanishedFromItsSpool) {
  FaultyStorage faulty(*storage_);
  std::atomic<int> puts{0};
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::put && ++puts == 1) {
      std::filesystem::remove_all(folder_.path() / "spool");
      return Refuse{tests::timed_out()};
    }
    return std::nullopt;
  });
  auto used = services(&faulty);
  used.clock = &clock_;
  Publisher mine(options(), used);
  add(mine, 3);

  EXPECT_THAT(mine.flush(5s), Succeeds());

  EXPECT_THAT(contents(), SizeIs(3));
}

TEST_F(PublisherTest, EndsPromptlyWhileItBacksOff) {
  FaultyStorage faulty(*storage_);
  BrokenSwap broken(faulty, tests::rate_limited(1h));
  auto mine = publisher(&faulty);
  add(*mine, 1);
  EXPECT_THAT(mine->flush(50ms), FailsWith(Errc::cancelled));
  const auto begin = std::chrono::steady_clock::now();

  mine.reset();

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

// Everything that can go wrong does, at random, for two publishers of one tag.
TEST_F(PublisherTest, TwoPublishersLoseNothingWhateverGoesWrong) {
  constexpr int k_batches = 12;
  const auto chaos = [](unsigned seed) {
    auto random = std::make_shared<Guarded<std::minstd_rand>>(seed);
    return [random](Operation operation, std::string_view) -> std::optional<tests::Fault> {
      const auto draw = random->with([](auto& engine) { return engine() % 100; });
      if (draw < 6) {
        return Refuse{tests::timed_out()};
      }
      if (draw < 10) {
        return Refuse{{.code = Errc::io, .message = "connection reset"}};
      }
      if (draw < 16 && (operation == Operation::swap || operation == Operation::put)) {
        return LoseAnswer{tests::timed_out()};
      }
      if (draw < 24 && operation == Operation::swap) {
        return Refuse{{.code = Errc::conflict, .message = "409"}};
      }
      return std::nullopt;
    };
  };
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < 2; ++w) {
      threads.emplace_back([&, w] {
        const auto storage = open_storage();
        FaultyStorage faulty(*storage, chaos(static_cast<unsigned>(w) + 7));
        auto chosen = options();
        chosen.spool = folder_.path() / fmt::format("spool{}", w);
        Publisher mine(chosen, {.storage = &faulty, .clock = &clock_, .registry = &registry_});
        for (int b = 0; b < k_batches; ++b) {
          add(mine, 5, fmt::format("{}/{}", w, b));
          EXPECT_THAT(mine.flush(10s), Succeeds());
        }
        EXPECT_EQ(mine.figures().published, 5U * k_batches);
        EXPECT_EQ(mine.figures().pending, 0U);
      });
    }
  }

  EXPECT_THAT(contents(), SizeIs(2 * 5 * k_batches));
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
