// The program as its main() calls it: exit codes and what people read. The running binary: tests/agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/command.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/io/process.hpp"
#include "tests/cli/program_fixture.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::cli {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::MatchesRegex;

const std::vector<std::string> k_commands = {
#define COMMAND(name) #name,
#include "agent/cli/commands.def"
#undef COMMAND
};

TEST_F(Program, ShowsAnExampleInTheHelpOfEveryCommand) {
  const auto all = hearth({"--help"});
  EXPECT_EQ(all.code, k_ok);
  for (const auto& command : k_commands) {
    EXPECT_THAT(all.output, HasSubstr("\n  " + command + " ")) << command;
    const auto help = hearth({command, "--help"});
    EXPECT_EQ(help.code, k_ok) << command;
    EXPECT_THAT(help.output, HasSubstr("Example:\n")) << command;
    EXPECT_THAT(help.output, HasSubstr("hearth " + command)) << command;
    EXPECT_EQ(help.errors, "") << command;
  }
}

TEST_F(Program, PrintsNoWorkflowCommandThatItWasGiven) {
  const auto refused = hearth({"ls", "--backend", "x\n::error title=forged::y"});
  EXPECT_NE(refused.code, k_ok);
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("error title=forged"), testing::Not(HasSubstr("\n::"))));
}

TEST_F(Program, RemovesWhatNoTagRefersToADayLater) {
  const auto backend = "disk://" + (folder_.path() / "backend").string();
  const auto pack = folder_.path() / "backend/packs/ab" / std::string(64, 'a');
  ASSERT_THAT(io::make_folders(pack.parent_path()), tests::Succeeds());
  ASSERT_THAT(io::write_file(pack, "nobody refers to it"), tests::Succeeds());
  const auto age = [&] {  // the storage's clock is that of its files
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() / "backend")) {
      std::filesystem::last_write_time(entry.path(), entry.last_write_time() - std::chrono::hours(25));
    }
  };
  age();

  const auto first = hearth({"gc", "--backend", backend, "--json"});
  EXPECT_EQ(first.code, k_ok) << first.errors;
  auto figures = io::parse_json(first.output, "figures");
  ASSERT_THAT(figures, tests::Succeeds());
  EXPECT_EQ((*figures)["packs"].count(), 1U);
  EXPECT_EQ((*figures)["removed_objects"].count(), 0U);
  EXPECT_EQ((*figures)["waiting_objects"].count(), 1U);
  EXPECT_EQ((*figures)["removed_generations"].count(), 0U);
  EXPECT_TRUE(std::filesystem::exists(pack));
  age();
  EXPECT_THAT(hearth({"gc", "--backend", backend, "--dry-run"}).output, HasSubstr("would be removed: 0"))
      << "only what it writes tells it the storage's time";
  EXPECT_TRUE(std::filesystem::exists(pack));

  const auto last = hearth({"gc", "--backend", backend});

  EXPECT_EQ(last.code, k_ok);
  EXPECT_THAT(last.output, HasSubstr("removed: 1 packs and manifests"));
  EXPECT_FALSE(std::filesystem::exists(pack));
}

TEST_F(Program, SaysWhatGcCannotDo) {
  EXPECT_EQ(hearth({"gc", "--backend", "disk://" + folder_.path().string(), "--tag-size", "lots"}).code,
            k_usage);
  const auto github = hearth({"gc", "--backend", "github"});
  EXPECT_EQ(github.code, k_failure);
  EXPECT_THAT(github.errors, HasSubstr("use the Hearth action"));
}

TEST_F(Program, CreatesNoStorageByLookingAtOne) {
  const auto typo = folder_.path() / "typo";
  const auto home = folder_.path() / "home";
  ASSERT_THAT(io::make_folders(home), tests::Succeeds());
  const auto before = io::environment_value("XDG_CACHE_HOME");
  ::setenv("XDG_CACHE_HOME", home.c_str(), 1);

  for (const auto& command : std::vector<std::vector<std::string>>{
           {"ls"}, {"gc"}, {"inspect", "one"}, {"check", "one"}, {"rm", "one"}}) {
    SCOPED_TRACE(command.front());
    auto named = command;
    named.insert(named.end(), {"--backend", "disk://" + typo.string()});
    const auto wrong = hearth(named);
    EXPECT_EQ(wrong.code, k_failure);
    EXPECT_THAT(wrong.errors, HasSubstr(typo.string() + " does not exist"));

    // No run was ever here: there are no tags, and nothing is wrong with that.
    const auto first = hearth(command);
    const bool one_tag = command.size() > 1;
    EXPECT_EQ(first.code, one_tag ? k_failure : k_ok);
    EXPECT_THAT(first.errors,
                one_tag ? testing::Matcher<std::string>(HasSubstr("no tag one")) : testing::Eq(""));
  }

  EXPECT_EQ(hearth({"ls"}).output, "no tags\n");
  EXPECT_FALSE(std::filesystem::exists(typo));
  EXPECT_TRUE(std::filesystem::is_empty(home));
  before.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", before.c_str(), 1);
}

TEST_F(Program, TellsObjectsFromTagsWhenItRemoves) {
  const auto backend = "disk://" + (folder_.path() / "backend").string();
  ASSERT_THAT(io::make_folders(folder_.path() / "backend"), tests::Succeeds());
  const auto rm = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"rm", "--backend", backend});
    return hearth(std::move(arguments));
  };

  EXPECT_THAT(rm({"sccache/a/b"}).errors, HasSubstr("hearth rm --tag TAG KEY"));
  EXPECT_EQ(rm({"sccache/a/b"}).code, k_usage);
  EXPECT_EQ(rm({"--tag", "one", "two"}).code, k_usage) << "a mistyped key removes no tag";
  EXPECT_EQ(rm({"one", "two"}).code, k_usage);
  const auto absent = rm({"--tag", "one", "sccache/a/b"});
  EXPECT_EQ(absent.code, k_failure);
  EXPECT_THAT(absent.errors, HasSubstr("no tag one"));
  EXPECT_THAT(rm({"one"}).errors, HasSubstr("no tag one"));
}

TEST_F(Program, TellsItsVersion) {
  const auto version = hearth({"--version"});
  EXPECT_EQ(version.code, k_ok);
  EXPECT_THAT(version.output, MatchesRegex("hearth [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(Program, AnswersWrongUsageWithTwo) {
  EXPECT_EQ(hearth({}).code, k_usage);
  EXPECT_EQ(hearth({"no-such-command"}).code, k_usage);
  EXPECT_EQ(hearth({"tag", "surplus"}).code, k_usage);
  EXPECT_EQ(hearth({"run"}).code, k_usage);
  EXPECT_THAT(hearth({"agent", "--no-such-flag"}).errors, HasSubstr("--no-such-flag"));
  for (const auto& command : k_commands) {
    SCOPED_TRACE(command);
    const auto unknown = hearth({command, "--no-such-flag"});
    EXPECT_EQ(unknown.code, k_usage);
    // What is missing is said first, where something is.
    EXPECT_THAT(unknown.errors, AnyOf(HasSubstr("--no-such-flag"), HasSubstr("is required")));
    EXPECT_EQ(unknown.output, "") << command;
  }
}

TEST_F(Program, NamesTheWordThatIsWrong) {
  EXPECT_THAT(hearth({"frobnicate"}).errors,
              AllOf(HasSubstr("'frobnicate' is no command"), HasSubstr("hearth --help")));
  EXPECT_THAT(hearth({"inspct"}).errors, HasSubstr("did you mean 'inspect'?"));
  EXPECT_THAT(hearth({"--bogus"}).errors, HasSubstr("'--bogus' is no option of hearth"));
  EXPECT_THAT(hearth({"run", "--bogus", "--", "true"}).errors,
              AllOf(HasSubstr("hearth run: '--bogus' was not expected;"), HasSubstr("hearth run --help")));
  EXPECT_THAT(hearth({"ls", "--backnd=none"}).errors, HasSubstr("did you mean '--backend'?"));
  EXPECT_THAT(hearth({"--tag", "t", "run", "--", "true"}).errors, HasSubstr("it stands behind the command"));
  EXPECT_THAT(hearth({}).errors, HasSubstr("A subcommand is required"));
  EXPECT_EQ(hearth({"frobnicate"}).code, k_usage);
}

TEST_F(Program, NamesTheModesWhenItIsGivenAnother) {
  for (const auto& arguments : {std::vector<std::string>{"agent", "--tag", "t", "--mode", "readwrite"},
                                {"run", "--tag", "t", "--mode", "readwrite", "--", "true"}}) {
    const auto wrong = hearth(arguments);
    EXPECT_EQ(wrong.code, k_usage);
    EXPECT_THAT(wrong.errors, AllOf(HasSubstr("readwrite"), HasSubstr("read-write"), HasSubstr("read-only"),
                                    HasSubstr("write-only"), HasSubstr("off")));
  }
}

TEST_F(Program, RefusesAnOpenAgentBeyondLoopback) {
  const auto wrong = hearth({"agent", "--tag", "t", "--listen", "0.0.0.0:0"});
  EXPECT_EQ(wrong.code, k_usage);
  EXPECT_THAT(wrong.errors, HasSubstr("--token-file"));
}

TEST_F(Program, RefusesAddressesThatAreNone) {
  for (const auto* listen : {"", "7420", "127.0.0.1:", "127.0.0.1:port", "127.0.0.1:65536", "127.0.0.1:-1"}) {
    EXPECT_EQ(hearth({"agent", "--tag", "t", "--listen", listen}).code, k_usage) << listen;
  }
}

TEST_F(Program, RefusesAnEmptyTokenFile) {
  ASSERT_THAT(io::write_file("token", " \n"), tests::Succeeds());
  const auto wrong = hearth({"agent", "--tag", "t", "--token-file", "token"});
  EXPECT_EQ(wrong.code, k_usage);
  EXPECT_THAT(wrong.errors, HasSubstr("token is empty"));
  EXPECT_EQ(hearth({"agent", "--tag", "t", "--token-file", "none"}).code, k_failure);
}

TEST_F(Program, PrintsTheTag) {
  const auto tag =
      hearth({"tag", "--prefix", "rust", "--toolchain", "1.95.0", "--os", "Linux", "--arch", "X64"});
  EXPECT_EQ(tag.code, k_ok);
  EXPECT_EQ(tag.output, "rust-1.95.0-sccache-linux-x86_64\n");
  EXPECT_EQ(tag.errors, "");
}

TEST_F(Program, PrintsTheTagsPartsAsJson) {
  const auto tag = hearth({"tag", "--json", "--toolchain", "1.95.0", "--os", "linux", "--arch", "arm64",
                           "--matrix", R"({"b":2,"a":1})"});
  EXPECT_EQ(tag.code, k_ok);
  const auto json = io::parse_json(tag.output, "tag");
  ASSERT_THAT(json, tests::Succeeds());
  EXPECT_THAT(json->text("tag"), MatchesRegex(".*1\\.95\\.0-sccache-linux-aarch64-.*-[0-9a-f]{16}"));
  ASSERT_NE((*json)["parts"].array(), nullptr);
  for (const auto& part : *(*json)["parts"].array()) {
    EXPECT_NE(part.text("name"), "");
    EXPECT_NE(part.text("source"), "") << part.text("name");
  }
  EXPECT_NE((*json)["warnings"].array(), nullptr);
}

TEST_F(Program, ExplainsWhereEachPartComesFrom) {
  const auto tag = hearth({"tag", "--explain", "--toolchain", "1.95.0"});
  EXPECT_EQ(tag.code, k_ok);
  EXPECT_THAT(tag.output, AllOf(HasSubstr("toolchain"), HasSubstr("1.95.0"), HasSubstr("arch")));
}

TEST_F(Program, AnswersABrokenMatrixWithTwo) {
  const auto tag = hearth({"tag", "--toolchain", "1", "--matrix", "{broken"});
  EXPECT_EQ(tag.code, k_usage);
  EXPECT_THAT(tag.errors, HasSubstr("matrix"));
}

TEST_F(Program, AsksForTheControlSocket) {
  for (const auto* command : {"status", "flush", "drain"}) {
    const auto missing = hearth({command});
    EXPECT_EQ(missing.code, k_usage) << command;
    EXPECT_THAT(missing.errors, HasSubstr("--control")) << command;

    const auto nobody = hearth({command, "--control", (folder_.path() / "nobody").string()});
    EXPECT_EQ(nobody.code, k_failure) << command;
    EXPECT_THAT(nobody.errors, HasSubstr("nobody")) << command;
  }
  EXPECT_EQ(hearth({"drain", "--control", "x", "--deadline", "soon"}).code, k_usage);
}

TEST_F(Program, ReadsVariablesBelowFlagsAndAboveTheFile) {
  ASSERT_THAT(io::write_file(".hearth.yml", "prefix: file\ntoolchain: '1'\n"), tests::Succeeds());
  EXPECT_THAT(hearth({"tag", "--toolchain", "2"}).output, MatchesRegex("file-2-sccache-.*"));
  ::setenv("HEARTH_PREFIX", "variable", 1);
  const auto by_variable = hearth({"tag"});
  const auto by_flag = hearth({"tag", "--prefix", "flag"});
  ::unsetenv("HEARTH_PREFIX");
  EXPECT_THAT(by_variable.output, MatchesRegex("variable-1-sccache-.*"));
  EXPECT_THAT(by_flag.output, MatchesRegex("flag-1-sccache-.*"));
}

TEST_F(Program, AnswersAWrongConfigurationFileWithTwo) {
  ASSERT_THAT(io::write_file(".hearth.yml", "tag: a\nunheard-of: b\n"), tests::Succeeds());
  const auto wrong = hearth({"tag"});
  EXPECT_EQ(wrong.code, k_usage);
  EXPECT_THAT(wrong.errors, HasSubstr(".hearth.yml:2:1: unknown key 'unheard-of'"));
}

TEST_F(Program, CompletesItsOwnCommands) {
  for (const auto* shell : {"bash", "zsh"}) {
    const auto script = hearth({"completion", shell});
    EXPECT_EQ(script.code, k_ok);
    for (const auto& command : k_commands) {
      EXPECT_THAT(script.output, HasSubstr("    " + command + ") words=")) << shell;
    }
  }
  EXPECT_EQ(hearth({"completion", "fish"}).code, k_usage);
}

TEST_F(Program, SaysWhatKeepsACommandFromRunning) {
  EXPECT_EQ(report_error({.code = Errc::invalid, .message = "x"}), k_usage);
  EXPECT_EQ(report_error({.code = Errc::io, .message = "x"}), k_failure);
  EXPECT_EQ(report_error({.code = Errc::conflict, .message = "x"}), k_conflict);
}

}  // namespace
}  // namespace agent::cli
