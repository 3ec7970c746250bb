// A job whose stages run against a fake Docker daemon and a fake agent. For the tests of the stages.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "agent/action/stage.hpp"
#include "agent/net/http_server.hpp"
#include "agent/report/figures.hpp"
#include "tests/action/fake_docker.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::action {

inline std::string own_host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

inline std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

// A job on a self-hosted runner, its files below a folder that stands for "/".
class StagesFixture : public testing::Test {
protected:
  void SetUp() override {
    for (const auto* folder : {"github/runner_temp", "github/workspace", "var/run", "commands"}) {
      fs::create_directories(root() / folder);
    }
    for (const auto* name : {"sccache", "launcher"}) {
      ASSERT_THAT(io::write_file(root() / name, "#!/bin/sh\necho sccache 0.16.0\n", {.mode = 0755}),
                  tests::Succeeds());
    }
    ::setenv("HEARTH_SCCACHE", (root() / "sccache").c_str(), 1);
    ::setenv("HEARTH_LAUNCHER", (root() / "launcher").c_str(), 1);
    environment_ = {{"GITHUB_REPOSITORY", "o/r"},
                    {"GITHUB_EVENT_NAME", "push"},
                    {"GITHUB_REF", "refs/heads/main"},
                    {"GITHUB_RUN_ID", "123456789"},
                    {"GITHUB_JOB", "build"},
                    {"RUNNER_OS", "Linux"},
                    {"RUNNER_ARCH", "X64"},
                    {"RUNNER_ENVIRONMENT", "self-hosted"}};
    for (const auto* name :
         {"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"}) {
      environment_.emplace_back(name, (root() / "commands" / name).string());
    }
  }
  void TearDown() override {
    ::unsetenv("HEARTH_SCCACHE");
    ::unsetenv("HEARTH_LAUNCHER");
  }

  fs::path root() const { return temp_.path(); }
  fs::path job() const { return root() / "github/runner_temp/hearth"; }
  std::string log() const { return out_.str(); }
  std::string written(std::string_view file) const {
    return io::read_file(root() / "commands" / file, 1U << 20U).value_or("");
  }
  // The value of an entry NAME<<DELIMITER.
  std::string entry(std::string_view file, std::string_view name) const {
    const auto text = written(file);
    const auto at = text.rfind(std::string(name) + "<<");
    const auto begin = at == std::string::npos ? at : text.find('\n', at);
    return begin == std::string::npos ? "(absent)"
                                      : text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
  }

  int run(int (*stage)(const Stage&)) {
    const Arguments arguments{.host_temp = "/w/_temp", .job_network = {}, .job_container = {}};
    return stage({.environment = environment_,
                  .arguments = arguments,
                  .runner = read_runner_environment(environment_, arguments),
                  .log = WorkflowLog(out_),
                  .commands = FileCommands(environment_),
                  .stop = {},
                  .root = root()});
  }

  // A daemon whose containers come up as agents.
  void start_docker() {
    docker_ = std::make_unique<tests::FakeDocker>(root() / "var/run/docker.sock");
    const auto own = own_host_name();
    docker_->when(
        "GET /containers/" + own + "/json", 200,
        R"({"Id":")" + own + R"(00","Image":"sha256:1","Config":{"Labels":{"0a1b2c":""}},"State":{}})");
    docker_->when("GET /containers/json", 200, "[]");
    docker_->when("POST /containers/create", 201, R"({"Id":"sibling"})");
    docker_->when("POST /containers/sibling/start", 204, "");
    docker_->meanwhile("POST /containers/sibling/start", [this] { start_agent(); });
  }

  void start_agent() {
    report::Figures figures;
    figures.tag = "t";
    figures.backend = "disk:///w/_hearth";
    figures.mode = "read-write";
    figures.tag_objects = objects_;
    figures.hits = 3;
    figures.misses = 1;
    figures.hit_rate = 75;
    figures.pending = pending_;
    figures.miss_reasons = miss_reasons_;
    auto started = net::HttpServer::start(
        {.address = "", .unix_socket = job() / "agent/control.sock"},
        [figures](const net::Request&, net::Responder&) -> net::Decision {
          return net::text_response(200, report::to_json(figures).dump());
        },
        registry_);
    ASSERT_THAT(started, tests::Succeeds());
    agent_ = *std::move(started);
    ASSERT_THAT(io::write_file(job() / "agent/ready.json", ready_), tests::Succeeds());
  }

  // As the runner gives main's state to post.
  void hand_over_state() { io::set_variable(environment_, "STATE_user", entry("GITHUB_STATE", "user")); }

  tests::TempFolder temp_;
  io::Environment environment_;
  std::ostringstream out_;
  std::unique_ptr<tests::FakeDocker> docker_;
  metrics::Registry registry_;
  std::unique_ptr<net::HttpServer> agent_;
  std::string ready_ = R"({"endpoint":"http://127.0.0.1:7420"})";
  std::uint64_t objects_ = 0;
  std::uint64_t pending_ = 0;
  std::map<std::string, std::uint64_t> miss_reasons_;
};

}  // namespace agent::action
