#include "agent/io/random.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::io {
namespace {

using agent::tests::Succeeds;

TEST(RandomBytes, AreAsManyAsAskedForAndNeverTheSame) {
  const auto first = random_bytes(32);
  const auto second = random_bytes(32);

  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(second, Succeeds());
  EXPECT_EQ(first->size(), 32);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(random_bytes(0), "");
}

}  // namespace
}  // namespace agent::io
