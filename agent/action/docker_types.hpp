// Containers as Docker's API describes them, and as we ask for them. Values; pure functions.
// Source: Docker Engine API reference, versions 1.41 to 1.47; checked against dockerd 20.10.24, 2026-11.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::action {

constexpr std::size_t k_max_docker_answer = std::size_t{8} << 20U;

struct Mount {
  std::string type;  // "bind", "volume", ...
  std::string source;
  std::string destination;
};

// What we use of GET /containers/{id}/json.
struct ContainerFacts {
  std::string id;
  std::string image;  // "sha256:…"
  std::map<std::string, std::string> labels;
  std::vector<Mount> mounts;
  std::map<std::string, std::string> addresses;  // network's name -> IP address in it
  std::string user;                              // of the image or the job's options; empty: root
  bool running = false;
  int exit_code = 0;
  std::string failure;  // why the daemon could not start it

  // The host's path of what is mounted exactly there; empty if nothing is.
  std::string source_of(std::string_view destination) const;
};

// Errors: corrupt.
Result<ContainerFacts> parse_container(std::string_view text);

// A container to create: detached, removed by the daemon when it ends.
struct ContainerSpec {
  // A folder of the host at its own path within. `create` makes it, owned by root, where it is missing;
  // otherwise a missing one is an error.
  struct Bind {
    std::string source;
    std::string destination;
    bool create = false;
  };
  std::string name;
  std::string image;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::map<std::string, std::string> labels;
  std::string network;               // "host" or a network's name
  std::vector<std::string> aliases;  // names on that network
  std::vector<Bind> binds;
  std::vector<std::string> volumes;       // anonymous, gone with the container
  std::vector<std::string> capabilities;  // all others are dropped
  bool sees_host_processes = false;       // shares the host's process ids
  std::chrono::seconds stop_timeout{10};
};

io::Json to_json(const ContainerSpec& spec);

// "1.41" of an Api-Version header, not above what this program was checked with. Errors: corrupt.
Result<std::string> agreed_version(std::string_view offered);

}  // namespace agent::action
