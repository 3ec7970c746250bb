#include "agent/keys/scopes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::keys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::FailsSaying;
using tests::FailsWith;

constexpr std::string_view k_push_event =
    R"({"repository":{"full_name":"o/r","default_branch":"main","private":false,"visibility":"public"}})";

io::Environment job(std::string_view event, std::string_view ref) {
  return {{"GITHUB_REPOSITORY", "o/r"},
          {"GITHUB_EVENT_NAME", std::string(event)},
          {"GITHUB_REF", std::string(ref)}};
}

std::string pull_request_event(std::string_view head_repo) {
  return fmt::format(
      R"({{"repository":{{"default_branch":"main","private":true}},"pull_request":{{"head":{{"repo":{}}}}}}})",
      head_repo);
}

GithubContext pull_request(std::string_view event, std::string_view head_repo) {
  auto environment = job(event, "refs/pull/7/merge");
  environment.emplace_back("GITHUB_BASE_REF", "release/2");
  return github_context(environment, pull_request_event(head_repo));
}

constexpr std::string_view k_same = R"({"full_name":"O/R","fork":true})";
constexpr std::string_view k_fork = R"({"full_name":"mallory/r","fork":true})";

TEST(Scopes, OfAPushAreItsBranchThenTheDefaultBranch) {
  const auto scopes =
      scopes_of(github_context(job("push", "refs/heads/topic"), k_push_event), RequestedMode::automatic);

  EXPECT_EQ(scopes.repository, "o/r");
  EXPECT_EQ(scopes.own, "refs/heads/topic");
  EXPECT_THAT(scopes.also, ElementsAre("refs/heads/main"));
  EXPECT_EQ(scopes.permission, Permission::read_write);
  EXPECT_EQ(scopes.visibility, Visibility::open);
}

TEST(Scopes, OfTheDefaultBranchAreItselfAlone) {
  const auto scopes =
      scopes_of(github_context(job("push", "refs/heads/main"), k_push_event), RequestedMode::automatic);

  EXPECT_THAT(scopes.also, IsEmpty());
}

TEST(Scopes, OfAReleaseTagReadTheDefaultBranch) {
  const auto scopes =
      scopes_of(github_context(job("push", "refs/tags/v1.2"), k_push_event), RequestedMode::automatic);

  EXPECT_EQ(scopes.own, "refs/tags/v1.2");
  EXPECT_THAT(scopes.also, ElementsAre("refs/heads/main"));
}

TEST(Scopes, OfAMergeGroupReadItsBase) {
  const auto context = github_context(
      job("merge_group", "refs/heads/gh-readonly-queue/dev/pr-1"),
      R"({"merge_group":{"base_ref":"refs/heads/dev"},"repository":{"default_branch":"main"}})");

  const auto scopes = scopes_of(context, RequestedMode::automatic);

  EXPECT_THAT(scopes.also, ElementsAre("refs/heads/dev", "refs/heads/main"));
  EXPECT_EQ(scopes.permission, Permission::read_write);
}

TEST(Scopes, LetAPullRequestOfTheSameRepositoryWriteItsOwnOnly) {
  const auto scopes = scopes_of(pull_request("pull_request", k_same), RequestedMode::automatic);

  EXPECT_EQ(scopes.own, "refs/pull/7/merge");
  EXPECT_THAT(scopes.also, ElementsAre("refs/heads/release/2", "refs/heads/main"));
  EXPECT_EQ(scopes.permission, Permission::read_write);
  EXPECT_EQ(scopes.trigger, Scopes::Trigger::pull_request);
  EXPECT_EQ(scopes.visibility, Visibility::closed);
}

TEST(Scopes, LetAForkOnlyReadWhateverItsWorkflowAsksFor) {
  for (const auto requested : {RequestedMode::automatic, RequestedMode::read_write}) {
    for (const auto* event : {"pull_request", "pull_request_review", "pull_request_review_comment"}) {
      const auto scopes = scopes_of(pull_request(event, k_fork), requested);
      EXPECT_EQ(scopes.permission, Permission::read_only) << event;
      EXPECT_THAT(scopes.reason, HasSubstr("fork"));
    }
  }
}

TEST(Scopes, DoNotTrustAPullRequestOfUnknownOrigin) {
  EXPECT_EQ(scopes_of(pull_request("pull_request", "null"), RequestedMode::read_write).permission,
            Permission::read_only);
  EXPECT_EQ(
      scopes_of(github_context(job("pull_request", "refs/pull/7/merge"), "{broken"), RequestedMode::automatic)
          .permission,
      Permission::read_only);
}

TEST(Scopes, DoNotTrustAPullRequestRefUnderAnotherEvent) {
  const auto context = github_context(job("workflow_dispatch", "refs/pull/7/merge"), k_push_event);

  EXPECT_EQ(scopes_of(context, RequestedMode::automatic).permission, Permission::read_only);
}

TEST(Scopes, LetTriggersByOutsidersOnlyReadUnlessTheWorkflowInsists) {
  for (const auto* event : {"pull_request_target", "workflow_run", "issue_comment"}) {
    const auto context = github_context(job(event, "refs/heads/main"), k_push_event);

    EXPECT_EQ(scopes_of(context, RequestedMode::automatic).permission, Permission::read_only) << event;
    EXPECT_THAT(scopes_of(context, RequestedMode::automatic).reason, HasSubstr(event));
    EXPECT_EQ(scopes_of(context, RequestedMode::read_write).permission, Permission::read_write) << event;
    EXPECT_THAT(scopes_of(context, RequestedMode::read_write).reason, HasSubstr("although"));
  }
}

TEST(Scopes, TakeTheCacheModeOfGithubForACeiling) {
  const std::vector<std::pair<std::string, Permission>> cases = {
      {"", Permission::read_write},           {"write", Permission::read_write},
      {"read", Permission::read_only},        {"none", Permission::off},
      {"write-only", Permission::write_only}, {"READ", Permission::read_only},
      {"sideways", Permission::read_only},
  };
  for (const auto& [mode, expected] : cases) {
    auto environment = job("push", "refs/heads/main");
    environment.emplace_back("ACTIONS_CACHE_MODE", mode);
    const auto context = github_context(environment, k_push_event);
    EXPECT_EQ(scopes_of(context, RequestedMode::automatic).permission, expected) << mode;
    EXPECT_EQ(scopes_of(context, RequestedMode::read_write).permission, expected) << mode;
  }
}

TEST(Scopes, CombineTheCeilingWithTheTrigger) {
  auto environment = job("workflow_run", "refs/heads/main");
  environment.emplace_back("ACTIONS_CACHE_MODE", "write-only");

  EXPECT_EQ(scopes_of(github_context(environment, k_push_event), RequestedMode::automatic).permission,
            Permission::off);
}

TEST(Scopes, ObeyAMoreCautiousMode) {
  const auto context = github_context(job("push", "refs/heads/main"), k_push_event);

  EXPECT_EQ(scopes_of(context, RequestedMode::read_only).permission, Permission::read_only);
  EXPECT_EQ(scopes_of(context, RequestedMode::off).permission, Permission::off);
  EXPECT_THAT(scopes_of(context, RequestedMode::read_only).reason, HasSubstr("mode is read-only"));
}

TEST(Scopes, OutsideGithubAreLocal) {
  const auto scopes = scopes_of(github_context({}, ""), RequestedMode::automatic);

  EXPECT_EQ(scopes.repository, "local");
  EXPECT_EQ(scopes.own, "local");
  EXPECT_THAT(scopes.also, IsEmpty());
  EXPECT_EQ(scopes.permission, Permission::read_write);
}

TEST(Scopes, DoNotWriteWithoutARef) {
  const auto scopes = scopes_of(github_context(job("push", ""), k_push_event), RequestedMode::read_write);

  EXPECT_EQ(scopes.permission, Permission::read_only);
  EXPECT_THAT(scopes.reason, HasSubstr("GITHUB_REF"));
}

TEST(Scopes, RefuseAModeTheyDoNotKnow) {
  EXPECT_EQ(parse_mode("auto").value(), RequestedMode::automatic);
  EXPECT_EQ(parse_mode(" read-only ").value(), RequestedMode::read_only);
  for (const auto* bad : {"readonly", "Read-Write", "true", "read", "none"}) {
    EXPECT_THAT(parse_mode(bad), FailsWith(Errc::invalid)) << bad;
    EXPECT_THAT(parse_mode(bad), FailsSaying("mode")) << bad;
  }
}

TEST(Scopes, NamePermissionsAsConfigurationDoes) {
  EXPECT_EQ(name_of(Permission::read_write), "read-write");
  EXPECT_EQ(name_of(Permission::read_only), "read-only");
  EXPECT_EQ(name_of(Permission::write_only), "write-only");
  EXPECT_EQ(name_of(Permission::off), "off");
}

}  // namespace
}  // namespace agent::keys
