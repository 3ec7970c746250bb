#include "agent/backends/http_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr Wall k_now = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;

net::ClientResponse answer_of(int status, std::string body = {}, std::string_view retry_after = {}) {
  net::ClientResponse answer{.status = status, .headers = {}, .body = std::move(body)};
  if (!retry_after.empty()) {
    answer.headers.add("Retry-After", retry_after);
  }
  return answer;
}

Error error_of(const net::ClientResponse& answer) {
  return error_of_answer({.operation = "write packs/1", .where = "store.example"}, answer, k_now);
}

TEST(HttpStatus, SortsEveryStatusByWhatACallerCanDo) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(code_of_status(status), Errc::transient) << status;
  }
  for (const int status : {401, 403, 407}) {
    EXPECT_EQ(code_of_status(status), Errc::denied) << status;
  }
  for (const int status : {409, 412, 423}) {
    EXPECT_EQ(code_of_status(status), Errc::conflict) << status;
  }
  for (const int status : {301, 307, 400, 404, 410, 411, 413, 422}) {
    EXPECT_EQ(code_of_status(status), Errc::invalid) << status;
  }
  for (const int status : {405, 501, 505}) {
    EXPECT_EQ(code_of_status(status), Errc::unsupported) << status;
  }
  EXPECT_EQ(code_of_status(507), Errc::full);
}

TEST(HttpStatus, ReadsRetryAfterInSecondsAndAsADate) {
  EXPECT_EQ(error_of(answer_of(503, "", "7")).retry_after, 7s);
  EXPECT_EQ(error_of(answer_of(429, "", "Sun, 06 Nov 1994 08:50:07 GMT")).retry_after, 30s);
  EXPECT_EQ(error_of(answer_of(503, "", "Sun, 06 Nov 1994 08:00:00 GMT")).retry_after, 0s);
  EXPECT_EQ(error_of(answer_of(503, "", "99999999999999999999999")).retry_after, 1h);
  EXPECT_EQ(error_of(answer_of(503, "", "Sun, 06 Nov 2094 08:50:07 GMT")).retry_after, 1h);
}

TEST(HttpStatus, AsksForASecondWhereA429NamesNoTime) {
  EXPECT_EQ(error_of(answer_of(429)).retry_after, 1s);
  EXPECT_EQ(error_of(answer_of(503)).retry_after, std::nullopt);
}

TEST(HttpStatus, DropsRetryAfterThatIsNoneOrBelongsToAnotherAnswer) {
  for (const std::string_view text : {"soon", "-1", "1.5", "Sunday", "Sun, 06 Nox 1994 08:49:37 GMT",
                                      "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"}) {
    EXPECT_EQ(error_of(answer_of(503, "", text)).retry_after, std::nullopt) << text;
  }
  EXPECT_EQ(error_of(answer_of(403, "", "7")).retry_after, std::nullopt);
}

TEST(HttpStatus, NamesTheCallThePlaceAndTheWayOut) {
  const auto error = error_of(answer_of(403, "no entry"));

  EXPECT_EQ(
      error.message,
      "write packs/1 at store.example: 403: no entry; check the credentials and what they may do, or use "
      "the mode read-only");
  EXPECT_THAT(error_of(answer_of(502)).message, HasSubstr("502: Bad Gateway"));
}

TEST(HttpStatus, ShowsOfABodyOnlyAPrintableBeginning) {
  const auto shown = excerpt_of("\x1b[31m first\r\n\tsecond \xff " + std::string(1000, 'x'));

  EXPECT_THAT(shown, testing::StartsWith(" [31m first second x"));
  EXPECT_LT(shown.size(), 220);
}

TEST(HttpStatus, NeverShowsASignedQuery) {
  const auto shown = excerpt_of("<a href=\"https://h/p?sig=confidential&se=1\">gone</a> /q?sig=confidential");

  EXPECT_THAT(shown, Not(HasSubstr("confidential")));
  EXPECT_THAT(shown, HasSubstr("gone"));
}

}  // namespace
}  // namespace agent::backends
