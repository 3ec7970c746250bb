#include "agent/action/runner_environment.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::action {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

class SharedFolderTest : public testing::Test {
protected:
  void mount(std::string_view folder) const { fs::create_directories(temp_.path() / folder); }
  Result<SharedFolder> find(const io::Environment& environment, const Arguments& arguments) const {
    return find_shared_folder(environment, arguments, temp_.path());
  }
  fs::path here(std::string_view folder) const { return temp_.path() / folder; }

private:
  TempFolder temp_;
};

TEST_F(SharedFolderTest, IsTheRunnersTemporaryFolder) {
  mount("github/runner_temp");

  const auto folder =
      find({}, {.host_temp = "/home/runner/work/_temp/", .job_network = {}, .job_container = {}});

  ASSERT_THAT(folder, Succeeds());
  EXPECT_EQ(folder->here, here("github/runner_temp"));
  EXPECT_EQ((*folder / "hearth").host, "/home/runner/work/_temp/hearth");
  EXPECT_EQ((*folder / "hearth").steps, "/home/runner/work/_temp/hearth");
}

TEST_F(SharedFolderTest, IsSeenElsewhereByStepsInAJobContainer) {
  mount("github/runner_temp");

  const auto folder = find({}, {.host_temp = "/w/_temp", .job_network = "n", .job_container = "c"});

  ASSERT_THAT(folder, Succeeds());
  EXPECT_EQ(folder->steps, "/__w/_temp");
  EXPECT_EQ(folder->host, "/w/_temp");
}

TEST_F(SharedFolderTest, FallsBackToTheHomeFolderOfOlderRunners) {
  mount("github/home");

  const auto folder = find({}, {.host_temp = "/w/_temp", .job_network = {}, .job_container = "c"});

  ASSERT_THAT(folder, Succeeds());
  EXPECT_EQ(folder->here, here("github/home"));
  EXPECT_EQ(folder->host, "/w/_temp/_github_home");
  EXPECT_EQ(folder->steps, "/__w/_temp/_github_home");
}

TEST_F(SharedFolderTest, LearnsTheHostsPathFromTheWorkspacesParent) {
  mount("github/runner_temp");

  const auto folder = find({{"RUNNER_WORKSPACE", "/home/runner/work/repo"}}, {});

  ASSERT_THAT(folder, Succeeds());
  EXPECT_EQ(folder->host, "/home/runner/work/_temp");
}

TEST_F(SharedFolderTest, IsMissingWhereTheHostsPathIsUnknown) {
  mount("github/runner_temp");

  EXPECT_THAT(find({{"RUNNER_WORKSPACE", "/github/workspace"}}, {}), FailsWith(Errc::not_found));
}

TEST_F(SharedFolderTest, IsMissingUnderAct) {
  EXPECT_THAT(find({}, {.host_temp = "/tmp", .job_network = {}, .job_container = {}}),
              FailsSaying("nektos/act"));
}

TEST(Arguments, AreThoseOfTheManifest) {
  const auto parsed = parse_arguments({"--host-temp=/a/b=c", "--job-network=", "--job-container=9f"});

  ASSERT_THAT(parsed, Succeeds());
  EXPECT_EQ(parsed->host_temp, "/a/b=c");
  EXPECT_EQ(parsed->job_network, "");
  EXPECT_EQ(parsed->job_container, "9f");
  EXPECT_THAT(parse_arguments({"--host-tempx=1"}), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_arguments({"--host-temp"}), FailsWith(Errc::invalid));
}

TEST(Arguments, MayHaveBeenSplitAtBlanks) {
  const auto parsed = parse_arguments({"--host-temp=/my", "runner/_temp", "--job-network="});

  ASSERT_THAT(parsed, Succeeds());
  EXPECT_EQ(parsed->host_temp, "/my runner/_temp");
  EXPECT_THAT(parse_arguments({"runner/_temp"}), FailsWith(Errc::invalid));
}

TEST(RunnerEnvironment, TellsAttemptsOfOneJobApart) {
  const io::Environment first{
      {"GITHUB_REPOSITORY", "o/r"}, {"GITHUB_RUN_ID", "5"}, {"GITHUB_RUN_ATTEMPT", "1"}};
  auto second = first;
  io::set_variable(second, "GITHUB_RUN_ATTEMPT", "2");

  EXPECT_NE(read_runner_environment(first, {}).job_identity(),
            read_runner_environment(second, {}).job_identity());
}

TEST(RunnerEnvironment, KnowsMachinesOfGitHub) {
  EXPECT_TRUE(read_runner_environment({{"RUNNER_ENVIRONMENT", "github-hosted"}}, {}).hosted);
  EXPECT_FALSE(read_runner_environment({{"RUNNER_ENVIRONMENT", "self-hosted"}}, {}).hosted);
  EXPECT_FALSE(read_runner_environment({}, {}).hosted);
}

}  // namespace
}  // namespace agent::action
