// Pre, and what main and post make of what it began.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/action/stages_fixture.hpp"

namespace agent::action {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class PreStage : public StagesFixture {};

TEST_F(PreStage, AWrongModeStopsTheJobBeforeItsSteps) {
  environment_.emplace_back("INPUT_MODE", "readonly");

  EXPECT_EQ(run(run_pre), k_invalid_input);
  EXPECT_THAT(log(), HasSubstr("read-only"));
}

TEST_F(PreStage, ATagThatIsKnownAtPreStartsTheAgentThere) {
  start_docker();
  environment_.emplace_back("INPUT_TOOLCHAIN", "1.95.0");

  EXPECT_EQ(run(run_pre), k_ok) << log();
  EXPECT_EQ(written("GITHUB_ENV"), "") << "nothing is exported before it is ready";
  hand_over_state();
  EXPECT_EQ(run(run_main), k_ok) << log();

  const auto calls = docker_->calls();
  EXPECT_EQ(std::ranges::count(calls, "POST /v1.41/containers/sibling/start"), 1);
  EXPECT_EQ(entry("GITHUB_OUTPUT", "endpoint"), "http://127.0.0.1:7420");
  EXPECT_THAT(io::read_file(job() / "sccache/bin/launcher.conf", 65536).value_or(""), HasSubstr("token"));
  EXPECT_FALSE(fs::exists(job() / "agent/steps-token"));
  EXPECT_EQ(run(run_post), k_ok);
  EXPECT_THAT(written("GITHUB_STEP_SUMMARY"), HasSubstr("3 of 4"));
  EXPECT_THAT(log(), Not(HasSubstr("of this job's steps"))) << "pre and main are one user";
}

TEST_F(PreStage, ATagThatTheCheckoutDecidesWaitsForMain) {
  start_docker();

  EXPECT_EQ(run(run_pre), k_ok);

  EXPECT_TRUE(docker_->calls().empty());
  EXPECT_THAT(log(), HasSubstr("`toolchain`"));
}

TEST_F(PreStage, AnAgentThatPreStartedForOtherInputsIsReplaced) {
  start_docker();
  environment_.emplace_back("INPUT_TOOLCHAIN", "1.95.0");
  EXPECT_EQ(run(run_pre), k_ok);
  hand_over_state();
  io::set_variable(environment_, "INPUT_TOOLCHAIN", "1.96.0");
  agent_.reset();

  EXPECT_EQ(run(run_main), k_ok) << log();

  const auto calls = docker_->calls();
  EXPECT_EQ(std::ranges::count(calls, "POST /v1.41/containers/sibling/start"), 2);
  EXPECT_THAT(calls, Contains(StartsWith("DELETE /v1.41/containers/hearth-")));
  EXPECT_EQ(entry("GITHUB_OUTPUT", "root-tag"), "build-1.96.0-sccache-linux-x86_64");
  EXPECT_EQ(occurrences(log(), "::warning"), 0U) << log();
}

TEST_F(PreStage, AnAgentWhoseStepWasSkippedEndsUnused) {
  start_docker();
  environment_.emplace_back("INPUT_TAG", "mine");
  EXPECT_EQ(run(run_pre), k_ok);
  hand_over_state();

  EXPECT_EQ(run(run_post), k_ok);

  EXPECT_THAT(docker_->calls(), Contains(StartsWith("DELETE /v1.41/containers/hearth-")));
  EXPECT_EQ(written("GITHUB_STEP_SUMMARY"), "");
  EXPECT_FALSE(fs::exists(job() / "sentinel"));
}

TEST_F(PreStage, WithoutDockerPreLeavesItToMain) {
  environment_.emplace_back("INPUT_TAG", "mine");

  EXPECT_EQ(run(run_pre), k_ok);

  EXPECT_EQ(occurrences(log(), "::warning"), 0U) << log();
  EXPECT_THAT(log(), HasSubstr("starts with the step itself"));
}

}  // namespace
}  // namespace agent::action
