// `hearth run` without --tag takes the tag that `hearth tag` prints, wherever its parts are said.
#include "agent/cli/tag_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <string>

#include "agent/cli/command.hpp"
#include "agent/core/log.hpp"
#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

class DefaultTag : public testing::Test {
protected:
  void SetUp() override { std::filesystem::current_path(folder_.path()); }
  void TearDown() override { std::filesystem::current_path(before_); }

  static void configure(std::string_view yaml) {
    ASSERT_THAT(io::write_file(".hearth.yml", yaml), Succeeds());
  }

  static std::string printed() {
    std::string hearth = "hearth";
    std::string tag = "tag";
    std::array<char*, 3> arguments = {hearth.data(), tag.data(), nullptr};
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_program(2, arguments.data()), k_ok);
    std::fflush(stdout);
    auto output = testing::internal::GetCapturedStdout();
    EXPECT_THAT(output, EndsWith("\n"));
    return output.substr(0, output.size() - 1);
  }

  std::filesystem::path before_ = std::filesystem::current_path();
  tests::TempFolder folder_;
};

TEST_F(DefaultTag, IsMadeOfThePartsInTheFile) {
  configure("prefix: rust\ntoolchain: 1.95.0\ntag-scope: asan\n");

  const auto tag = default_tag();

  ASSERT_THAT(tag, Succeeds());
  EXPECT_THAT(*tag, MatchesRegex("rust-1.95.0-sccache-.*-asan"));
  EXPECT_EQ(*tag, printed());
}

TEST_F(DefaultTag, IsMadeOfThePartsInVariables) {
  configure("prefix: file\ntoolchain: 1.95.0\n");
  ::setenv("HEARTH_PREFIX", "variable", 1);
  ::setenv("HEARTH_MATRIX", R"({"os":"linux"})", 1);

  const auto tag = default_tag();
  const auto shown = printed();
  ::unsetenv("HEARTH_PREFIX");
  ::unsetenv("HEARTH_MATRIX");

  ASSERT_THAT(tag, Succeeds());
  EXPECT_THAT(*tag, MatchesRegex("variable-1.95.0-sccache-.*-linux-[0-9a-f]{16}"));
  EXPECT_EQ(*tag, shown);
}

TEST_F(DefaultTag, MayBeGivenWhole) {
  configure("tag: ours\nprefix: rust\n");

  EXPECT_EQ(default_tag(), "ours");
  EXPECT_EQ(printed(), "ours");
}

TEST_F(DefaultTag, HasNothingToDoWithTheBranch) {
  configure("prefix: rust\ntoolchain: 1.95.0\nscope: refs/heads/main\n");

  const auto tag = default_tag();

  ASSERT_THAT(tag, Succeeds());
  EXPECT_THAT(*tag, testing::Not(HasSubstr("main")));
  EXPECT_EQ(*tag, printed());
}

TEST_F(DefaultTag, WarnsOfAPartThatNoLaterRunHas) {
  configure("prefix: ci-20261121T1452\ntoolchain: 1.95.0\n");
  testing::internal::CaptureStderr();

  const auto tag = default_tag();

  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("prefix contains a date or time"));
  EXPECT_THAT(tag, Succeeds());
}

TEST_F(DefaultTag, NamesWhatIsWrong) {
  configure("prefix: rust\nheight: 3\n");
  EXPECT_THAT(default_tag(), FailsWith(Errc::invalid));
  EXPECT_THAT(default_tag(), FailsSaying(".hearth.yml:2:1: unknown key 'height'"));

  configure("prefix: rust\n");
  ::setenv("HEARTH_RUN_SCOPED", "perhaps", 1);
  const auto tag = default_tag();
  ::unsetenv("HEARTH_RUN_SCOPED");
  EXPECT_THAT(tag, FailsWith(Errc::invalid));
  EXPECT_THAT(tag, FailsSaying("run-scoped"));
}

}  // namespace
}  // namespace agent::cli
