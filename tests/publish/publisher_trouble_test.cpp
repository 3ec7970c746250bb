// The publisher when its storage refuses, fails, spoils, throws or is slow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

#include "tests/publish/publisher_fixture.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::LoseAnswer;
using tests::Operation;
using tests::Refuse;
using tests::Succeeds;

class PublisherInTrouble : public PublisherFixture {};

TEST_F(PublisherInTrouble, TriesAgainAfterWhatMayPass) {
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

TEST_F(PublisherInTrouble, DoesNotTryAgainBeforeTheBackoffEnds) {
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

TEST_F(PublisherInTrouble, AFlushThatMissesItsDeadlineKeepsEverythingAndSaysWhy) {
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

TEST_F(PublisherInTrouble, StopsAfterWhatRetryingCannotHelpAndKeepsTheBatch) {
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

TEST_F(PublisherInTrouble, RefusesBeyondALimitOncePublishingHasStopped) {
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

TEST_F(PublisherInTrouble, CountsConflicts) {
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

TEST_F(PublisherInTrouble, GivesTheBatchBackWhateverIsThrown) {
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

TEST_F(PublisherInTrouble, GivesTheBatchBackEvenIfWhatIsThrownIsNoException) {
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

TEST_F(PublisherInTrouble, ReadsAgainWhatWasSpoiltOnItsWay) {
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

TEST_F(PublisherInTrouble, BuildsAPackAgainThatVanishedFromItsSpool) {
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

TEST_F(PublisherInTrouble, EndsPromptlyWhileItBacksOff) {
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
TEST_F(PublisherInTrouble, TwoPublishersLoseNothingWhateverGoesWrong) {
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

}  // namespace
}  // namespace agent::publish
