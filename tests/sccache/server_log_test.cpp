#include "agent/sccache/server_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::sccache {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ServerLog, TellsRefusedProbesWithTheirStatus) {
  const auto lines = parse_server_log(
      "[INFO] server started\n[WARN sccache::cache] storage write check failed: Unexpected (permanent) at "
      "stat, "
      "context: { response: Parts { status: 405, version: HTTP/1.1 } }\n");

  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines.front().topic, LogTopic::write_check);
  EXPECT_EQ(lines.front().status, 405);
}

TEST(ServerLog, FindsTheStatusInTheLinesBelow) {
  const auto lines = parse_server_log(
      "storage write check failed: Unexpected (permanent) at write\n\nContext:\n   uri: http://h/\n"
      "   response: Parts { status: 429, version: HTTP/1.1 }\n");

  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines.front().status, 429);
  EXPECT_THAT(lines.front().text, HasSubstr("at write, status: 429"));
}

TEST(ServerLog, LeavesTheProbesLinesToSccache) {
  EXPECT_THAT(
      parse_server_log("[ERROR opendal::services] service=webdav path=.sccache_check: write failed X\n"),
      IsEmpty());
}

TEST(ServerLog, KeepsOneOfLinesThatDifferInNumbersOnly) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "Error executing cache write: status: 429, key " + std::to_string(i) + "\n";
  }

  EXPECT_THAT(parse_server_log(text), SizeIs(1));
}

TEST(ServerLog, HidesCredentials) {
  const auto lines = parse_server_log("Got unexpected error: GET http://u:sesame@h/x Bearer sesame\n");

  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines.front().text, Not(HasSubstr("sesame")));
}

TEST(ServerLog, SaysNothingOfOtherLines) {
  EXPECT_THAT(parse_server_log("compiled\n\nHash key: abc\n"), IsEmpty());
  EXPECT_EQ(status_in("no number"), 0);
  EXPECT_EQ(status_in("status: 999"), 0);
  EXPECT_EQ(status_in("status: 42"), 0);
}

}  // namespace
}  // namespace agent::sccache
