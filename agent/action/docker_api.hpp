// The Docker Engine API through the socket that the runner mounts into every container action. Used by one
// thread; every call blocks up to its deadline.
// Source: Docker Engine API reference, versions 1.41 to 1.47; checked against dockerd 20.10.24, 2026-11.
// Errors: not_found (404, or no socket), conflict (304, 409), invalid (400), denied (403, or the socket's
// mode), transient (5xx, no answer), corrupt (an answer that is not what the API says).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http_client.hpp"

namespace agent::action {

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

Result<ContainerFacts> parse_container(std::string_view json);

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
  std::chrono::seconds stop_timeout{10};
};

io::Json to_json(const ContainerSpec& spec);

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

// "1.41" of an Api-Version header, not above what this program was checked with. Errors: corrupt.
Result<std::string> agreed_version(std::string_view offered);

}  // namespace agent::action
