#include "agent/action/file_commands.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::action {
namespace {

using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

// As FileCommandManager.cs reads a file of NAME<<DELIMITER entries.
std::vector<std::pair<std::string, std::string>> entries_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> entries;
  std::optional<std::string> delimiter;
  for (const auto line : split(text, '\n')) {
    if (!delimiter) {
      const auto at = line.find("<<");
      if (at != std::string_view::npos) {
        entries.emplace_back(line.substr(0, at), "");
        delimiter = line.substr(at + 2);
      }
    } else if (line == *delimiter) {
      delimiter.reset();
    } else {
      auto& value = entries.back().second;
      value += (value.empty() ? "" : "\n") + std::string(line);
    }
  }
  return entries;
}

class FileCommandsTest : public testing::Test {
protected:
  FileCommands commands() const {
    io::Environment environment;
    for (const auto* name :
         {"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"}) {
      environment.emplace_back(name, (temp_.path() / name).string());
    }
    return FileCommands(environment);
  }
  std::string written(const char* name) const {
    return io::read_file(temp_.path() / name, 4096).value_or("");
  }

private:
  TempFolder temp_;
};

TEST_F(FileCommandsTest, CarryAnyValueThrough) {
  ASSERT_THAT(commands().set_variable("A", "x=y<<z\nEOF\n"), Succeeds());
  ASSERT_THAT(commands().set_variable("B", ""), Succeeds());

  const auto entries = entries_of(written("GITHUB_ENV"));

  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0], std::make_pair(std::string("A"), std::string("x=y<<z\nEOF\n")));
  EXPECT_EQ(entries[1], std::make_pair(std::string("B"), std::string()));
}

TEST_F(FileCommandsTest, UseADelimiterThatCannotBeGuessed) {
  ASSERT_THAT(commands().set_output("a", "1"), Succeeds());
  ASSERT_THAT(commands().set_output("b", "1"), Succeeds());

  const auto text = written("GITHUB_OUTPUT");
  const auto lines = split(text, '\n');

  ASSERT_GE(lines.size(), 5U);
  EXPECT_NE(lines[2], lines[5]);
  EXPECT_EQ(lines[2].size(), std::string_view("hearth_").size() + 32);
}

TEST_F(FileCommandsTest, WriteStateAndPathAndSummaryWhereTheyBelong) {
  ASSERT_THAT(commands().save_state("user", "7"), Succeeds());
  ASSERT_THAT(commands().prepend_path("/host/bin"), Succeeds());
  ASSERT_THAT(commands().append_summary("# Title"), Succeeds());

  EXPECT_EQ(entries_of(written("GITHUB_STATE")).front().second, "7");
  EXPECT_EQ(written("GITHUB_PATH"), "/host/bin\n");
  EXPECT_EQ(written("GITHUB_STEP_SUMMARY"), "# Title\n");
}

TEST_F(FileCommandsTest, RefuseNamesAndPathsThatWouldBecomeOtherCommands) {
  EXPECT_THAT(commands().set_variable("A=B", "x"), FailsWith(Errc::invalid));
  EXPECT_THAT(commands().set_variable("A\nB", "x"), FailsWith(Errc::invalid));
  EXPECT_THAT(commands().prepend_path("/a\n/b"), FailsWith(Errc::invalid));
  EXPECT_THAT(commands().append_summary(std::string(k_summary_limit + 1, 'x')), FailsWith(Errc::invalid));
  EXPECT_EQ(written("GITHUB_ENV") + written("GITHUB_PATH") + written("GITHUB_STEP_SUMMARY"), "");
}

TEST(FileCommands, SayWhenTheRunnerTakesNone) {
  EXPECT_THAT(FileCommands({}).set_output("a", "b"), FailsWith(Errc::not_found));
}

TEST(RandomHex, IsAsLongAsAskedAndNeverTheSame) {
  EXPECT_EQ(random_hex(16).size(), 32U);
  EXPECT_NE(random_hex(16), random_hex(16));
}

}  // namespace
}  // namespace agent::action
