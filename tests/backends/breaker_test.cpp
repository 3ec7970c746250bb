#include "agent/backends/breaker.hpp"

#include <gtest/gtest.h>

#include "agent/backends/disk_directory.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Operation;
using tests::Succeeds;

class Breaker : public testing::Test {
protected:
  Breaker() {
    auto faulty = std::make_unique<tests::FaultyStorage>(*disk_);
    faulty->set_script([this](Operation, std::string_view) -> std::optional<tests::Fault> {
      ++calls_;
      if (throws_) {
        throw std::runtime_error("out of memory");
      }
      return error_ ? std::optional<tests::Fault>(tests::Refuse{*error_}) : std::nullopt;
    });
    storage_ = with_breaker(std::move(faulty), {.clock = clock_, .registry = registry_});
  }

  bool reads() { return storage_->read("tags/a").has_value(); }
  bool writes() { return storage_->put_if_absent("packs/a", std::string_view("x")).has_value(); }
  void fail_reads(int count) {
    for (int i = 0; i < count; ++i) {
      EXPECT_FALSE(reads());
    }
  }
  std::uint64_t openings() const { return registry_.total("hearth_backend_breaker_openings_total"); }

  ManualClock clock_;
  metrics::Registry registry_;
  tests::TempFolder folder_;
  std::unique_ptr<ObjectStorage> disk_ = *DiskDirectory::open(folder_.path() / "cache", clock_);
  std::optional<Error> error_;
  bool throws_ = false;
  int calls_ = 0;
  std::unique_ptr<ObjectStorage> storage_;
};

TEST_F(Breaker, LetsEverythingThroughWhileTheStorageAnswers) {
  EXPECT_TRUE(writes());
  EXPECT_TRUE(reads());
  EXPECT_THAT(storage_->open_in_place("packs/a"), Succeeds());
  EXPECT_THAT(storage_->get("packs/a", {.offset = 0, .size = 1}), Succeeds());
  EXPECT_THAT(storage_->compare_and_swap("tags/a", std::nullopt, "x"), Succeeds());
  EXPECT_THAT(storage_->list("packs/"), Succeeds());
  EXPECT_THAT(storage_->remove("packs/a"), Succeeds());
  EXPECT_EQ(calls_, 7);
}

TEST_F(Breaker, AsksNoMoreAfterFiveFailuresInARow) {
  error_ = tests::timed_out();
  fail_reads(5);
  EXPECT_EQ(openings(), 1U);

  const auto refused = storage_->read("tags/a");

  EXPECT_EQ(calls_, 5);
  EXPECT_THAT(refused, FailsWith(Errc::transient));
  EXPECT_THAT(refused, FailsSaying("timed out"));
  EXPECT_FALSE(refused.error().retry_after) << "it would be counted as one more rate limit";
}

TEST_F(Breaker, AnAnswerInBetweenBeginsTheCountAnew) {
  for (int i = 0; i < 5; ++i) {
    error_ = tests::timed_out();
    fail_reads(4);
    error_ = Error{.code = Errc::denied, .message = "403"};
    fail_reads(1);
  }

  EXPECT_EQ(calls_, 25);
  EXPECT_EQ(openings(), 0U);
}

TEST_F(Breaker, ReadsGoOnWhileWritesAreSuspended) {
  error_ = tests::timed_out();
  for (int i = 0; i < 6; ++i) {
    EXPECT_FALSE(writes());
  }
  EXPECT_EQ(calls_, 5);
  error_.reset();

  EXPECT_TRUE(reads());
  EXPECT_FALSE(writes());
}

TEST_F(Breaker, OneCallProbesAndItsSuccessClosesTheCircuit) {
  error_ = tests::timed_out();
  fail_reads(5);
  clock_.advance(7s);
  fail_reads(1);
  EXPECT_EQ(calls_, 5);
  error_.reset();
  clock_.advance(1s);

  EXPECT_TRUE(reads());
  EXPECT_TRUE(reads());
  EXPECT_EQ(calls_, 7);
}

TEST_F(Breaker, AFailedProbeKeepsItOpenTwiceAsLongUpToALimit) {
  error_ = tests::timed_out();
  fail_reads(5);
  for (const auto wait : {8s, 16s, 32s, 60s, 60s}) {
    const auto before = calls_;
    clock_.advance(wait - 1s);
    fail_reads(1);
    EXPECT_EQ(calls_, before) << wait.count();
    clock_.advance(1s);
    fail_reads(3);
    EXPECT_EQ(calls_, before + 1) << wait.count();
  }
  EXPECT_EQ(openings(), 1U);
}

TEST_F(Breaker, StaysOpenAsLongAsTheServiceAsksFor) {
  error_ = tests::rate_limited(45s);
  fail_reads(5);
  clock_.advance(44s);
  fail_reads(1);
  EXPECT_EQ(calls_, 5);
  clock_.advance(1s);
  error_.reset();

  EXPECT_TRUE(reads());
}

TEST_F(Breaker, DoesNotBelieveAnyRetryAfter) {
  error_ = tests::rate_limited(24h);
  fail_reads(5);
  error_.reset();
  clock_.advance(5min);

  EXPECT_TRUE(reads());
}

TEST_F(Breaker, AProbeThatThrowsIsFollowedByAnother) {
  error_ = tests::timed_out();
  fail_reads(5);
  clock_.advance(8s);
  throws_ = true;
  EXPECT_THROW(reads(), std::runtime_error);
  throws_ = false;
  error_.reset();

  EXPECT_TRUE(reads());
}

}  // namespace
}  // namespace agent::backends
