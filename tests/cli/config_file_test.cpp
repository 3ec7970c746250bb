#include "agent/cli/config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/cli/agent_options.hpp"
#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::cli {
namespace {

using testing::IsEmpty;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

TEST(ParseConfig, KeepsValuesAsTheyWereWritten) {
  const auto entries =
      parse_config("# ours\ntag: my-tag\nmax-size: 10GiB\n\nmode: 'read-only'\nscope: 007\n", "f.yml");

  ASSERT_THAT(entries, Succeeds());
  EXPECT_EQ(entries->at("tag").value, "my-tag");
  EXPECT_EQ(entries->at("max-size").value, "10GiB");
  EXPECT_EQ(entries->at("mode").value, "read-only");
  EXPECT_EQ(entries->at("scope").value, "007");
  EXPECT_EQ(entries->at("mode").line, 5);
  EXPECT_EQ(entries->at("mode").column, 1);
}

TEST(ParseConfig, TakesAnEmptyFile) {
  for (const auto* text : {"", "\n", "# only a comment\n", "---\n"}) {
    EXPECT_THAT(*parse_config(text, "f.yml"), IsEmpty()) << text;
  }
}

TEST(ParseConfig, SaysWhereItIsWrong) {
  EXPECT_THAT(parse_config("tag: a\nbackend: [x, y]\n", "f.yml"), FailsSaying("f.yml:2:1"));
  EXPECT_THAT(parse_config("tag: a\nmode: {x: y}\n", "f.yml"), FailsSaying("f.yml:2:1"));
  EXPECT_THAT(parse_config("tag: a\nmode: off\ntag: b\n", "f.yml"),
              FailsSaying("f.yml:3:1: 'tag' is given twice"));
  EXPECT_THAT(parse_config("tag:\n", "f.yml"), FailsSaying("f.yml:1:1"));
  EXPECT_THAT(parse_config("tag: a\n\tmode: b\n", "f.yml"), FailsSaying("f.yml:2:"));
  EXPECT_THAT(parse_config("tag: a\nmode: \"\\q\"\n", "f.yml"), FailsSaying("f.yml:2:"));
}

TEST(ParseConfig, TakesOneMappingAndNothingElse) {
  for (const auto* text :
       {"- tag\n- mode\n", "tag", "42", "[tag, mode]", "{? [a, b] : c}", "tag: a\n---\nmode: b\n"}) {
    EXPECT_THAT(parse_config(text, "f.yml"), FailsWith(Errc::invalid)) << text;
  }
}

TEST(ParseConfig, SurvivesHostileText) {
  EXPECT_THAT(parse_config(std::string((std::size_t{1} << 20U) + 1, ' '), "f.yml"), FailsWith(Errc::invalid));
  for (const auto* part : {"[", "{", "- ", "? ", "a: {b: ", "&a [*a, ", "!!x "}) {
    std::string text;
    while (text.size() < 200'000) {
      text += part;
    }
    EXPECT_THAT(parse_config(text, "f.yml"), FailsWith(Errc::invalid)) << part;
  }
  // Found by fuzzing: yaml-cpp's LoadAll never came back.
  EXPECT_THAT(parse_config(",_: :\x20\x0f\x20\x0fm\n:od \"m", "f.yml"), FailsWith(Errc::invalid));
  // Nine levels of nine references each: expanded it would be gigabytes.
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 9; ++k) {
      bomb += fmt::format("{}*a{}", k == 0 ? "" : ",", i - 1);
    }
    bomb += "]\n";
  }
  EXPECT_THAT(parse_config(bomb, "f.yml"), FailsWith(Errc::invalid));
}

// apply_config_file reads the current folder.
class ConfigFile : public testing::Test {
protected:
  ConfigFile() { std::filesystem::current_path(folder_.path()); }
  ~ConfigFile() override { std::filesystem::current_path(before_); }

  Result<void> applied(const std::string& yaml, std::vector<std::string> arguments = {}) {
    EXPECT_THAT(io::write_file(".hearth.yml", yaml), Succeeds());
    std::ranges::reverse(arguments);  // as CLI11 wants them
    command_.parse(arguments);
    return apply_config_file(command_);
  }
  void SetUp() override { add_agent_options(command_, options_); }

  std::filesystem::path before_ = std::filesystem::current_path();
  tests::TempFolder folder_;
  CLI::App command_;
  AgentOptions options_;
};

TEST_F(ConfigFile, SetsWhatNoFlagSet) {
  ASSERT_THAT(applied("tag: from-file\nmode: read-only\n", {"--tag", "from-flag"}), Succeeds());

  EXPECT_EQ(options_.tag, "from-flag");
  EXPECT_EQ(options_.mode, "read-only");
}

TEST_F(ConfigFile, IsNotNeeded) {
  command_.parse(std::vector<std::string>{});
  EXPECT_THAT(apply_config_file(command_), Succeeds());
  EXPECT_EQ(options_.mode, "read-write");
}

TEST_F(ConfigFile, NamesAnUnknownKeyAndItsPlace) {
  const auto result = applied("tag: a\n\nmodes: off\n");
  EXPECT_THAT(result, FailsWith(Errc::invalid));
  EXPECT_THAT(result, FailsSaying(".hearth.yml:3:1: unknown key 'modes'"));
  EXPECT_THAT(result, FailsSaying("min-free-space"));  // the known ones are listed
}

TEST_F(ConfigFile, NamesTheKeyAndThePlaceOfAWrongValue) {
  for (const std::string key : {"max-size", "max-tag-size", "min-free-space", "preload-budget",
                                "preload-deadline", "drain-deadline", "mode", "sccache-mode"}) {
    const auto result = applied("scope: a\n" + key + ": banana\n");
    EXPECT_THAT(result, FailsWith(Errc::invalid)) << key;
    EXPECT_THAT(result, FailsSaying(".hearth.yml:2:1: " + key + ": ")) << key;
    EXPECT_THAT(result, FailsSaying("'banana'")) << key;
  }
}

TEST_F(ConfigFile, DoesNotLookAtValuesThatAFlagStandsInFor) {
  EXPECT_THAT(applied("max-size: banana\n", {"--max-size", "1GiB"}), Succeeds());
  EXPECT_EQ(options_.max_size, "1GiB");
}

TEST_F(ConfigFile, NamesTheVariableOfAWrongValue) {
  name_variables(command_);
  ::setenv("HEARTH_MAX_SIZE", "x", 1);
  const auto by_variable = applied("max-size: 2GiB\n");
  command_.clear();
  const auto by_flag = applied("max-size: 2GiB\n", {"--max-size", "1GiB"});
  ::unsetenv("HEARTH_MAX_SIZE");

  EXPECT_THAT(by_variable, FailsWith(Errc::invalid));
  EXPECT_THAT(by_variable, FailsSaying("HEARTH_MAX_SIZE: 'x'"));
  EXPECT_THAT(by_flag, Succeeds());
}

TEST_F(ConfigFile, PassesByKeysOfOtherCommands) {
  EXPECT_THAT(applied("prefix: rust\ntoolchain: 1.95.0\n"), Succeeds());
}

}  // namespace
}  // namespace agent::cli
