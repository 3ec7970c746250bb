#include "agent/sccache/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/launcher/named_output.hpp"

namespace agent::sccache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CommandLine, TellsSourceAndSearchPathInOrder) {
  const auto line =
      read_command_line({"-idirafter", "last", "-isystem", "sys", "-Ione", "-I", "two", "-iquote", "near",
                         "-include", "forced.h", "-c", "a.c", "-o", "out.c"});

  EXPECT_EQ(line.source, "a.c");
  EXPECT_THAT(line.all, ElementsAre("one", "two", "sys", "last"));
  EXPECT_THAT(line.quoted, ElementsAre("near"));
  EXPECT_THAT(line.forced, ElementsAre("forced.h"));
  EXPECT_THAT(line.dependencies, IsEmpty());
}

TEST(CommandLine, KnowsWhereTheCompilerWritesDependencies) {
  EXPECT_THAT(read_command_line({"-MD", "-MT", "x", "-MF", "d/a.o.d", "-c", "a.c"}).dependencies,
              ElementsAre("d/a.o.d"));
  EXPECT_THAT(read_command_line({"-MMD", "-c", "a.c", "-o", "out/a.o"}).dependencies, ElementsAre("out/a.d"));
  EXPECT_THAT(read_command_line({"-MD", "-c", "src.d/a.c"}).dependencies, ElementsAre("src.d/a.d"));
  EXPECT_THAT(read_command_line({"-Wp,-MMD,.a.o.d", "-c", "a.c"}).dependencies, ElementsAre(".a.o.d"));
  EXPECT_THAT(read_command_line({"-MD", "-MF", ".deps/a.Tpo", "-c", "a.c"}).dependencies,
              ElementsAre(".deps/a.Tpo", ".deps/a.Po", ".deps/a.Plo"));
}

TEST(CommandLine, OfRustNamesTheDependencyInformation) {
  const auto line = read_command_line({"--crate-name", "low", "low/src/lib.rs", "--out-dir", "/t/deps", "-C",
                                       "metadata=1", "-C", "extra-filename=-0a1b"});

  EXPECT_EQ(line.source, "low/src/lib.rs");
  EXPECT_THAT(line.dependencies, ElementsAre("/t/deps/low-0a1b.d"));
}

TEST(NamedOutput, IsTheCrateOrTheOutput) {
  using Words = std::vector<std::string>;

  EXPECT_EQ(launcher::named_output(Words{"-c", "a.c", "-o", "out/a.o"}), "out/a.o");
  EXPECT_EQ(launcher::named_output(Words{"-c", "a.c", "-oa.o"}), "a.o");
  EXPECT_EQ(launcher::named_output(Words{"--crate-name", "low", "-o", "x"}), "low");
  EXPECT_EQ(launcher::named_output(Words{"-c", "a.c"}), "");
  EXPECT_EQ(launcher::named_output(Words{"-o"}), "");
}

}  // namespace
}  // namespace agent::sccache
