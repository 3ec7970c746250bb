// `hearth server`: the BoringCache API v2 over any object storage. Owns its threads; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/private_folder.hpp"
#include "agent/net/http_server.hpp"
#include "agent/net/tls_front.hpp"
#include "agent/server/service.hpp"

namespace agent::server {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0 picks one
  std::string storage;     // URL
  backends::Variables variables = io::environment_value;
  unsigned loops = 2;
  std::size_t max_connections = 4096;
  io::fs::path tls_certificate;  // PEM; set, the server speaks TLS
  io::fs::path tls_key;
  KeepOptions keep;                         // what goes from workspaces
  std::chrono::milliseconds keep_every{0};  // how often it is looked for; 0: never
  ServiceOptions service;
};

class Server final {
public:
  // Serves from its own threads from now on. Errors: those of backends::open_storage, Service::open and
  // net::HttpServer::start.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);

  std::uint16_t port() const { return tls_ ? tls_->port() : http_->port(); }
  std::string storage() const { return storage_->describe(); }

  // Stops accepting and lets answers in progress end, up to the deadline.
  void drain(std::chrono::milliseconds deadline);

  ~Server();

private:
  Server() = default;
  void keep(const std::stop_token& stop, const KeepOptions& options, std::chrono::milliseconds every);

  SystemClock clock_;
  metrics::Registry registry_;
  std::unique_ptr<backends::ObjectStorage> storage_;
  std::unique_ptr<Service> service_;
  io::PrivateFolder private_folder_;       // of the socket behind TLS; empty: none
  std::unique_ptr<net::HttpServer> http_;  // after these: its threads use them
  std::unique_ptr<net::TlsFront> tls_;
  std::jthread keeper_;  // last, for the same reason
};

}  // namespace agent::server
