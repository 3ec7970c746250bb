// Main and post: what the runner gets to see.
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
using tests::Succeeds;

class StagesTest : public StagesFixture {};

TEST_F(StagesTest, WithoutDockerTheBuildGoesOnWithOneWarningAndNothingExported) {
  EXPECT_EQ(run(run_main), k_ok);
  hand_over_state();
  EXPECT_EQ(run(run_post), k_ok);

  EXPECT_EQ(occurrences(log(), "::warning"), 1U) << log();
  EXPECT_THAT(log(), HasSubstr("The build goes on uncached: there is no"));
  EXPECT_EQ(written("GITHUB_ENV") + written("GITHUB_PATH"), "");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "endpoint"), "");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "root-tag"), "build-any-sccache-linux-x86_64");
  EXPECT_THAT(written("GITHUB_STEP_SUMMARY"), HasSubstr("without the cache"));
}

TEST_F(StagesTest, WithoutDockerSccachesFolderIsFilledByMainAndPublishedByPost) {
  environment_.emplace_back("GITHUB_WORKSPACE", (root() / "github/workspace").string());
  environment_.emplace_back("INPUT_BACKEND", "disk:///w/r/r/.cache");
  const auto cache = job() / "sccache/cache";
  EXPECT_EQ(run(run_main), k_ok) << log();
  hand_over_state();

  EXPECT_EQ(occurrences(log(), "::warning"), 0U) << log();
  EXPECT_EQ(occurrences(log(), "::notice"), 1U) << log();
  EXPECT_EQ(entry("GITHUB_ENV", "RUSTC_WRAPPER"), "/w/_temp/hearth/sccache/bin/sccache");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "cache-hit"), "false");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "backend"), "disk:///w/r/r/.cache");
  EXPECT_THAT(io::read_file(job() / "sccache/bin/launcher.conf", 65536).value_or(""),
              HasSubstr("env.SCCACHE_DIR=/w/_temp/hearth/sccache/cache\n"));
  ASSERT_THAT(io::make_folders(cache / "a/b"), Succeeds());
  ASSERT_THAT(io::write_file(cache / "a/b/abc", "object"), Succeeds());
  EXPECT_EQ(run(run_post), k_ok) << log();
  const auto figures = io::parse_json(io::read_file(job() / "summary.json", 65536).value_or(""), "figures");
  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ((*figures)["published"].count(), 2U);  // with the record of the mode
  EXPECT_EQ(figures->text("sccache_mode"), "disk");
  EXPECT_FALSE(fs::exists(job() / "sccache"));

  EXPECT_EQ(run(run_main), k_ok) << log();

  EXPECT_EQ(io::read_file(cache / "a/b/abc", 65536), "object");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "cache-hit"), "true");
}

TEST_F(StagesTest, WithoutDockerASecondUseAttaches) {
  environment_.emplace_back("GITHUB_WORKSPACE", (root() / "github/workspace").string());
  environment_.emplace_back("INPUT_BACKEND", "disk:///w/r/r/.cache");
  EXPECT_EQ(run(run_main), k_ok);
  ASSERT_THAT(io::write_file(job() / "sccache/cache/abc", "object"), Succeeds());

  EXPECT_EQ(run(run_main), k_ok);

  EXPECT_TRUE(fs::exists(job() / "sccache/cache/abc"));
  EXPECT_THAT(log(), HasSubstr("an earlier step of this job"));
}

TEST_F(StagesTest, WithoutDockerProxyModeIsOutOfReach) {
  environment_.emplace_back("GITHUB_WORKSPACE", (root() / "github/workspace").string());
  environment_.emplace_back("INPUT_BACKEND", "disk:///w/r/r/.cache");
  environment_.emplace_back("INPUT_SCCACHE-MODE", "proxy");

  EXPECT_EQ(run(run_main), k_ok);

  EXPECT_THAT(log(), HasSubstr("The build goes on uncached: there is no"));
  EXPECT_EQ(written("GITHUB_ENV"), "");
}

TEST_F(StagesTest, WithoutDockerTheStepFailsWhereThatWasAskedFor) {
  environment_.emplace_back("INPUT_FAIL-ON-CACHE-ERROR", "true");

  EXPECT_EQ(run(run_main), k_cache_error);
  EXPECT_THAT(log(), HasSubstr("::error"));
}

TEST_F(StagesTest, UnderActTheBuildGoesOnWithOneWarning) {
  fs::remove_all(root() / "github");

  EXPECT_EQ(run(run_main), k_ok);
  EXPECT_EQ(run(run_post), k_ok);
  EXPECT_EQ(occurrences(log(), "::warning"), 1U) << log();
}

TEST_F(StagesTest, SwitchedOffNothingHappens) {
  environment_.emplace_back("INPUT_MODE", "off");

  EXPECT_EQ(run(run_main), k_ok);
  EXPECT_EQ(entry("GITHUB_OUTPUT", "mode"), "off");
  EXPECT_FALSE(fs::exists(job()));
  EXPECT_EQ(written("GITHUB_ENV"), "");
}

TEST_F(StagesTest, AnAgentThatIsReadyIsExportedByHostPaths) {
  start_docker();
  objects_ = 12;

  EXPECT_EQ(run(run_main), k_ok) << log();

  EXPECT_EQ(entry("GITHUB_ENV", "RUSTC_WRAPPER"), "/w/_temp/hearth/sccache/bin/sccache");
  EXPECT_EQ(written("GITHUB_PATH"), "/w/_temp/hearth/sccache/bin\n");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "endpoint"), "http://127.0.0.1:7420");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "cache-hit"), "true");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "backend"), "disk:///w/_hearth");
  EXPECT_EQ(entry("GITHUB_OUTPUT", "summary-json"), "/w/_temp/hearth/summary.json");
  EXPECT_EQ(occurrences(log(), "::warning"), 0U) << log();
}

TEST_F(StagesTest, InDiskModeTheStepsWorkOnTheFolderThatTheAgentFilled) {
  start_docker();
  ready_ = R"({"endpoint":"http://127.0.0.1:7420","sccache_cache_size":1048576})";

  EXPECT_EQ(run(run_main), k_ok) << log();

  const auto conf = io::read_file(job() / "sccache/bin/launcher.conf", 65536).value_or("");
  EXPECT_THAT(conf, HasSubstr("env.SCCACHE_DIR=/w/_temp/hearth/sccache/cache\n"));
  EXPECT_THAT(conf, HasSubstr("env.SCCACHE_CACHE_SIZE=1025K\n"));
  EXPECT_THAT(conf, Not(HasSubstr("WEBDAV")));
}

TEST_F(StagesTest, TheTokenReachesTheStepsMaskedAndNoContainersDescription) {
  start_docker();

  EXPECT_EQ(run(run_main), k_ok);

  const auto at = log().find("::add-mask::");
  ASSERT_NE(at, std::string::npos);
  const auto token = log().substr(at + 12, 64);
  EXPECT_THAT(io::read_file(job() / "sccache/bin/launcher.conf", 65536).value_or(""), HasSubstr(token));
  EXPECT_THAT(docker_->calls(), Not(Contains(HasSubstr(token))));
  EXPECT_EQ(occurrences(log(), token), 1U);
}

TEST_F(StagesTest, AnEmptyTagFailsTheStepWhereThatWasAskedFor) {
  start_docker();
  environment_.emplace_back("INPUT_FAIL-ON-MISS", "true");

  EXPECT_EQ(run(run_main), k_miss);
}

TEST_F(StagesTest, ASecondUseAttachesAndTheLastPostEndsTheAgent) {
  start_docker();
  EXPECT_EQ(run(run_main), k_ok);
  const auto first = entry("GITHUB_STATE", "user");
  EXPECT_EQ(run(run_main), k_ok);
  const auto second = entry("GITHUB_STATE", "user");
  ASSERT_NE(first, second);

  io::set_variable(environment_, "STATE_user", second);
  EXPECT_EQ(run(run_post), k_ok);
  EXPECT_EQ(written("GITHUB_STEP_SUMMARY"), "");
  io::set_variable(environment_, "STATE_user", first);
  EXPECT_EQ(run(run_post), k_ok);

  const auto calls = docker_->calls();
  EXPECT_EQ(std::ranges::count(calls, "POST /v1.41/containers/sibling/start"), 1);
  EXPECT_THAT(written("GITHUB_STEP_SUMMARY"), HasSubstr("3 of 4"));
}

TEST_F(StagesTest, PostLeavesNothingButTheFigures) {
  start_docker();
  EXPECT_EQ(run(run_main), k_ok);
  hand_over_state();

  EXPECT_EQ(run(run_post), k_ok);

  std::vector<std::string> left;
  for (const auto& file : fs::directory_iterator(job())) {
    left.push_back(file.path().filename());
  }
  EXPECT_EQ(left, std::vector<std::string>{"summary.json"});
  EXPECT_THAT(log(), HasSubstr("::notice"));
}

TEST_F(StagesTest, WhatWasNotPublishedFailsPostWhereThatWasAskedFor) {
  start_docker();
  pending_ = 5;
  environment_.emplace_back("INPUT_FAIL-ON-CACHE-ERROR", "true");
  EXPECT_EQ(run(run_main), k_ok);
  hand_over_state();

  EXPECT_EQ(run(run_post), k_cache_error);
}

TEST_F(StagesTest, PostSaysWhyHitsAreLowWhereTheyAre) {
  start_docker();
  miss_reasons_ = {{"backend error", 1}};
  EXPECT_EQ(run(run_main), k_ok);
  hand_over_state();

  EXPECT_EQ(run(run_post), k_ok);

  EXPECT_THAT(written("GITHUB_STEP_SUMMARY"), HasSubstr("`backend-errors`"));
  EXPECT_THAT(log(), HasSubstr("Why hits are low: The backend failed"));
  const auto figures = io::parse_json(io::read_file(job() / "summary.json", 65536).value_or(""), "figures");
  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ((*figures)["verdicts"].array()->front().text("rule"), "backend-errors");
}

TEST_F(StagesTest, PostAsksNoDoctorWhereHitsAreAsWanted) {
  start_docker();
  miss_reasons_ = {{"backend error", 1}};
  environment_.emplace_back("INPUT_MIN-HIT-RATE", "75");
  EXPECT_EQ(run(run_main), k_ok);
  hand_over_state();

  EXPECT_EQ(run(run_post), k_ok);

  EXPECT_THAT(written("GITHUB_STEP_SUMMARY"), Not(HasSubstr("Why hits are low")));
}

TEST_F(StagesTest, AnAgentThatEndsAtOnceIsQuotedAndLeavesNothing) {
  start_docker();
  docker_->meanwhile("POST /containers/sibling/start", [this] {
    ASSERT_THAT(io::write_file(job() / "agent/agent.log", "first\nhearth: open store: no space left\n"),
                Succeeds());
  });

  EXPECT_EQ(run(run_main), k_ok);

  EXPECT_THAT(
      log(),
      HasSubstr("The build goes on uncached: the agent ended before it was ready: hearth: open store"));
  EXPECT_THAT(log(), HasSubstr("| first\n"));
  EXPECT_EQ(written("GITHUB_ENV"), "");
  EXPECT_THAT(docker_->calls(), Contains(StartsWith("DELETE /v1.41/containers/hearth-")));
}

TEST_F(StagesTest, AnAgentThatDiedIsReportedByPost) {
  start_docker();
  EXPECT_EQ(run(run_main), k_ok);
  agent_.reset();
  hand_over_state();

  EXPECT_EQ(run(run_post), k_ok);

  EXPECT_THAT(written("GITHUB_STEP_SUMMARY"), HasSubstr("agent stopped"));
}

TEST_F(StagesTest, PostOfAStepThatNeverRanDoesNothing) {
  start_docker();

  EXPECT_EQ(run(run_post), k_ok);
  EXPECT_TRUE(docker_->calls().empty());
}

}  // namespace
}  // namespace agent::action
