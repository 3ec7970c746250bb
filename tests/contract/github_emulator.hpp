// GitHub's cache service for tests: the emulator of tests/github in a process of its own, which ends with
// this one. Used by one thread, but for variables().
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>

#include "agent/backends/object_storage.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http_client.hpp"

namespace agent::tests {

constexpr int k_reads = 1;
constexpr int k_reads_and_writes = 3;

// Ends when its standard input does, so it cannot outlive this process.
class GithubEmulator final {
public:
  GithubEmulator() {
    std::array<int, 2> input{};
    std::array<int, 2> output{};
    if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) {
      return;
    }
    hold_open_ = io::Fd(input[1]);
    const io::Fd read_end(output[0]);
    const io::Fd child_input(input[0]);
    io::Fd child_output(output[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_input.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
    const auto* const source = std::getenv("HEARTH_SOURCE_DIR");
    posix_spawn_file_actions_addchdir_np(&actions, source != nullptr ? source : ".");
    std::array<std::string, 5> words = {"python3", "-m", "tests.github.cache_service", "--uploads-per-minute",
                                        "0"};
    std::array<char*, words.size() + 1> arguments{};
    std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
    if (::posix_spawnp(&process_, "python3", &actions, nullptr, arguments.data(), environ) != 0) {
      process_ = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
    child_output.reset();
    char letter = '\0';
    while (process_ > 0 && ::read(read_end.get(), &letter, 1) == 1 && letter != '\n') {
      url_ += letter;
    }
  }
  GithubEmulator(const GithubEmulator&) = delete;
  GithubEmulator& operator=(const GithubEmulator&) = delete;
  ~GithubEmulator() {
    hold_open_.reset();
    if (process_ > 0) {
      ::waitpid(process_, nullptr, 0);
    }
  }

  const std::string& url() const { return url_; }

  io::Json control(const std::string& name, const io::Json& given) const {
    auto client = net::HttpClient::to_url(url_);
    const auto answer =
        client ? client->send(
                     {.method = "POST", .target = "/_control/" + name, .headers = {}, .body = given.dump()})
               : Result<net::ClientResponse>(std::unexpected(client.error()));
    const auto json = answer ? io::parse_json(answer->body, name) : Result<io::Json>(io::Json());
    return json ? *json : io::Json();
  }

  io::Json counters() const { return control("counters", io::JsonObject{}); }

  // What a job on `ref` gets from its runner, and a REST token.
  backends::Variables variables(int permission = k_reads_and_writes,
                                const std::string& ref = "refs/heads/main") const {
    std::string api = url_;
    api.pop_back();
    const io::Json scope(io::JsonArray{ref, permission});
    const auto token = control("token", io::JsonObject{{"scopes", io::JsonArray{scope}}}).text("token");
    const std::map<std::string, std::string, std::less<>> values = {
        {"ACTIONS_RESULTS_URL", url_},    {"ACTIONS_CACHE_URL", url_},
        {"ACTIONS_RUNTIME_TOKEN", token}, {"GITHUB_SERVER_URL", "https://github.com"},
        {"GITHUB_API_URL", api},          {"GITHUB_REPOSITORY", "octo/project"},
        {"GITHUB_TOKEN", "ghs_emulator"}};
    return [values](const char* name) {
      const auto found = values.find(std::string_view(name));
      return found != values.end() ? found->second : std::string{};
    };
  }

private:
  io::Fd hold_open_;
  pid_t process_ = -1;
  std::string url_;
};

}  // namespace agent::tests
