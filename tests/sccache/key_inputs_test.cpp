#include "agent/sccache/key_inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::sccache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeyInputsTest : public ::testing::Test {
protected:
  void write(const std::string& name, std::string_view text) const {
    const auto path = folder_.path() / name;
    ASSERT_TRUE(io::make_folders(path.parent_path()));
    ASSERT_TRUE(io::write_file(path, text, {}));
  }

  // The names of the files of one compilation that ran in the folder.
  std::vector<std::string> inputs_of(std::vector<std::string> arguments, const std::string& output) const {
    std::vector<KeyedCompilation> compilations = {
        {.name = "x", .key = 1, .outcome = "miss", .arguments = std::move(arguments), .inputs = {}}};
    const auto files = find_inputs(compilations, folder_.path().string() + "\t" + output + "\n");
    std::vector<std::string> names;
    for (const auto number : compilations.front().inputs) {
      const auto& path = files.at(number).path;
      names.push_back(path.starts_with("/") ? path.substr(folder_.path().string().size() + 1) : path);
    }
    return names;
  }

  tests::TempFolder folder_;
};

TEST_F(KeyInputsTest, FollowsIncludesWhereNothingWasWrittenDown) {
  write("src/a.c", "#include <config.h>\n  #  include \"near.h\"\n#include <stdio.h>\n#include MACRO\n");
  write("include/config.h", "#ifdef X\n#include <deep.h>\n#endif\n");
  write("include/deep.h", "#include \"config.h\"\n");
  write("src/near.h", "");

  EXPECT_THAT(inputs_of({"-Iinclude", "-c", "src/a.c", "-o", "a.o"}, "a.o"),
              ElementsAre("src/a.c", "include/config.h", "include/deep.h", "src/near.h"));
}

TEST_F(KeyInputsTest, TakesWhatTheCompilerWroteDown) {
  write("a.c", "#include \"not_read.h\"\n");
  write("not_read.h", "");
  write("read.h", "");
  write("a.d", "a.o: a.c read.h gone.h\n");

  EXPECT_THAT(inputs_of({"-MD", "-MF", "a.d", "-c", "./a.c", "-o", "a.o"}, "a.o"),
              ElementsAre("a.c", "read.h"));
}

TEST_F(KeyInputsTest, DoesNotTakeTheDependenciesOfAnotherSource) {
  write("a.c", "");
  write("other.h", "");
  write("a.d", "a.o: b.c other.h\n");

  EXPECT_THAT(inputs_of({"-MD", "-MF", "a.d", "-c", "a.c", "-o", "a.o"}, "a.o"), ElementsAre("a.c"));
}

TEST_F(KeyInputsTest, OfACrateAreItsSourcesAndVariables) {
  write("low/src/lib.rs", "mod part;");
  write("low/src/part.rs", "");
  write("deps/low-1.d", "x: low/src/lib.rs low/src/part.rs\n# env-dep:GIT_HASH=abc\n");

  EXPECT_THAT(inputs_of({"--crate-name", "low", "low/src/lib.rs", "--out-dir",
                         (folder_.path() / "deps").string(), "-C", "extra-filename=-1"},
                        "low"),
              ElementsAre("low/src/lib.rs", "low/src/part.rs", "env:GIT_HASH"));
}

TEST_F(KeyInputsTest, AreNoneWhereTheSourceIsNotToBeFound) {
  EXPECT_THAT(inputs_of({"-c", "a.c", "-o", "a.o"}, "a.o"), IsEmpty());
  EXPECT_THAT(inputs_of({"-c", "a.c", "-o", "a.o"}, "other.o"), IsEmpty());
}

TEST_F(KeyInputsTest, TellsCompilationsOfOneNameInTwoFoldersApart) {
  write("one/a.c", "1");
  write("two/a.c", "2");
  const KeyedCompilation compilation{
      .name = "a.o", .key = 1, .outcome = "", .arguments = {"-c", "a.c", "-o", "a.o"}, .inputs = {}};
  std::vector<KeyedCompilation> both = {compilation, compilation};
  const auto root = folder_.path().string();

  const auto files = find_inputs(both, root + "/one\ta.o\n" + root + "/two\ta.o\n");

  ASSERT_EQ(files.size(), 2U);
  EXPECT_NE(files[0].digest, files[1].digest);
  EXPECT_THAT(both[0].inputs, ElementsAre(0U));
  EXPECT_THAT(both[1].inputs, ElementsAre(1U));
}

TEST_F(KeyInputsTest, ChangeTheirDigestWithTheirBytes) {
  write("a.c", "1");
  std::vector<KeyedCompilation> one = {{.name = "a.o",
                                        .key = 1,
                                        .outcome = "",
                                        .arguments = {"-c", (folder_.path() / "a.c").string()},
                                        .inputs = {}}};
  const auto before = find_inputs(one, {});
  write("a.c", "2");

  EXPECT_NE(find_inputs(one, {}), before);
}

TEST(Ranges, AreReadAsTheyAreWritten) {
  EXPECT_EQ(ranges_of({0, 1, 2, 7, 9, 10}), "0-2 7 9-10");
  EXPECT_THAT(*parse_ranges("0-2 7 9-10", 11), ElementsAre(0U, 1U, 2U, 7U, 9U, 10U));
  EXPECT_EQ(ranges_of({}), "");
  EXPECT_THAT(*parse_ranges("", 0), IsEmpty());
}

TEST(Ranges, ThatNobodyWroteAreRefused) {
  for (const auto* text : {"3-1", "1 1", "2 1", "x", "1-", "-1", "10", "0-4294967296", "1-3-5"}) {
    EXPECT_THAT(parse_ranges(text, 10), tests::FailsWith(Errc::invalid)) << text;
  }
}

}  // namespace
}  // namespace agent::sccache
