#include "agent/action/docker_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/process.hpp"
#include "tests/action/fake_docker.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::action {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::StartsWith;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FakeDocker;
using tests::Succeeds;
using tests::TempFolder;

class DockerApiTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(daemon_.serves()); }
  DockerApi docker() const { return *DockerApi::connect(socket()); }
  io::fs::path socket() const { return temp_.path() / "docker.sock"; }

  TempFolder temp_;
  FakeDocker daemon_{temp_.path() / "docker.sock"};
};

TEST_F(DockerApiTest, AgreesOnTheDaemonsVersion) {
  const auto api = DockerApi::connect(socket());

  ASSERT_THAT(api, Succeeds());
  EXPECT_EQ(api->version(), "1.41");
}

TEST_F(DockerApiTest, InspectsByTheRecordedDescription) {
  const io::fs::path source(io::environment_value("HEARTH_SOURCE_DIR"));
  daemon_.when(
      "GET /containers/abc/json", 200,
      io::read_file(source / "tests/action/recorded/inspect-action.json", k_max_docker_answer).value_or(""));

  const auto facts = docker().inspect("abc");

  ASSERT_THAT(facts, Succeeds());
  EXPECT_TRUE(facts->running);
}

TEST_F(DockerApiTest, SaysWhatTheDaemonSaid) {
  daemon_.when(
      "POST /containers/create", 400,
      R"({"message":"invalid mount config for type \"bind\": bind source path does not exist: /nope"})");

  const auto created = docker().create({.name = "n", .image = "i"});

  EXPECT_THAT(created, FailsWith(Errc::invalid));
  EXPECT_THAT(created, FailsSaying("bind source path does not exist: /nope"));
}

TEST_F(DockerApiTest, CreatesUnderAName) {
  daemon_.when("POST /containers/create", 201, R"({"Id":"0123","Warnings":[]})");

  const auto created = docker().create({.name = "hearth-1", .image = "sha256:2", .network = "host"});

  ASSERT_THAT(created, Succeeds());
  EXPECT_EQ(*created, "0123");
  EXPECT_THAT(daemon_.calls(), Contains(StartsWith("POST /v1.41/containers/create?name=hearth-1 {")));
}

TEST_F(DockerApiTest, TakesWhatIsGoneForStoppedAndRemoved) {
  auto api = docker();

  EXPECT_THAT(api.stop("gone", seconds(1)), Succeeds());
  EXPECT_THAT(api.remove("gone"), Succeeds());
  EXPECT_THAT(api.inspect("gone"), FailsWith(Errc::not_found));
}

TEST_F(DockerApiTest, TakesARemovalUnderWayForDone) {
  daemon_.when("DELETE /containers/a", 409, R"({"message":"removal of container a is already in progress"})");

  EXPECT_THAT(docker().remove("a"), Succeeds());
}

TEST_F(DockerApiTest, PassesOnWhyAContainerCannotBeStopped) {
  daemon_.when("POST /containers/a/stop", 500, R"({"message":"cannot stop container: a: tried to kill"})");

  EXPECT_THAT(docker().stop("a", seconds(1)), FailsWith(Errc::transient));
}

TEST_F(DockerApiTest, FindsContainersByLabel) {
  daemon_.when("GET /containers/json", 200, R"([{"Id":"a","Names":["/x"]},{"Id":"b"},{"Names":[]}])");

  const auto found = docker().find("hearth.shared-folder", "/w/_temp");

  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(*found, (std::vector<std::string>{"a", "b"}));
  EXPECT_THAT(daemon_.calls(),
              Contains(testing::HasSubstr("filters=%7B%22label%22%3A%5B%22hearth.shared-folder")));
}

TEST_F(DockerApiTest, RunsACommandToItsEnd) {
  daemon_.when("POST /containers/job/exec", 201, R"({"Id":"e"})");
  daemon_.when("POST /exec/e/start", 200, "");
  daemon_.when("GET /exec/e/json", 200, R"({"Running":false,"ExitCode":127})");

  const auto code = docker().execute("job", {"/x/sccache", "--version"}, milliseconds(500));

  ASSERT_THAT(code, Succeeds());
  EXPECT_EQ(*code, 127);
}

TEST_F(DockerApiTest, WaitsForACommandNoLongerThanTheDeadline) {
  daemon_.when("POST /containers/job/exec", 201, R"({"Id":"e"})");
  daemon_.when("POST /exec/e/start", 200, "");
  daemon_.when("GET /exec/e/json", 200, R"({"Running":true,"ExitCode":null})");

  EXPECT_THAT(docker().execute("job", {"sleep"}, milliseconds(150)), FailsWith(Errc::cancelled));
}

TEST_F(DockerApiTest, LeavesANetworkByForce) {
  daemon_.when("POST /networks/n/disconnect", 200, "");

  EXPECT_THAT(docker().disconnect("n", "c"), Succeeds());
  EXPECT_THAT(daemon_.calls(),
              Contains(R"(POST /v1.41/networks/n/disconnect {"Container":"c","Force":true})"));
}

TEST_F(DockerApiTest, RefusesAnswersWithoutWhatTheyMustHold) {
  daemon_.when("POST /containers/create", 201, "{}");
  daemon_.when("GET /containers/a/json", 200, "<html>");

  EXPECT_THAT(docker().create({.name = "n"}), FailsWith(Errc::corrupt));
  EXPECT_THAT(docker().inspect("a"), FailsWith(Errc::corrupt));
}

TEST(DockerApi, NeedsASocket) {
  const TempFolder temp;
  ASSERT_THAT(io::make_folders(temp.path() / "docker.sock"),
              Succeeds());  // what `-v` makes of a missing source

  EXPECT_THAT(DockerApi::connect(temp.path() / "docker.sock"), FailsSaying("is no socket"));
  EXPECT_THAT(DockerApi::connect(temp.path() / "nothing"), FailsWith(Errc::not_found));
}

TEST(DockerApi, SaysWhenNobodyListens) {
  const TempFolder temp;
  {
    const FakeDocker ended(temp.path() / "docker.sock");
  }

  const auto api = DockerApi::connect(temp.path() / "docker.sock");

  EXPECT_FALSE(api.has_value());
}

}  // namespace
}  // namespace agent::action
