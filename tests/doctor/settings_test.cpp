#include "agent/doctor/settings.hpp"

#include <gtest/gtest.h>

namespace agent::doctor {
namespace {

TEST(Settings, OfTomlHaveTheirTablesInFront) {
  const auto settings = parse_toml(
      "# build.rustc-wrapper = \"no\"\n[build]\nrustc-wrapper = \"sccache\" # ours\n"
      "[profile.'dev']\nincremental=true\n[[x]]\na = 1\n",
      "c.toml");

  ASSERT_NE(find(settings, "build.rustc-wrapper"), nullptr);
  EXPECT_EQ(find(settings, "build.rustc-wrapper")->value, "sccache");
  EXPECT_EQ(find(settings, "build.rustc-wrapper")->where, "c.toml:3");
  EXPECT_EQ(find(settings, "profile.dev.incremental")->value, "true");
  EXPECT_EQ(find(settings, "x.a")->value, "1");
  EXPECT_EQ(settings.size(), 3U);
}

TEST(Settings, TheLastOfANameCounts) {
  const auto settings = parse_toml("a = 1\na = 2\n", "f");

  EXPECT_EQ(find(settings, "a")->value, "2");
  EXPECT_EQ(find(settings, "b"), nullptr);
}

TEST(Settings, OfCMakesCacheLoseTheirType) {
  const auto settings = parse_cmake_cache(
      "// comment\n#c\nCMAKE_C_FLAGS:STRING=-O2 -DX=1\nCMAKE_C_COMPILER_LAUNCHER:UNINITIALIZED=\nnonsense\n",
      "b");

  EXPECT_EQ(find(settings, "CMAKE_C_FLAGS")->value, "-O2 -DX=1");
  EXPECT_EQ(find(settings, "CMAKE_C_FLAGS")->where, "b:3");
  EXPECT_EQ(find(settings, "CMAKE_C_COMPILER_LAUNCHER")->value, "");
  EXPECT_EQ(settings.size(), 2U);
}

TEST(Settings, OfYamlAreItsLastKeysAtAnyDepth) {
  const auto settings = parse_yaml_lines(
      "env:\n  MOON_CACHE: 'read-only'\n    - uses: a/b@v1 # note\n  # uses: no\n  run: echo "
      "http://x\nurl:x\n",
      "w");

  EXPECT_EQ(find(settings, "MOON_CACHE")->value, "read-only");
  EXPECT_EQ(find(settings, "MOON_CACHE")->where, "w:2");
  EXPECT_EQ(find(settings, "uses")->value, "a/b@v1");
  EXPECT_EQ(find(settings, "url"), nullptr);
}

TEST(Settings, AreShownWithoutSecrets) {
  const Setting set{.name = "SCCACHE_WEBDAV_TOKEN", .value = "sesame", .where = "f:1"};

  EXPECT_EQ(set.shown(), "f:1: SCCACHE_WEBDAV_TOKEN = (hidden)");
}

TEST(Settings, AreBoundedInNumber) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) {
    text += "a = 1\n";
  }

  EXPECT_LE(parse_toml(text, "f").size(), k_max_settings);
}

}  // namespace
}  // namespace agent::doctor
