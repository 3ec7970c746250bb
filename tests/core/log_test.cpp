#include "agent/core/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agent::log {
namespace {

using testing::MatchesRegex;

// Restores what other tests of this program expect.
class Log : public testing::Test {
protected:
  void TearDown() override { set_level(Level::warn); }

  template <typename Action>
  static std::string stderr_of(Action action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, WritesOneLineWithTimeAndLevel) {
  const auto text = stderr_of([] { warn("publish: conflict generation={}", 7); });

  EXPECT_THAT(text, MatchesRegex("[0-9-]{10}T[0-9:]{8}Z warn publish: conflict generation=7\n"));
}

TEST_F(Log, LetsNoTextFromOutsideStartALine) {
  const auto text = stderr_of([] { warn("sccache said: {}", "oops\r\n::add-mask::x\x1b[0m"); });

  EXPECT_THAT(text, MatchesRegex("[^\n]* oops  ::add-mask::x \\[0m\n"));
}

TEST_F(Log, DropsLinesBelowItsLevel) {
  EXPECT_EQ(stderr_of([] { info("quiet by default"); }), "");

  set_level(Level::debug);
  EXPECT_NE(stderr_of([] { debug("loud now"); }), "");

  set_level(Level::off);
  EXPECT_EQ(stderr_of([] { error("nobody listens"); }), "");
}

}  // namespace
}  // namespace agent::log
