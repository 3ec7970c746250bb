#include "agent/action/docker_types.hpp"

#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "agent/io/process.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::action {
namespace {

using tests::FailsWith;
using tests::Succeeds;

std::string recorded(std::string_view name) {
  const io::fs::path source(io::environment_value("HEARTH_SOURCE_DIR"));
  return io::read_file(source / "tests/action/recorded" / name, k_max_docker_answer).value_or("");
}

// Recorded from dockerd 20.10.24: an action's container on the default bridge, as the runner starts it.
TEST(ContainerFacts, AreReadFromWhatDockerSays) {
  const auto facts = parse_container(recorded("inspect-action.json"));

  ASSERT_THAT(facts, Succeeds());
  EXPECT_EQ(facts->id.size(), 64U);
  EXPECT_TRUE(facts->image.starts_with("sha256:"));
  EXPECT_EQ(facts->labels.count("0a1b2c"), 1U);
  EXPECT_EQ(facts->source_of("/github/runner_temp"), "/home/runner/_work/_temp");
  EXPECT_EQ(facts->source_of("/nowhere"), "");
  EXPECT_TRUE(facts->running);
  EXPECT_TRUE(facts->addresses.at("bridge").starts_with("172."));
}

TEST(ContainerFacts, OfAnEndedContainerSayHowItEnded) {
  const auto facts = parse_container(recorded("inspect-ended.json"));

  ASSERT_THAT(facts, Succeeds());
  EXPECT_FALSE(facts->running);
  EXPECT_EQ(facts->exit_code, 7);
  EXPECT_EQ(facts->user, "1001");
}

TEST(ContainerFacts, AreRefusedWithoutIdAndImage) {
  EXPECT_THAT(parse_container("{}"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_container("[]"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_container("{"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_container(R"({"Id":"a","Image":"b","Mounts":7,"State":[],"Config":null})"), Succeeds());
}

TEST(ContainerSpec, MakesAMissingSourceAnErrorUnlessItIsToBeMade) {
  const auto json = to_json(ContainerSpec{
      .name = "n",
      .image = "sha256:1",
      .entrypoint = {"/hearth-sibling"},
      .command = {"x"},
      .labels = {{"0a1b2c", ""}},
      .network = "host",
      .aliases = {},
      .binds = {{.source = "/t", .destination = "/t"}, {.source = "/b", .destination = "/b", .create = true}},
      .volumes = {"/var/lib/hearth"},
      .capabilities = {"CHOWN"}});

  const auto& host = json["HostConfig"];
  EXPECT_EQ(host["AutoRemove"].boolean(), true);
  EXPECT_EQ(host["Mounts"].dump(),
            R"([{"Source":"/t","Target":"/t","Type":"bind"},{"Target":"/var/lib/hearth","Type":"volume"}])");
  EXPECT_EQ(host["Binds"].dump(), R"(["/b:/b"])");
  EXPECT_EQ(host["CapDrop"].dump(), R"(["ALL"])");
  EXPECT_EQ(host.text("NetworkMode"), "host");
  EXPECT_EQ(json["NetworkingConfig"].dump(), "{}");
}

TEST(ContainerSpec, NamesItselfOnTheJobsNetwork) {
  const auto json = to_json(ContainerSpec{.name = "n",
                                          .image = "i",
                                          .entrypoint = {},
                                          .command = {},
                                          .labels = {},
                                          .network = "github_network_1",
                                          .aliases = {"hearth"},
                                          .binds = {},
                                          .volumes = {},
                                          .capabilities = {}});

  EXPECT_EQ(json["NetworkingConfig"].dump(),
            R"({"EndpointsConfig":{"github_network_1":{"Aliases":["hearth"]}}})");
}

TEST(DockerVersion, IsTheDaemonsUpToWhatWasChecked) {
  EXPECT_EQ(*agreed_version("1.41"), "1.41");
  EXPECT_EQ(*agreed_version("1.99"), "1.47");
  for (const auto* offered : {"", "1", "1.", "2.1", "1.x", "1.12"}) {
    EXPECT_THAT(agreed_version(offered), FailsWith(Errc::corrupt)) << offered;
  }
}

}  // namespace
}  // namespace agent::action
