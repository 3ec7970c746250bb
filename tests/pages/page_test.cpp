#include "agent/pages/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agent::pages {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::size_t count_of(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST(LivePage, IsOneDocumentThatFetchesNothing) {
  const auto page = live_page();

  EXPECT_THAT(page.html, testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(page.html, Not(HasSubstr("import ")));
  EXPECT_THAT(page.html, Not(HasSubstr("\nexport ")));
  EXPECT_THAT(page.html, Not(HasSubstr("<script type=\"module\" src")));
  EXPECT_THAT(page.html, Not(HasSubstr("<link rel=\"stylesheet\"")));
  EXPECT_EQ(count_of(page.html, "</style>"), 1U);
  EXPECT_EQ(count_of(page.html, "</script>"), 2U);
}

TEST(LivePage, NeverMakesMarkupOfText) {
  for (const auto* way :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style="}) {
    EXPECT_THAT(live_page().html, Not(HasSubstr(way)));
  }
}

TEST(LivePage, LetsOnlyItsOwnStyleAndScriptIn) {
  const auto policy = live_page().policy;

  EXPECT_THAT(policy, ContainsRegex("^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]*='; script-src "
                                    "'sha256-[A-Za-z0-9+/]*='; img-src data:; connect-src 'self'; "));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
}

TEST(LivePage, IsAnsweredWithWhatGuardsIt) {
  const auto page = live_page();

  const auto answer = response_of(page);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.get("Content-Security-Policy"), page.policy);
  EXPECT_EQ(answer.headers.get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(answer.headers.get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(std::get<std::string>(answer.body), page.html);
}

TEST(RecordedPage, HoldsItsDataAndReachesNothing) {
  const auto html = recorded_page(io::JsonObject{{"tag", "</script><script>alert(1)</script><!--"}});

  EXPECT_THAT(html, HasSubstr("connect-src 'none'"));
  EXPECT_THAT(html,
              HasSubstr("{\"tag\":\"\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\\u003c!--\"}"));
  EXPECT_EQ(count_of(html, "</script>"), 2U);
}

}  // namespace
}  // namespace agent::pages
