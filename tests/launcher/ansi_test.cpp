#include "agent/launcher/ansi.hpp"

#include <gtest/gtest.h>

#include <string>

namespace agent::launcher {
namespace {

using namespace std::string_literals;

std::string stripped(const std::string& text) {
  std::string out(text.size() * k_max_stripped_growth, '\0');
  out.resize(strip_escapes(text, out));
  return out;
}

// The expectations are the real client's output; launcher_parity_test.py compares random texts with it.
TEST(LauncherAnsi, RemovesColours) {
  EXPECT_EQ(stripped("a.c:1: \x1b[01;35m\x1b[Kwarning: \x1b[m\x1b[Kx\n"), "a.c:1: warning: x\n");
  EXPECT_EQ(stripped("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\ end\x1b(B\n"), "link end\n");
  EXPECT_EQ(stripped("\x1bPq device \x1b\\a\x1bX text \x9c"
                     "b\x1b[?25lc"),
            "abc");
}

TEST(LauncherAnsi, KeepsNoOtherControlsThanLineFeeds) {
  EXPECT_EQ(stripped("a\tb\rc\x07"
                     "d\0e\nf\x7f"s),
            "abcde\nf\x7f");
  EXPECT_EQ(stripped("\x1b[3\n1mx\x1b[3\x18"
                     "1m"),
            "\nx1m");
}

TEST(LauncherAnsi, KeepsUtf8AndMarksWhatIsBroken) {
  EXPECT_EQ(stripped("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(stripped("a\xE2\x82z b\xFF\x80 c\xC3"), "a\xEF\xBF\xBD b c");
  EXPECT_EQ(stripped("\xC3\x1b[31m"), "\xEF\xBF\xBD[31m");
}

TEST(LauncherAnsi, KnowsTextThatNeedsNothing) {
  EXPECT_TRUE(is_plain("a.c:1:2: warning: x\n ~"));
  for (const auto* text : {"\t", "\x1b[m", "\xC3\xA4", "\x7f", "\r"}) {
    EXPECT_FALSE(is_plain(text));
  }
}

}  // namespace
}  // namespace agent::launcher
