#include "agent/backends/url_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using agent::tests::FailsSaying;
using agent::tests::FailsWith;

constexpr std::array<std::string_view, 2> k_known = {"ca", "region"};

TEST(UrlSettings, AreDecoded) {
  const auto settings = parse_url_settings("ca=%2Fetc%2Fx.pem&&region=eu", k_known, "a test URL");

  ASSERT_TRUE(settings.has_value());
  EXPECT_THAT(*settings,
              testing::ElementsAre(testing::Pair("ca", "/etc/x.pem"), testing::Pair("region", "eu")));
  EXPECT_TRUE(parse_url_settings("", k_known, "a test URL")->empty());
}

TEST(UrlSettings, RefuseWhatIsUnknownRepeatedOrWithoutValue) {
  for (const auto* const query : {"other=1", "ca=1&ca=2", "ca", "ca=", "ca=%00", "ca=%zz", "ca=a%0Ab"}) {
    EXPECT_THAT(parse_url_settings(query, k_known, "a test URL"), FailsWith(Errc::invalid)) << query;
  }
  EXPECT_THAT(parse_url_settings("other=1", k_known, "a test URL"), FailsSaying("not known in a test URL"));
}

}  // namespace
}  // namespace agent::backends
