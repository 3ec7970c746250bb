#include "agent/backends/github_breaker.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::FailsWith;
using tests::Succeeds;

net::ClientResponse answer(int status, std::string_view retry_after = {}) {
  net::ClientResponse made{.status = status, .headers = {}, .body = {}};
  if (!retry_after.empty()) {
    made.headers.set("Retry-After", retry_after);
  }
  return made;
}

class GithubBreaker : public testing::Test {
protected:
  ManualClock clock_;
  ServiceBreaker breaker_{clock_};
};

TEST_F(GithubBreaker, StopsWritesForAsLongAsTheServiceAsks) {
  breaker_.note(CallKind::write, answer(429, "30"));
  clock_.advance(seconds(10));

  const auto refused = breaker_.admit(CallKind::write);

  ASSERT_THAT(refused, FailsWith(Errc::transient));
  EXPECT_EQ(refused.error().retry_after, seconds(20));
  EXPECT_THAT(breaker_.admit(CallKind::look_up), Succeeds());
  clock_.advance(seconds(20));
  EXPECT_THAT(breaker_.admit(CallKind::write), Succeeds());
}

TEST_F(GithubBreaker, KnowsALimitByItsTwirpCode) {
  auto limited = answer(403);
  limited.body = R"({"code":"resource_exhausted","msg":"enough"})";

  breaker_.note(CallKind::write, limited);

  EXPECT_THAT(breaker_.admit(CallKind::write), FailsWith(Errc::transient));
}

TEST_F(GithubBreaker, StopsWritesLongerWithEveryBadGateway) {
  breaker_.note(CallKind::write, answer(502));
  const auto first = breaker_.admit(CallKind::write);
  ASSERT_THAT(first, FailsWith(Errc::transient));
  EXPECT_FALSE(first.error().retry_after.has_value());  // nobody asked for it
  clock_.advance(seconds(1));
  ASSERT_THAT(breaker_.admit(CallKind::write), Succeeds());

  breaker_.note(CallKind::write, answer(502));
  clock_.advance(milliseconds(1'500));
  EXPECT_THAT(breaker_.admit(CallKind::write), FailsWith(Errc::transient));
}

TEST_F(GithubBreaker, StopsLookingUpAtTheThirdBadGatewayInARow) {
  breaker_.note(CallKind::look_up, answer(502));
  breaker_.note(CallKind::look_up, answer(502));
  EXPECT_THAT(breaker_.admit(CallKind::look_up), Succeeds());
  breaker_.note(CallKind::look_up, answer(200));
  breaker_.note(CallKind::look_up, answer(502));
  breaker_.note(CallKind::look_up, answer(502));
  EXPECT_THAT(breaker_.admit(CallKind::look_up), Succeeds());

  breaker_.note(CallKind::look_up, answer(502));

  EXPECT_THAT(breaker_.admit(CallKind::look_up), FailsWith(Errc::transient));
}

}  // namespace
}  // namespace agent::backends
