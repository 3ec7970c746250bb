#include "agent/sccache/build_variables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::sccache {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(BuildVariables, KeepWhatMattersSortedAndNothingElse) {
  const auto kept = kept_variables({{"PS1", "$"},
                                    {"RUSTC_WRAPPER", "sccache"},
                                    {"CARGO_HOME", "/h"},
                                    {"DATABASE_URL", "x"},
                                    {"AWS_SECRET_ACCESS_KEY", "y"}});

  EXPECT_THAT(kept, ElementsAre(Pair("CARGO_HOME", "/h"), Pair("RUSTC_WRAPPER", "sccache")));
}

TEST(BuildVariables, HideWhatTheirNamesCallSecret) {
  for (const auto* name :
       {"SCCACHE_WEBDAV_TOKEN", "CARGO_REGISTRY_TOKEN", "SCCACHE_REDIS_PASSWORD", "ACTIONS_RUNTIME_TOKEN",
        "SCCACHE_AZURE_CONNECTION_STRING", "CARGO_REGISTRIES_X_TOKEN"}) {
    EXPECT_EQ(shown_value(name, "sesame"), "(hidden)") << name;
  }
  EXPECT_EQ(shown_value("CARGO_HOME", "/h"), "/h");
}

TEST(BuildVariables, ShowUrlsWithoutUsersAndQueries) {
  EXPECT_EQ(shown_value("http_proxy", "http://me:sesame@proxy:3128/"), "http://(hidden)@proxy:3128/");
  EXPECT_EQ(shown_value("SCCACHE_REDIS", "redis://:sesame@h/0"), "redis://(hidden)@h/0");
  EXPECT_EQ(shown_value("http_proxy", "me:sesame@proxy:3128"), "(hidden)@proxy:3128");
}

TEST(BuildVariables, KnowWhatEntersKeys) {
  EXPECT_TRUE(enters_rust_keys("CARGO_HOME"));
  EXPECT_TRUE(enters_rust_keys("CARGO_TERM_COLOR"));
  EXPECT_FALSE(enters_rust_keys("CARGO_BUILD_JOBS"));
  EXPECT_FALSE(enters_rust_keys("CARGO_REGISTRIES_X_TOKEN"));
  EXPECT_FALSE(enters_rust_keys("RUSTFLAGS"));
  EXPECT_TRUE(enters_c_keys("SDKROOT"));
  EXPECT_FALSE(enters_c_keys("SOURCE_DATE_EPOCH"));
}

TEST(BuildVariables, CutLongValues) {
  EXPECT_LT(shown_value("RUSTFLAGS", std::string(5000, 'x')).size(), 400U);
}

}  // namespace
}  // namespace agent::sccache
