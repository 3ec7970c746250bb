#include "agent/action/sibling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/result_matchers.hpp"

namespace agent::action {
namespace {

using testing::Contains;
using testing::Pair;
using tests::FailsSaying;
using tests::Succeeds;

// The value behind a flag, or "(absent)".
std::string value_of(const std::vector<std::string>& arguments, std::string_view flag) {
  const auto found = std::ranges::find(arguments, flag);
  return found != arguments.end() && found + 1 != arguments.end() ? *(found + 1) : "(absent)";
}

struct Setting {
  Inputs inputs{};
  RunnerEnvironment runner{};
  Plan plan{};
  SharedFolder shared{
      .here = "/github/runner_temp", .host = "/home/runner/_work/_temp", .steps = "/home/runner/_work/_temp"};
  ContainerFacts own{};

  Setting() {
    own.image = "sha256:1";
    own.labels = {{"0a1b2c", ""}};
    own.mounts = {{.type = "bind", .source = "/mnt/_temp", .destination = "/github/runner_temp"}};
    plan.tag.tag = "t";
    plan.scopes.permission = keys::Permission::read_write;
    plan.scopes.repository = "o/r";
    plan.scopes.own = "refs/heads/x";
    plan.scopes.also = {"refs/heads/main"};
    plan.backend = {.url = "disk:///home/runner/_work/_hearth",
                    .folder = "/home/runner/_work/_hearth",
                    .missing = BackendChoice::Missing::make};
  }

  ContainerSpec spec() const {
    const JobFolder job{shared / "hearth"};
    return sibling_spec({.inputs = inputs,
                         .runner = runner,
                         .plan = plan,
                         .job = job,
                         .own = own,
                         .shared = shared,
                         .name = "hearth-1"});
  }
};

TEST(Sibling, IsAnotherContainerOfTheSameImageOnTheHostsNetwork) {
  const auto spec = Setting().spec();

  EXPECT_EQ(spec.image, "sha256:1");
  EXPECT_EQ(spec.network, "host");
  EXPECT_THAT(spec.labels, Contains(Pair("0a1b2c", "")));
  EXPECT_THAT(spec.labels, Contains(Pair("hearth.shared-folder", "/home/runner/_work/_temp")));
}

TEST(Sibling, SeesFoldersAtTheHostsOwnPaths) {
  const auto spec = Setting().spec();

  ASSERT_EQ(spec.binds.size(), 2U);
  EXPECT_EQ(spec.binds[0].source, "/mnt/_temp");  // where Docker says the runner's folder is
  EXPECT_EQ(spec.binds[0].destination, "/home/runner/_work/_temp");
  EXPECT_FALSE(spec.binds[0].create);
  EXPECT_EQ(spec.binds[1].source, "/home/runner/_work/_hearth");
  EXPECT_TRUE(spec.binds[1].create);
  EXPECT_EQ(value_of(spec.command, "--control"), "/home/runner/_work/_temp/hearth/agent/control.sock");
  EXPECT_EQ(value_of(spec.command, "--backend"), "disk:///home/runner/_work/_hearth");
}

TEST(Sibling, FillsAFolderOfTheStepsOwn) {
  Setting setting;
  setting.inputs.sccache_mode = app::SccacheMode::disk;
  setting.runner.repository = "o/r";

  const auto on_host = setting.spec();
  EXPECT_EQ(value_of(on_host.command, "--sccache-mode"), "disk");
  EXPECT_EQ(value_of(on_host.command, "--sccache-dir"), "/home/runner/_work/_temp/hearth/sccache/cache");
  EXPECT_EQ(value_of(on_host.command, "--checkout"), "/home/runner/_work/r/r");

  setting.shared.steps = "/__w/_temp";
  EXPECT_EQ(value_of(setting.spec().command, "--checkout"), "/__w/r/r");
}

TEST(Sibling, GetsWhatOpensTheBackendAsAFileOnly) {
  Setting setting;
  setting.plan.backend = {
      .url = "github", .folder = {}, .variables = {{"ACTIONS_RUNTIME_TOKEN", Secret("runtime-jwt")}}};

  const auto spec = setting.spec();

  EXPECT_EQ(value_of(spec.command, "--backend"), "github");
  EXPECT_EQ(value_of(spec.command, "--secrets-file"), "/home/runner/_work/_temp/hearth/agent/secrets");
  EXPECT_THAT(spec.command, testing::Not(Contains(testing::HasSubstr("runtime-jwt"))));
  EXPECT_THAT(spec.labels, testing::Not(Contains(Pair(testing::_, testing::HasSubstr("runtime-jwt")))));
  EXPECT_EQ(value_of(Setting().spec().command, "--secrets-file"), "(absent)");
}

TEST(Sibling, DoesNotMakeAFolderThatSomebodyNamed) {
  Setting setting;
  setting.plan.backend = {.url = "disk:///srv/h", .folder = "/srv/h"};

  const auto spec = setting.spec();

  EXPECT_FALSE(spec.binds[1].create);
  EXPECT_THAT(spec.command, testing::Not(Contains("--adopt-backend")));
}

TEST(Sibling, JoinsTheJobsNetworkWhereTheStepsAreInAContainer) {
  Setting setting;
  setting.runner.job_network = "github_network_1";
  setting.runner.job_container = "9f";

  const auto spec = setting.spec();

  EXPECT_EQ(spec.network, "github_network_1");
  EXPECT_EQ(spec.aliases, std::vector<std::string>{"hearth"});
  EXPECT_THAT(spec.command, Contains("--network-name=hearth"));
}

TEST(Sibling, StaysOnTheHostsNetworkForAJobWithServicesOnly) {
  Setting setting;
  setting.runner.job_network = "github_network_1";

  EXPECT_EQ(setting.spec().network, "host");
}

TEST(Sibling, NeverCarriesTheTokenOnItsCommandLine) {
  const auto spec = Setting().spec();

  EXPECT_EQ(value_of(spec.command, "--token-file"), "/home/runner/_work/_temp/hearth/agent/token");
}

TEST(Sibling, TellsTheAgentWhoseScopeItIs) {
  const auto command = Setting().spec().command;

  EXPECT_EQ(value_of(command, "--repository"), "o/r");
  EXPECT_EQ(value_of(command, "--scope"), "refs/heads/x");
  EXPECT_EQ(value_of(command, "--also-scope"), "refs/heads/main");
  EXPECT_EQ(value_of(command, "--mode"), "read-write");
  EXPECT_EQ(value_of(command, "--preload-budget"), "(absent)");
}

TEST(Sibling, PassesOnWhatIsToBePreloaded) {
  Setting setting;
  setting.inputs.preload_bytes = 0;

  EXPECT_EQ(value_of(setting.spec().command, "--preload-budget"), "0");
}

TEST(Sibling, NeedsSocketPathsThatTheKernelTakes) {
  const SharedFolder deep{.here = "/github/runner_temp",
                          .host = "/" + std::string(100, 'x'),
                          .steps = "/" + std::string(100, 'x')};

  EXPECT_THAT(check_socket_paths(JobFolder{deep / "hearth"}), FailsSaying("over 107 bytes"));
  EXPECT_THAT(check_socket_paths(JobFolder{Setting().shared / "hearth"}), Succeeds());
}

}  // namespace
}  // namespace agent::action
