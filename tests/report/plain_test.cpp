#include "agent/report/plain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::report {
namespace {

TEST(Plain, KeepsOrdinaryTextAndOtherScripts) {
  EXPECT_EQ(plain("rust-1.95.0 größe 日本語 🔥", 100), "rust-1.95.0 größe 日本語 🔥");
}

TEST(Plain, MakesOneLineWithoutControlCharacters) {
  EXPECT_EQ(plain("a\nb\r\tc\x1b[31md\x7f"
                  "e\xC2\x9B"
                  "f\xE2\x80\xA8g",
                  100),
            "a b  c [31md e f g");
}

TEST(Plain, DropsCharactersThatCannotBeSeenOrTurnTheText) {
  const std::string turn = {'\xE2', '\x80', '\xAE'};  // in a literal it would mislead
  EXPECT_EQ(plain("a" + turn +
                      "b\xE2\x80\x8B"
                      "c\xEF\xBB\xBF"
                      "d\xF3\xA0\x81\x81",
                  100),
            "abcd");
}

TEST(Plain, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(plain("a\xff", 100), "a\xEF\xBF\xBD");
  EXPECT_EQ(plain("\xC0\xAF", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(plain("\xE2\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(plain("\xED\xA0\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Plain, CutsBetweenCharacters) {
  EXPECT_EQ(plain("日本語", 2), "日本…");
  EXPECT_EQ(plain("abc", 3), "abc");
}

TEST(LogText, BeginsNoWorkflowCommand) {
  EXPECT_EQ(log_text("x\n::error title=t::m"), "x ::error title=t::m") << "one line, and none begins with it";
  EXPECT_EQ(log_text("::error::m"), "| ::error::m");
  EXPECT_EQ(log_text("\n\x1b ::error::m"), "|    ::error::m") << "the runner looks behind blanks";
  EXPECT_EQ(log_text(":"), "| :") << "followed by a colon it would be one";
  EXPECT_EQ(log_text("a ##[error]b ###[x"), "a ## [error]b ### [x");
}

TEST(LogText, KeepsOtherText) {
  EXPECT_EQ(log_text("sccache/a/b: corrupt"), "sccache/a/b: corrupt");
  EXPECT_EQ(log_text(""), "");
  EXPECT_EQ(log_text(std::string(5000, 'a')).size(), 5000U);
  EXPECT_EQ(log_text("abcd", 3), "abc…");
}

TEST(MarkdownText, LeavesNoCharacterWithAMeaning) {
  EXPECT_EQ(markdown_text("a|b `c` <b> & *d* _e_ [f](g) ~h~ @i #1 $j$ \\k", 200),
            "a&#124;b &#96;c&#96; &#60;b&#62; &#38; &#42;d&#42; &#95;e&#95; &#91;f&#93;(g) &#126;h&#126; "
            "&#64;i &#35;1 &#36;j&#36; &#92;k");
}

TEST(MarkdownText, DisarmsLinksAndEmoji) {
  EXPECT_EQ(markdown_text("http://x www.y :z: end: so", 200), "http&#58;//x www&#46;y &#58;z: end: so");
}

TEST(MarkdownCode, IsACodeSpanForHarmlessText) {
  EXPECT_EQ(markdown_code("rust-1.95.0_x", 200), "`rust-1.95.0_x`");
  EXPECT_EQ(markdown_code("", 200), "");
}

TEST(MarkdownCode, EscapesWhatACodeSpanCannotHold) {
  EXPECT_EQ(markdown_code("a`b|c", 200), "<code>a&#96;b&#124;c</code>");
  EXPECT_EQ(markdown_code("</code>", 200), "<code>&#60;/code&#62;</code>");
  EXPECT_EQ(markdown_code(" x", 200), "<code> x</code>");
}

}  // namespace
}  // namespace agent::report
