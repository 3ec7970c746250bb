#include "agent/folders/ccache_counts.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::folders {
namespace {

using tests::FailsWith;
using tests::Succeeds;

std::string stats(int misses, int preprocessed_hits, int direct_hits) {
  return fmt::format("0\n0\n0\n0\n{}\n0\n0\n0\n{}\n0\n0\n2\n8\n0\n0\n0\n0\n0\n0\n0\n0\n0\n{}\n0\n", misses,
                     preprocessed_hits, direct_hits);
}

TEST(CcacheCounts, AddUpDirectAndPreprocessedHits) {
  const auto counts = parse_ccache_counts(stats(2, 3, 4));

  ASSERT_THAT(counts, Succeeds());
  EXPECT_EQ(counts->hits, 7U);
  EXPECT_EQ(counts->misses, 2U);
}

TEST(CcacheCounts, TakeShortFilesAndRefuseOtherOnes) {
  EXPECT_EQ(parse_ccache_counts("")->misses, 0U);
  EXPECT_EQ(parse_ccache_counts("0\n0\n0\n0\n5")->misses, 5U);
  EXPECT_THAT(parse_ccache_counts("0\n0\n0\n0\nmany\n"), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_ccache_counts(std::string(2000, '\n')), FailsWith(Errc::invalid));
}

TEST(CcacheCounts, AreSummedUpOverBothLevelsOfAFolder) {
  const tests::TempFolder temp;
  for (const auto* place : {"a", "a/b", "7/c"}) {
    ASSERT_THAT(io::make_folders(temp.path() / place), Succeeds());
    ASSERT_THAT(io::write_file(temp.path() / place / "stats", stats(1, 0, 2)), Succeeds());
  }
  ASSERT_THAT(io::write_file(temp.path() / "a/b/cR", "no counters"), Succeeds());

  const auto counts = count_ccache(temp.path());

  EXPECT_EQ(counts.hits, 6U);
  EXPECT_EQ(counts.misses, 3U);
}

}  // namespace
}  // namespace agent::folders
