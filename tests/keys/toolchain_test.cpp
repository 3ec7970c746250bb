#include "agent/keys/toolchain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::keys {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;
using tests::Succeeds;

TEST(Toolchain, ReadsTheChannelOfATomlFile) {
  for (const auto* text : {
           "[toolchain]\nchannel = \"1.95.0\"\n",
           "[toolchain]\r\nchannel='1.95.0' # pinned\r\ncomponents = [\"clippy\"]\r\n",
           "# why\n[other]\nchannel = \"9.9.9\"\n[ toolchain ]\n  \"channel\" = \"1.95.0\"\n",
           "toolchain = { profile = \"minimal\", channel = \"1.95.0\" }\n",
           "toolchain.channel = \"1.95.0\"\n",
           "\xEF\xBB\xBF[toolchain]\nchannel = \"1.95.0\"",
       }) {
    EXPECT_THAT(channel_of(text), Optional(std::string("1.95.0"))) << text;
  }
}

TEST(Toolchain, ReadsTheChannelOfALegacyFile) {
  EXPECT_THAT(channel_of("1.95.0\n"), Optional(std::string("1.95.0")));
  EXPECT_THAT(channel_of("\n  nightly-2026-10-01  \n\n"), Optional(std::string("nightly-2026-10-01")));
}

TEST(Toolchain, FindsNoChannelWhereThereIsNone) {
  for (const auto* text :
       {"", "\n\n", "[toolchain]\npath = \"/opt/rust\"\n", "[toolchain]\nchannel = 1.95\n",
        "[toolchain]\n# channel = \"1.95.0\"\n", "[toolchain]\nchannel = \"1.95.0\n", "1.95.0 x",
        "[x]\nchannel = \"1.95.0\"\n", "[toolchain]\nchannel = \"1\\u002e95\"\n", "= \n ["}) {
    EXPECT_EQ(channel_of(text), std::nullopt) << text;
  }
}

TEST(Toolchain, TellsVersionsFromChannelsThatMove) {
  EXPECT_THAT(version_of("1.95.0"), Optional(std::string("1.95.0")));
  EXPECT_THAT(version_of("1.95"), Optional(std::string("1.95")));
  EXPECT_THAT(version_of("1.96.0-beta.2"), Optional(std::string("1.96.0-beta.2")));
  EXPECT_THAT(version_of("1.95.0-x86_64-unknown-linux-gnu"), Optional(std::string("1.95.0")));
  EXPECT_THAT(version_of("nightly-2026-10-01-aarch64-apple-darwin"),
              Optional(std::string("nightly-2026-10-01")));
  for (const auto* moving : {"stable", "beta", "nightly", "nightly-x86_64-unknown-linux-gnu", "1", "",
                             "my-own", "1.95.0/../..", "nightly-2026-1-1", "1.95.0 ; rm"}) {
    EXPECT_EQ(version_of(moving), std::nullopt) << moving;
  }
}

TEST(Toolchain, ReadsTheVersionThatRustcPrints) {
  EXPECT_THAT(version_of_rustc("rustc 1.95.0 (59807616e 2026-04-14)\n"), Optional(std::string("1.95.0")));
  EXPECT_THAT(version_of_rustc("rustc 1.97.0-nightly (abc 2026-05-01)"),
              Optional(std::string("1.97.0-nightly")));
  EXPECT_EQ(version_of_rustc("error: no default toolchain"), std::nullopt);
}

TEST(Toolchain, PrefersTheLegacyFileAsRustupDoes) {
  const tests::TempFolder folder;
  ASSERT_THAT(io::write_file(folder.path() / "rust-toolchain", "1.90.0\n"), Succeeds());
  ASSERT_THAT(io::write_file(folder.path() / "rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n"),
              Succeeds());

  const auto found = pinned_toolchain(folder.path());

  EXPECT_EQ(found.version, "1.90.0");
  EXPECT_EQ(found.source, "rust-toolchain");
}

TEST(Toolchain, SaysWhyNothingIsPinned) {
  const tests::TempFolder folder;
  EXPECT_THAT(pinned_toolchain(folder.path()).source, HasSubstr("no rust-toolchain file"));

  ASSERT_THAT(io::write_file(folder.path() / "rust-toolchain", "stable\n"), Succeeds());
  EXPECT_THAT(pinned_toolchain(folder.path()).source, HasSubstr("'stable'"));

  ASSERT_THAT(io::write_file(folder.path() / "rust-toolchain", std::string(70000, 'x')), Succeeds());
  EXPECT_THAT(pinned_toolchain(folder.path()).source, HasSubstr("cannot be read"));
  EXPECT_EQ(pinned_toolchain(folder.path()).version, "");
}

}  // namespace
}  // namespace agent::keys
