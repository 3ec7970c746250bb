#include "agent/action/exports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::action {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

JobFolder job_in_a_container() {
  return JobFolder{SharedFolder{
      .here = "/github/runner_temp/hearth", .host = "/w/_temp/hearth", .steps = "/__w/_temp/hearth"}};
}

TEST(Exports, NameHostPathsWhichTheRunnerTranslates) {
  const auto exports = exports_for(job_in_a_container(), {}, {});

  EXPECT_THAT(exports.variables, Contains(Pair("RUSTC_WRAPPER", "/w/_temp/hearth/sccache/bin/sccache")));
  EXPECT_THAT(exports.variables, Contains(Key("CMAKE_C_COMPILER_LAUNCHER")));
  EXPECT_THAT(exports.variables, Contains(Key("CMAKE_CXX_COMPILER_LAUNCHER")));
  EXPECT_THAT(exports.variables, Contains(Pair("CARGO_INCREMENTAL", "0")));
  EXPECT_THAT(exports.variables, Not(Contains(Key("SCCACHE_SERVER_UDS"))));
  EXPECT_THAT(exports.remarks, IsEmpty());
}

TEST(Exports, NameThePathAsTheStepsSeeItBecauseTheRunnerTranslatesNone) {
  EXPECT_EQ(exports_for(job_in_a_container(), {}, {}).path, "/__w/_temp/hearth/sccache/bin");
}

TEST(Exports, LeaveAWrapperThatSomebodyChose) {
  const auto exports = exports_for(job_in_a_container(), {},
                                   {{"RUSTC_WRAPPER", "/opt/mine"}, {"CMAKE_C_COMPILER_LAUNCHER", "ccache"}});

  EXPECT_THAT(exports.variables, Not(Contains(Key("RUSTC_WRAPPER"))));
  EXPECT_THAT(exports.variables, Not(Contains(Key("CMAKE_C_COMPILER_LAUNCHER"))));
  EXPECT_THAT(exports.variables, Contains(Key("CMAKE_CXX_COMPILER_LAUNCHER")));
  EXPECT_THAT(exports.remarks, Contains(HasSubstr("/opt/mine")));
}

TEST(Exports, ReplaceAnSccacheBecauseOursComesFirst) {
  const auto exports = exports_for(job_in_a_container(), {}, {{"RUSTC_WRAPPER", "sccache"}});

  EXPECT_THAT(exports.variables, Contains(Key("RUSTC_WRAPPER")));
}

TEST(Exports, NameCcachesFolderWhereItWasAskedFor) {
  const auto both = exports_for(job_in_a_container(), {.sccache = true, .ccache = true}, {});
  EXPECT_THAT(both.variables, Contains(Pair("CCACHE_DIR", testing::EndsWith("_temp/hearth/ccache/cache"))));
  EXPECT_THAT(both.variables, Contains(Pair("RUSTC_WRAPPER", testing::_)));
}

TEST(Exports, WrapNoCompilerWhereOnlyCcacheWasAskedFor) {
  const auto exports = exports_for(job_in_a_container(), {.sccache = false, .ccache = true}, {});
  EXPECT_THAT(exports.variables, Contains(Pair("CCACHE_DIR", testing::_)));
  EXPECT_THAT(exports.variables, Not(Contains(Pair("RUSTC_WRAPPER", testing::_))));
  EXPECT_THAT(exports.variables, Not(Contains(Pair("CMAKE_C_COMPILER_LAUNCHER", testing::_))));
}

}  // namespace
}  // namespace agent::action
