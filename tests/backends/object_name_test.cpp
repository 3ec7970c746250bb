#include "agent/backends/object_name.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

TEST(ObjectName, TakesPlainRelativePaths) {
  for (const auto* name :
       {"a", "a/b", "packs/ab/0123", "tags/x/rust-1.95.0-sccache-linux-x86_64", ".a", "a..b"}) {
    EXPECT_THAT(check_object_name(name), Succeeds()) << name;
  }
}

TEST(ObjectName, QuotesTheBadSegmentWithoutItsControlBytes) {
  const auto checked = check_object_name("packs/\x1b[31mred");

  EXPECT_THAT(checked, FailsWith(Errc::invalid));
  EXPECT_THAT(checked, FailsSaying("'?[31mred'"));
}

TEST(ObjectName, LimitsTheWholeAndEachSegment) {
  EXPECT_THAT(check_object_name(std::string(255, 'a')), Succeeds());
  EXPECT_THAT(check_object_name(std::string(256, 'a')), FailsWith(Errc::invalid));
  EXPECT_THAT(check_object_name(std::string(200, 'a') + "/" + std::string(199, 'b')), Succeeds());
  EXPECT_THAT(check_object_name(std::string(200, 'a') + "/" + std::string(200, 'b')),
              FailsWith(Errc::invalid));
}

TEST(ObjectPrefix, TakesBeginningsOfNames) {
  for (const auto* prefix : {"", "a", "a/", "a/.", "a/b"}) {
    EXPECT_THAT(check_object_prefix(prefix), Succeeds()) << prefix;
  }
  for (const auto* prefix : {"/", "../", "a//", "a b"}) {
    EXPECT_THAT(check_object_prefix(prefix), FailsWith(Errc::invalid)) << prefix;
  }
}

}  // namespace
}  // namespace agent::backends
