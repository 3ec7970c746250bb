// hearth report: the names of other jobs' artifacts are anybody's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/cli/program_fixture.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using ReportCommand = Program;

TEST_F(ReportCommand, GivesTheNamesOfFilesNoLineOfTheirOwn) {
  const auto folder = folder_.path() / "x\n::error title=t::\x1b[31m";
  ASSERT_THAT(io::make_folders(folder), tests::Succeeds());
  ASSERT_THAT(io::write_file(folder / "##[error]summary.json", "{"), tests::Succeeds());

  const auto report = hearth({"report", folder_.path().string()});

  EXPECT_EQ(report.code, k_failure);
  EXPECT_THAT(report.errors, HasSubstr("x ::error title=t:: [31m/## [error]summary.json: left out: "));
  EXPECT_THAT(report.errors, AllOf(Not(HasSubstr("\n::")), Not(HasSubstr("\x1b")), Not(HasSubstr("##["))));
}

}  // namespace
}  // namespace agent::cli
