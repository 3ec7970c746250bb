#include "agent/keys/root_tag.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::keys {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

RootTagInputs rust_on_linux() {
  RootTagInputs inputs;
  inputs.prefix = "rust";
  inputs.toolchain = "1.95.0";
  inputs.os = "linux";
  inputs.arch = "x86_64";
  return inputs;
}

RootTagInputs with_matrix(std::string matrix) {
  auto inputs = rust_on_linux();
  inputs.matrix = std::move(matrix);
  return inputs;
}

std::string tag_of(const RootTagInputs& inputs) {
  const auto tag = root_tag(inputs);
  return tag ? tag->tag : "error: " + tag.error().message;
}

bool fits_charset(std::string_view tag) {
  return tag.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
         std::string_view::npos;
}

TEST(RootTag, HasTheAgreedForm) {
  EXPECT_EQ(tag_of(rust_on_linux()), "rust-1.95.0-sccache-linux-x86_64");
}

TEST(RootTag, NamesEveryPartAndItsSource) {
  auto inputs = rust_on_linux();
  inputs.scope = "release";

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_THAT(tag->parts, ::testing::ElementsAre(
                              TagPart{"prefix", "rust", "input"}, TagPart{"toolchain", "1.95.0", "input"},
                              TagPart{"tool", "sccache", "fixed"}, TagPart{"os", "linux", "input"},
                              TagPart{"arch", "x86_64", "input"}, TagPart{"scope", "release", "input"}));
  EXPECT_THAT(tag->warnings, IsEmpty());
}

TEST(RootTag, WritesTheJsonOthersRelyOn) {
  const auto tag = root_tag(rust_on_linux());

  ASSERT_THAT(tag, Succeeds());
  const auto json = to_json(*tag);
  EXPECT_EQ(json.text("tag"), "rust-1.95.0-sccache-linux-x86_64");
  EXPECT_EQ(json["parts"].array()->front().dump(), R"({"name":"prefix","source":"input","value":"rust"})");
  EXPECT_EQ(json["warnings"].dump(), "[]");
}

TEST(RootTag, KnowsEveryNameOfAPlatform) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Linux/X64", "linux-x86_64"},          {"linux/amd64", "linux-x86_64"},
      {"macOS/ARM64", "macos-aarch64"},       {"Darwin/arm64", "macos-aarch64"},
      {"Windows/x86-64", "windows-x86_64"},   {"linux/aarch64", "linux-aarch64"},
      {"FreeBSD/riscv64", "freebsd-riscv64"},
  };
  for (const auto& [given, expected] : cases) {
    auto inputs = rust_on_linux();
    inputs.os = given.substr(0, given.find('/'));
    inputs.arch = given.substr(given.find('/') + 1);
    EXPECT_EQ(tag_of(inputs), "rust-1.95.0-sccache-" + expected) << given;
  }
}

TEST(RootTag, TakesThePlatformOfThisMachineWhenNoneIsGiven) {
  auto inputs = rust_on_linux();
  inputs.os.clear();
  inputs.arch.clear();

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_THAT(tag->tag, StartsWith("rust-1.95.0-sccache-linux-"));
  EXPECT_THAT(tag->parts, Contains(TagPart{"os", "linux", "this machine"}));
}

// The hash is SHA-256 over {"os":"ubuntu-22.04","rust":"1.95.0"}, computed with sha256sum.
TEST(RootTag, AppendsAReadableSlugAndTheHashOfTheCanonicalMatrix) {
  EXPECT_EQ(tag_of(with_matrix(R"({ "rust": "1.95.0", "os": "ubuntu-22.04" })")),
            "rust-1.95.0-sccache-linux-x86_64-ubuntu-22.04-1.95.0-cab10777770e2e02");
}

TEST(RootTag, DoesNotDependOnTheOrderOfTheMatrix) {
  EXPECT_EQ(tag_of(with_matrix(R"({"a":"x","b":{"c":1,"d":true}})")),
            tag_of(with_matrix("{\n  \"b\": {\"d\": true, \"c\": 1},\n  \"a\": \"x\"\n}")));
}

TEST(RootTag, GivesDifferentMatricesDifferentTags) {
  const std::vector<std::string> matrices = {
      R"({"a":"1"})",   R"({"a":1})",           R"({"a":true})",      R"({"a":"true"})",
      R"({"a":null})",  R"({"b":"1"})",         R"({"a":["x","y"]})", R"({"a":["y","x"]})",
      R"({"a":"x-y"})", R"({"a":"x","b":"y"})", R"({"a":"x/y"})",     R"({"a":"x y"})",
      R"({"a":{}})",    R"({"a":[]})",          R"({"a":""})",        "{}",
  };
  std::vector<std::string> tags;
  for (const auto& matrix : matrices) {
    tags.push_back(tag_of(with_matrix(matrix)));
    EXPECT_THAT(tags.back(), StartsWith("rust-"));
  }
  std::ranges::sort(tags);
  EXPECT_EQ(std::ranges::adjacent_find(tags), tags.end());
}

TEST(RootTag, TakesNullAndAnEmptyObjectForNoMatrix) {
  for (const auto* none : {"", "  \n", "null", "{}", " { } "}) {
    EXPECT_EQ(tag_of(with_matrix(none)), "rust-1.95.0-sccache-linux-x86_64") << none;
  }
}

TEST(RootTag, RefusesAMatrixThatIsNoJsonObjectAndNamesTheInput) {
  for (const auto* bad : {"ubuntu-22.04", "{\"a\":", "[1,2]", "\"text\"", "7", "{\"a\":1} x",
                          "{\"a\":\"\xff\"}", "{\"a\":1e999}"}) {
    const auto tag = root_tag(with_matrix(bad));
    EXPECT_THAT(tag, FailsWith(Errc::invalid)) << bad;
    EXPECT_THAT(tag, FailsSaying("matrix: ")) << bad;
  }
}

TEST(RootTag, NeverDependsOnTheRun) {
  auto inputs = rust_on_linux();
  inputs.run = {.id = "17000000001", .attempt = "3", .sha = "0123456789abcdef0123456789abcdef01234567"};

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_EQ(tag->tag, "rust-1.95.0-sccache-linux-x86_64");
  EXPECT_THAT(tag->warnings, IsEmpty());
}

TEST(RootTag, AddsTheRunOnlyWhenAskedTo) {
  auto inputs = rust_on_linux();
  inputs.kind = RootTagInputs::Kind::run_scoped;
  inputs.run = {.id = "17000000001", .attempt = "3", .sha = ""};

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_EQ(tag->tag, "rust-1.95.0-sccache-linux-x86_64-run-17000000001-3");
  EXPECT_THAT(tag->warnings, Contains(HasSubstr("run-scoped")));
}

TEST(RootTag, CannotBeRunScopedWithoutARun) {
  auto inputs = rust_on_linux();
  inputs.kind = RootTagInputs::Kind::run_scoped;

  EXPECT_THAT(root_tag(inputs), FailsWith(Errc::invalid));
  EXPECT_THAT(root_tag(inputs), FailsSaying("run-scoped"));
}

TEST(RootTag, KeepsTextsApartThatDifferOnlyInForbiddenCharacters) {
  std::vector<std::string> tags;
  for (const auto* scope : {"a/b", "a b", "a-b", "a:b", "ä/b", "/", "\n"}) {
    auto inputs = rust_on_linux();
    inputs.scope = std::string(scope) + "x";
    tags.push_back(tag_of(inputs));
    EXPECT_TRUE(fits_charset(tags.back())) << tags.back();
  }
  std::ranges::sort(tags);
  EXPECT_EQ(std::ranges::adjacent_find(tags), tags.end());
}

TEST(RootTag, CutsWhatIsTooLongButNeverTheHash) {
  RootTagInputs inputs;
  inputs.prefix = inputs.toolchain = inputs.os = inputs.arch = inputs.scope = std::string(5000, 'a') + "/1";
  inputs.matrix = R"({"a":")" + std::string(5000, 'b') + R"("})";
  inputs.kind = RootTagInputs::Kind::run_scoped;
  inputs.run = {.id = std::string(300, '9'), .attempt = std::string(300, '9'), .sha = ""};
  auto short_matrix = rust_on_linux();
  short_matrix.matrix = inputs.matrix;
  const auto hash = tag_of(short_matrix).substr(tag_of(short_matrix).size() - 16);

  const auto tag = tag_of(inputs);

  EXPECT_LE(tag.size(), k_tag_limit);
  EXPECT_TRUE(fits_charset(tag)) << tag;
  EXPECT_THAT(tag, HasSubstr(hash + "-run-"));
}

TEST(RootTag, KeepsLongScopesApart) {
  auto one = rust_on_linux();
  auto other = rust_on_linux();
  one.scope = std::string(100, 's') + "1";
  other.scope = std::string(100, 's') + "2";

  EXPECT_NE(tag_of(one), tag_of(other));
}

TEST(RootTag, TakesAWholeNameGivenByHand) {
  auto inputs = rust_on_linux();
  inputs.tag = "my-tag";
  inputs.matrix = R"({"a":1})";

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_EQ(tag->tag, "my-tag");
  EXPECT_THAT(tag->parts, ::testing::ElementsAre(TagPart{"tag", "my-tag", "input"}));
}

TEST(RootTag, FindsTheToolchainOfTheWorkspace) {
  const tests::TempFolder folder;
  ASSERT_THAT(io::write_file(folder.path() / "rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n"),
              Succeeds());
  auto inputs = rust_on_linux();
  inputs.toolchain.clear();
  inputs.workspace = folder.path();

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_EQ(tag->tag, "rust-1.95.0-sccache-linux-x86_64");
  EXPECT_THAT(tag->parts, Contains(TagPart{"toolchain", "1.95.0", "rust-toolchain.toml"}));
}

TEST(RootTag, SaysAnyWithANoticeWhereNothingPinsTheToolchain) {
  const tests::TempFolder folder;
  ASSERT_THAT(io::write_file(folder.path() / "rust-toolchain.toml", "[toolchain]\nchannel = \"stable\"\n"),
              Succeeds());
  auto inputs = rust_on_linux();
  inputs.toolchain.clear();
  inputs.workspace = folder.path();

  const auto tag = root_tag(inputs);

  ASSERT_THAT(tag, Succeeds());
  EXPECT_EQ(tag->tag, "rust-any-sccache-linux-x86_64");
  EXPECT_THAT(tag->remarks, Contains(HasSubstr("'stable'")));
}

TEST(RootTag, WarnsWhenAnInputSmugglesTheRunIn) {
  const RunFacts run{.id = "17000000001", .attempt = "2", .sha = "0123456789abcdef0123456789abcdef01234567"};
  auto scope = rust_on_linux();
  scope.run = run;
  scope.scope = "pr-17000000001";
  auto prefix = rust_on_linux();
  prefix.run = run;
  prefix.prefix = "rust-0123456";
  auto matrix = with_matrix(R"({"nested":[{"name":"run-2"}]})");
  matrix.run = run;

  EXPECT_THAT(root_tag(scope)->warnings, Contains(HasSubstr("scope contains this run's id")));
  EXPECT_THAT(root_tag(prefix)->warnings, Contains(HasSubstr("prefix contains this commit's SHA")));
  EXPECT_THAT(root_tag(matrix)->warnings, Contains(HasSubstr("matrix contains this run's attempt")));
}

TEST(RootTag, DoesNotTakeAMatrixAxisForTheAttempt) {
  auto inputs = with_matrix(R"({"attempt":2,"shard":"2"})");
  inputs.run.attempt = "2";

  EXPECT_THAT(root_tag(inputs)->warnings, Not(Contains(HasSubstr("attempt"))));
}

}  // namespace
}  // namespace agent::keys
