#include "agent/action/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::action {
namespace {

using testing::Contains;
using testing::HasSubstr;
using tests::FailsWith;
using tests::Succeeds;

constexpr std::string_view k_public = R"({"repository":{"private":false,"default_branch":"main"}})";
constexpr std::string_view k_fork = R"({"repository":{"private":false,"default_branch":"main"},
  "pull_request":{"head":{"repo":{"full_name":"stranger/r"}}}})";

struct Job {
  Inputs inputs{};
  RunnerEnvironment runner{};
  io::Environment environment{};
  fs::path host_temp = "/home/runner/_work/_temp";
  PlanFacts::HostFolders host_folders = PlanFacts::HostFolders::mountable;

  Result<Plan> plan() const {
    return make_plan({.inputs = inputs,
                      .runner = runner,
                      .environment = environment,
                      .host_temp = host_temp,
                      .host_folders = host_folders});
  }
};

Job push_to_main() {
  Job job;
  job.runner.repository = "o/r";
  job.runner.os = "Linux";
  job.runner.arch = "X64";
  job.runner.run_id = "123456789";
  job.runner.run_attempt = "2";
  job.runner.event = k_public;
  job.environment = {
      {"GITHUB_REPOSITORY", "o/r"}, {"GITHUB_EVENT_NAME", "push"}, {"GITHUB_REF", "refs/heads/main"}};
  job.inputs.tag_prefix = "rust";
  job.inputs.toolchain = "1.95.0";
  return job;
}

Job pull_request_of_a_fork() {
  auto job = push_to_main();
  job.runner.event = k_fork;
  job.environment = {{"GITHUB_REPOSITORY", "o/r"},
                     {"GITHUB_EVENT_NAME", "pull_request"},
                     {"GITHUB_REF", "refs/pull/7/merge"},
                     {"GITHUB_BASE_REF", "main"}};
  return job;
}

TEST(Plan, WritesTheBranchsOwnScopeBesideTheRunnersTemp) {
  const auto plan = push_to_main().plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->tag.tag, "rust-1.95.0-sccache-linux-x86_64");
  EXPECT_EQ(plan->mode(), "read-write");
  EXPECT_EQ(plan->scopes.own, "refs/heads/main");
  EXPECT_EQ(plan->backend.url, "disk:///home/runner/_work/_hearth");
  EXPECT_EQ(plan->backend.missing, BackendChoice::Missing::make);
  EXPECT_TRUE(plan->warnings.empty());
}

TEST(Plan, TakesANamedFolderAndDoesNotMakeIt) {
  auto job = push_to_main();
  job.inputs.backend = {.kind = BackendInput::Kind::named, .url = "disk:///srv/hearth"};

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->backend.folder, "/srv/hearth");
  EXPECT_EQ(plan->backend.missing, BackendChoice::Missing::error);
}

Job push_on_a_hosted_machine() {
  auto job = push_to_main();
  job.runner.hosted = true;
  job.environment.insert(job.environment.end(), {{"ACTIONS_RESULTS_URL", "https://results.example/"},
                                                 {"ACTIONS_RUNTIME_TOKEN", "jwt"},
                                                 {"GITHUB_SERVER_URL", "https://github.com"},
                                                 {"AWS_SECRET_ACCESS_KEY", "not for GitHub"},
                                                 {"INPUT_TOKEN", "ghs_1"}});
  job.inputs.token = Secret("ghs_1");
  return job;
}

std::string value_of(const BackendChoice& backend, std::string_view name) {
  for (const auto& [key, value] : backend.variables) {
    if (key == name) {
      return value.reveal();
    }
  }
  return "(absent)";
}

TEST(Plan, KeepsTheCacheWithGithubOnHostedMachines) {
  const auto plan = push_on_a_hosted_machine().plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->backend.url, "github");
  EXPECT_EQ(plan->backend.folder, "");
  EXPECT_TRUE(plan->warnings.empty());
}

TEST(Plan, HandsOnWhatOpensTheBackendAndNothingElse) {
  const auto plan = push_on_a_hosted_machine().plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(value_of(plan->backend, "ACTIONS_RUNTIME_TOKEN"), "jwt");
  EXPECT_EQ(value_of(plan->backend, "ACTIONS_RESULTS_URL"), "https://results.example/");
  EXPECT_EQ(value_of(plan->backend, "GITHUB_REPOSITORY"), "o/r");
  EXPECT_EQ(value_of(plan->backend, "GITHUB_TOKEN"), "ghs_1");
  EXPECT_EQ(value_of(plan->backend, "AWS_SECRET_ACCESS_KEY"), "(absent)");
  EXPECT_EQ(value_of(plan->backend, "ACTIONS_CACHE_URL"), "(absent)");
}

TEST(Plan, SaysWhichFilesTheAgentsContainerDoesNotSee) {
  auto job = push_to_main();
  job.inputs.backend = {.kind = BackendInput::Kind::named, .url = "s3://bucket/team"};
  job.environment.insert(job.environment.end(), {{"AWS_ACCESS_KEY_ID", "AKIA"},
                                                 {"AWS_WEB_IDENTITY_TOKEN_FILE", "/home/runner/token"},
                                                 {"HTTPS_PROXY", "http://proxy:3128"}});

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(value_of(plan->backend, "HTTPS_PROXY"), "http://proxy:3128");
  ASSERT_EQ(plan->warnings.size(), 1U);
  EXPECT_THAT(plan->warnings.front(), HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE names a file"));
  EXPECT_THAT(plan->warnings.front(), HasSubstr("configure-aws-credentials"));
}

TEST(Plan, HandsOnNothingToAFolder) {
  const auto plan = push_to_main().plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_TRUE(plan->backend.variables.empty());
}

TEST(Plan, ReadsWithGithubInPullRequestsOfForks) {
  auto job = push_on_a_hosted_machine();
  const auto fork = pull_request_of_a_fork();
  job.runner.event = fork.runner.event;
  job.environment.insert(job.environment.end(), fork.environment.begin(), fork.environment.end());

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->backend.url, "github");
  EXPECT_EQ(plan->mode(), "read-only");
}

TEST(Plan, TakesGithubOnSelfHostedMachinesWhereItIsNamed) {
  auto job = push_on_a_hosted_machine();
  job.runner.hosted = false;
  job.inputs.backend = {.kind = BackendInput::Kind::named, .url = "github://?service=v1"};

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->backend.url, "github://?service=v1");
  EXPECT_EQ(value_of(plan->backend, "ACTIONS_RUNTIME_TOKEN"), "jwt");
}

TEST(Plan, GivesAServersTokenToTheAgentAndNeverOneOfGithub) {
  auto job = push_to_main();
  job.inputs.backend = {.kind = BackendInput::Kind::named, .url = "boringcache://cache/acme/ci"};
  job.inputs.token = Secret("ghs_1");
  job.environment.emplace_back("BORINGCACHE_SAVE_TOKEN", "from-env");
  EXPECT_EQ(value_of(job.plan()->backend, "BORINGCACHE_SAVE_TOKEN"), "from-env");
  EXPECT_EQ(value_of(job.plan()->backend, "BORINGCACHE_RESTORE_TOKEN"), "from-env");

  job.inputs.token = Secret("hrt_t_1");

  EXPECT_EQ(value_of(job.plan()->backend, "BORINGCACHE_SAVE_TOKEN"), "hrt_t_1");
  EXPECT_EQ(value_of(job.plan()->backend, "BORINGCACHE_RESTORE_TOKEN"), "hrt_t_1");
}

TEST(Plan, GivesJobsThatOnlyReadNoTokenToSaveWith) {
  auto job = pull_request_of_a_fork();
  job.inputs.backend = {.kind = BackendInput::Kind::named, .url = "boringcache://cache/acme/ci"};
  job.inputs.token = Secret("hrt_t_1");

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->mode(), "read-only");
  EXPECT_EQ(value_of(plan->backend, "BORINGCACHE_SAVE_TOKEN"), "(absent)");
  EXPECT_EQ(value_of(plan->backend, "BORINGCACHE_RESTORE_TOKEN"), "hrt_t_1");
}

TEST(Plan, KeepsTheCacheWithGithubWhereTheHostsFoldersAreOutOfReach) {
  auto job = push_on_a_hosted_machine();
  job.runner.hosted = false;
  EXPECT_EQ(job.plan()->backend.url, "disk:///home/runner/_work/_hearth");

  job.host_folders = PlanFacts::HostFolders::out_of_reach;
  EXPECT_EQ(job.plan()->backend.url, "github");
}

TEST(Plan, SaysWhenAHostedMachineGivesNoAccessToTheCache) {
  auto job = push_to_main();
  job.runner.hosted = true;

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->backend.url, "none");
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("ACTIONS_RUNTIME_TOKEN")));
}

TEST(Plan, KeepsStrangersOutOfTheHostsFolder) {
  const auto plan = pull_request_of_a_fork().plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->mode(), "read-only");
  EXPECT_EQ(plan->backend.url, "none");
  EXPECT_THAT(plan->remarks, Contains(HasSubstr("public repository")));
}

TEST(Plan, SaysWhenTheWishToWriteIsNotGranted) {
  auto job = pull_request_of_a_fork();
  job.inputs.mode = keys::RequestedMode::read_write;

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->mode(), "read-only");
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("mode is read-only")));
}

TEST(Plan, ObeysTheServersCacheMode) {
  for (const auto& [cache_mode, mode] :
       {std::pair("none", "off"), std::pair("read", "read-only"), std::pair("write", "read-write"),
        std::pair("write-only", "write-only")}) {
    auto job = push_to_main();
    job.environment.emplace_back("ACTIONS_CACHE_MODE", cache_mode);

    const auto plan = job.plan();

    ASSERT_THAT(plan, Succeeds());
    EXPECT_EQ(plan->mode(), mode) << cache_mode;
  }
}

TEST(Plan, WarnsOfAScopeThatChangesWithTheRun) {
  auto job = push_to_main();
  job.inputs.scope = "run-123456789";

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_FALSE(plan->warnings.empty());
}

TEST(Plan, OnlyRemarksThatNoToolchainIsPinned) {
  auto job = push_to_main();
  job.inputs.toolchain.clear();

  const auto plan = job.plan();

  ASSERT_THAT(plan, Succeeds());
  EXPECT_EQ(plan->tag.tag, "rust-any-sccache-linux-x86_64");
  EXPECT_TRUE(plan->warnings.empty());
  EXPECT_THAT(plan->remarks, Contains(HasSubstr("'any'")));
}

TEST(Plan, RefusesAMatrixThatIsNone) {
  auto job = push_to_main();
  job.inputs.matrix = "[1]";

  EXPECT_THAT(job.plan(), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::action
