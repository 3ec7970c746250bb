// The Docker Engine API through the socket that the runner mounts into every container action. Used by one
// thread; every call blocks up to its deadline.
// Source: Docker Engine API reference, versions 1.41 to 1.47; checked against dockerd 20.10.24, 2026-11.
// Errors: not_found (404, or no socket), conflict (304, 409), invalid (400), denied (403, or the socket's
// mode), transient (5xx, no answer), corrupt (an answer that is not what the API says).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/action/docker_types.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http_client.hpp"

namespace agent::action {

class DockerApi final {
public:
  // Tests that the path is a socket (a bind of a missing source is a folder) and agrees on a version.
  static Result<DockerApi> connect(const io::fs::path& socket);

  Result<ContainerFacts> inspect(std::string_view container);
  Result<std::string> create(const ContainerSpec& spec);  // its id
  Result<void> start(std::string_view container);
  // SIGTERM, SIGKILL after `grace`; returns when it is stopped, also where it already was.
  Result<void> stop(std::string_view container, std::chrono::seconds grace);
  // Kills and removes; succeeds where there is none.
  Result<void> remove(std::string_view container);
  Result<void> disconnect(std::string_view network, std::string_view container);
  // Ids of all containers, running or not, that have this label with this value.
  Result<std::vector<std::string>> find(std::string_view label, std::string_view value);
  // Runs a command in a running container, its output dropped; returns its exit code.
  // Errors also: cancelled at the deadline.
  Result<int> execute(std::string_view container, const std::vector<std::string>& command,
                      std::chrono::milliseconds deadline);

  const std::string& version() const { return version_; }

private:
  DockerApi(io::fs::path socket, std::string version)
      : socket_(std::move(socket)), version_(std::move(version)) {}

  struct Call {
    std::string method;
    std::string path;  // below the version
    io::Json body;
    std::chrono::milliseconds timeout{20'000};
  };
  Result<net::ClientResponse> call(const Call& call);

  io::fs::path socket_;
  std::string version_;
};

}  // namespace agent::action
