#include "agent/report/headline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/report/sample_figures.hpp"

namespace agent::report {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

auto warning(const std::string& part) {
  return AllOf(Field(&Remark::weight, Remark::Weight::warning), Field(&Remark::text, HasSubstr(part)));
}

auto note(const std::string& part) {
  return AllOf(Field(&Remark::weight, Remark::Weight::note), Field(&Remark::text, HasSubstr(part)));
}

TEST(Headline, CountsCacheableCompilations) {
  EXPECT_EQ(headline(tests::warm_figures()), "412 of 412 cacheable compilations came from the cache.");
  EXPECT_EQ(headline(tests::cold_figures()), "0 of 412 cacheable compilations came from the cache.");
}

TEST(Headline, TellsNothingCompiledFromNothingCacheable) {
  auto called = tests::nothing_compiled_figures();
  called.compile_requests = 2;

  EXPECT_EQ(headline(tests::nothing_compiled_figures()), "Nothing was compiled.");
  EXPECT_EQ(headline(called), "Nothing cacheable was compiled; the compiler was called twice.");
  EXPECT_EQ(headline(tests::nothing_cacheable_figures()),
            "Nothing cacheable was compiled: 5 compilations could not be cached.");
}

TEST(Headline, ClaimsNoRateThatWasNotMeasured) {
  EXPECT_THAT(headline(tests::no_statistics_figures()), HasSubstr("not known"));
  EXPECT_THAT(headline(Figures{}), HasSubstr("not known"));
  EXPECT_THAT(headline(Figures{}, Ending::died), HasSubstr("not known"));
  EXPECT_EQ(headline(Figures{}, Ending::not_started), "This build ran without the cache.");
}

// `hearth run -- true`: no server of sccache was ever started, so there are no statistics to miss.
TEST(Headline, SaysWhenSccacheWasAskedForNothing) {
  Figures figures;
  figures.sccache_mode = "proxy";
  figures.lookups_hit = figures.lookups_missed = figures.stores = 0;

  EXPECT_EQ(headline(figures), "sccache was asked for nothing.");
  EXPECT_THAT(remarks(figures), IsEmpty());

  EXPECT_THAT(headline(figures, Ending::died), HasSubstr("not known"));
  figures.fallbacks = {{"server-start-failed", 1}};
  EXPECT_THAT(headline(figures), HasSubstr("not known"));
}

TEST(Headline, CountsLookupsWhereSccacheIsNotUsed) {
  Figures figures;
  figures.lookups_hit = 3;
  figures.lookups_missed = 1;

  EXPECT_EQ(headline(figures), "3 of 4 lookups came from the cache.");
  figures.lookups_hit = figures.lookups_missed = 0;
  EXPECT_EQ(headline(figures), "Nothing was looked up in the cache.");
}

TEST(Headline, SaysWhenTheCacheWasOff) {
  Figures figures;
  figures.mode = "off";

  EXPECT_EQ(headline(figures), "The cache was off for this job.");
}

TEST(Remarks, AreSilentWhenAllIsWell) {
  EXPECT_THAT(remarks(tests::warm_figures()), IsEmpty());
}

TEST(Remarks, CallAReadOnlyRunExpectedAndOtherRefusalsALoss) {
  auto full = tests::read_only_figures();
  full.refused = {{"store full", 1}};

  EXPECT_THAT(remarks(tests::read_only_figures()),
              Contains(note("52 new objects were not published: read-only.")));
  EXPECT_THAT(remarks(full), Contains(warning("1 new object was not published: store full.")));
}

TEST(Remarks, SayWhatADeadAgentLeft) {
  EXPECT_THAT(remarks(tests::cold_figures(), Ending::died), Contains(warning("last snapshot")));
  EXPECT_THAT(remarks(Figures{}, Ending::died), Contains(warning("left no figures")));
  EXPECT_THAT(remarks(Figures{}, Ending::not_started), Contains(warning("did not start")));
  EXPECT_THAT(remarks(tests::warm_figures(), Ending::late), Contains(warning("not done")));
}

TEST(Remarks, ClaimThatNothingWasLostOnlyWhenThatIsKnown) {
  auto slowed = tests::cold_figures();
  slowed.http_429 = 14;
  auto unfinished = slowed;
  unfinished.pending = 3;

  EXPECT_THAT(remarks(slowed), Contains(note("14 times (HTTP 429); nothing was lost")));
  EXPECT_THAT(remarks(slowed, Ending::died), Not(Contains(note("nothing was lost"))));
  EXPECT_THAT(remarks(unfinished), Not(Contains(note("nothing was lost"))));
  EXPECT_THAT(remarks(unfinished), Contains(warning("3 new objects were not yet published")));
}

TEST(Remarks, PutWarningsFirstAndNotesLast) {
  const auto list = remarks(tests::troubled_figures(), Ending::late);

  EXPECT_EQ(list.front().weight, Remark::Weight::warning);
  EXPECT_EQ(list.back().text, "the disk held less than 1 GiB free space when the job began");
  EXPECT_TRUE(std::ranges::is_sorted(list, std::ranges::greater{}, &Remark::weight));
}

TEST(Remarks, AreBounded) {
  Figures figures;
  figures.notes.assign(5000, std::string(5000, 'x'));

  const auto list = remarks(figures);

  EXPECT_LE(list.size(), 20U);
  EXPECT_THAT(list, Contains(note("And 4,990 notes more.")));
}

TEST(SavedText, IsAlwaysCalledAnEstimate) {
  auto figures = tests::warm_figures();

  EXPECT_EQ(saved_text(figures), "about 3 min 4 s saved (an estimate)");
  figures.saved_seconds_estimate = -5;
  EXPECT_EQ(saved_text(figures), std::nullopt);
  figures.saved_seconds_estimate.reset();
  EXPECT_EQ(saved_text(figures), std::nullopt);
}

}  // namespace
}  // namespace agent::report
