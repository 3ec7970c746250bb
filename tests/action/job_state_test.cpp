#include "agent/action/job_state.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::action {
namespace {

using std::chrono::milliseconds;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

AgentRecord some_agent() {
  return {.container = "hearth-1",
          .network = "github_network_1",
          .endpoint = "http://127.0.0.1:7",
          .tag = "t",
          .backend = "disk:///x",
          .mode = "read-write",
          .cache_hit = true};
}

TEST(JobState, SurvivesFromStageToStage) {
  const TempFolder temp;
  {
    auto state = LockedJobState::open(temp.path(), "job", milliseconds(0));
    ASSERT_THAT(state, Succeeds());
    (*state)->add_user("a");
    (*state)->agent = some_agent();
    ASSERT_THAT(state->save(), Succeeds());
  }

  auto state = LockedJobState::open(temp.path(), "job", milliseconds(0));

  ASSERT_THAT(state, Succeeds());
  EXPECT_EQ((*state)->users, std::vector<std::string>{"a"});
  EXPECT_EQ((*state)->agent, some_agent());
}

TEST(JobState, OfAnotherJobIsForgotten) {
  const TempFolder temp;
  {
    auto state = LockedJobState::open(temp.path(), "yesterday's", milliseconds(0));
    (*state)->agent = some_agent();
    ASSERT_THAT(state->save(), Succeeds());
  }

  auto state = LockedJobState::open(temp.path(), "today's", milliseconds(0));

  ASSERT_THAT(state, Succeeds());
  EXPECT_FALSE((*state)->agent.has_value());
  EXPECT_EQ((*state)->job, "today's");
}

TEST(JobState, EndsWithTheLastUser) {
  JobState state;
  state.add_user("a");
  state.add_user("b");
  state.add_user("a");

  EXPECT_FALSE(state.drop_user("a"));
  EXPECT_TRUE(state.drop_user("b"));
  EXPECT_TRUE(state.drop_user("never was"));
}

TEST(JobState, IsHeldByOneStageAtATime) {
  const TempFolder temp;
  const auto first = LockedJobState::open(temp.path(), "job", milliseconds(0));

  EXPECT_THAT(LockedJobState::open(temp.path(), "job", milliseconds(10)), FailsWith(Errc::cancelled));
}

TEST(JobState, ThatIsBrokenStartsAnew) {
  const TempFolder temp;
  ASSERT_THAT(io::write_file(temp.path() / "job.json", "{\"schema\":"), Succeeds());

  auto state = LockedJobState::open(temp.path(), "job", milliseconds(0));

  ASSERT_THAT(state, Succeeds());
  EXPECT_TRUE((*state)->users.empty());
  EXPECT_THAT(parse_job_state("{\"schema\":2}"), FailsWith(Errc::corrupt));
}

}  // namespace
}  // namespace agent::action
