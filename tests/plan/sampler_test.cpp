#include "agent/plan/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.hpp"

namespace agent::plan {
namespace {

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20U;

TEST(ParseStatus, ReadsNameParentAndMemory) {
  const auto status = parse_status(
      "Name:\tcc1plus\nUmask:\t0022\nPid:\t12\nPPid:\t7\nVmHWM:\t  204800 kB\nRssAnon:\t   1024 kB\n"
      "RssFile:\t  9999 kB\nRssShmem:\t      4 kB\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->name, "cc1plus");
  EXPECT_EQ(status->parent, 7);
  EXPECT_EQ(status->peak_bytes, 200 * k_mib);
  EXPECT_EQ(status->anonymous_bytes, 1028 * 1024U);
}

TEST(ParseStatus, OfAKernelThreadHasNoMemory) {
  const auto status = parse_status("Name:\tkthreadd\nPPid:\t0\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->peak_bytes, 0U);
}

TEST(ParseStatus, RefusesWhatIsNone) {
  for (const auto* text : {"", "Name:\tx\n", "PPid:\t1\n", "Name:\tx\nPPid:\tmany\n", "Name\nPPid\n"}) {
    EXPECT_EQ(parse_status(text), std::nullopt) << text;
  }
}

TEST(IsCompiler, KnowsThemByName) {
  EXPECT_TRUE(is_compiler("rustc"));
  EXPECT_TRUE(is_compiler("cc1plus"));
  EXPECT_FALSE(is_compiler("cargo"));
  EXPECT_FALSE(is_compiler(""));
}

TEST(CompilationsIn, CountsACompilerWithAllItStartsOnce) {
  EXPECT_EQ(compilations_in({}), 0U);
  EXPECT_EQ(compilations_in({{1, {.name = "cargo"}},
                             {2, {.name = "rustc", .parent = 1}},
                             {3, {.name = "cc", .parent = 2}},
                             {4, {.name = "collect2", .parent = 3}},
                             {5, {.name = "ld", .parent = 4}}}),
            1U);
  EXPECT_EQ(compilations_in({{1, {.name = "rustc"}}, {2, {.name = "rustc", .parent = 1}}}), 1U)
      << "a wrapper and the compiler behind it";
  EXPECT_EQ(compilations_in({{1, {.name = "clang"}},
                             {2, {.name = "clang-19", .parent = 1}},
                             {3, {.name = "ld.lld", .parent = 1}}}),
            1U);
}

TEST(CompilationsIn, CountsTheStepsOfOneGccOnce) {
  EXPECT_EQ(compilations_in({{1, {.name = "make"}},
                             {2, {.name = "g++", .parent = 1}},
                             {3, {.name = "cc1plus", .parent = 2}},
                             {4, {.name = "as", .parent = 2}},
                             {5, {.name = "collect2", .parent = 2}},
                             {6, {.name = "lto1", .parent = 5}}}),
            1U);
}

TEST(CompilationsIn, CountsWhatRunsSideBySide) {
  EXPECT_EQ(compilations_in({{1, {.name = "sccache"}},
                             {2, {.name = "gcc", .parent = 1}},
                             {3, {.name = "cc1", .parent = 2}},
                             {4, {.name = "gcc", .parent = 1}},
                             {5, {.name = "cc1", .parent = 4}},
                             {6, {.name = "rustc", .parent = 1}},
                             {7, {.name = "rustc", .parent = 1}}}),
            4U)
      << "a server of sccache above them is none of them";
  EXPECT_EQ(compilations_in(
                {{1, {.name = "make"}}, {2, {.name = "as", .parent = 1}}, {3, {.name = "ld", .parent = 1}}}),
            2U)
      << "of a build that needs no driver";
}

TEST(CompilationsIn, EndsWhereParentsGoInACircle) {
  EXPECT_EQ(compilations_in({{1, {.name = "sh", .parent = 2}},
                             {2, {.name = "sh", .parent = 1}},
                             {3, {.name = "as", .parent = 2}}}),
            1U);
}

TEST(Measure, SeesTheCompilersOfABuild) {
  const tests::TempFolder folder;
  const auto source = folder.path() / "a.cpp";
  ASSERT_TRUE(io::write_file(source, "#include <iostream>\n"));
  const auto measured =
      measure({.arguments = {"/bin/sh", "-c",
                             "g++ -std=c++20 -c a.cpp -o a.o & g++ -std=c++20 -c a.cpp -o b.o & wait"},
               .folder = folder.path()},
              {});
  ASSERT_TRUE(measured) << measured.error().message;
  EXPECT_GE(measured->most_compilers, 1U);
  EXPECT_GT(measured->compiler_bytes, 20 * k_mib);
  EXPECT_GT(measured->peak_bytes, 10 * k_mib);
  EXPECT_GT(measured->cpu_seconds, 0);
  EXPECT_GT(measured->seconds, 0);
}

TEST(Measure, CountsOneCompilationOnce) {
  const tests::TempFolder folder;
  ASSERT_TRUE(io::write_file(folder.path() / "a.cpp", "#include <iostream>\nint main() {}\n"));
  const auto measured = measure(
      {.arguments = {"/bin/sh", "-c", "g++ -pipe -std=c++20 a.cpp -o a; true"}, .folder = folder.path()}, {});
  ASSERT_TRUE(measured) << measured.error().message;
  EXPECT_EQ(measured->most_compilers, 1U) << "as runs beside cc1plus";
}

TEST(Measure, FailsWithTheBuild) {
  const auto measured = measure({.arguments = {"/bin/sh", "-c", "exit 3"}}, {});
  ASSERT_FALSE(measured);
  EXPECT_THAT(measured.error().message, testing::HasSubstr("exit code 3"));
}

TEST(Measure, IsInterrupted) {
  std::stop_source stop;
  stop.request_stop();
  const auto measured = measure({.arguments = {"/bin/sleep", "60"}}, stop.get_token());
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace agent::plan
