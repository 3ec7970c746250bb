#include "agent/server/server.hpp"

#include <random>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"

namespace agent::server {

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server());
  const bool is_tls = !options.tls_certificate.empty();
  options.service.is_tls = is_tls;
  AGENT_TRY(server->storage_, backends::open_storage(options.storage, {.clock = server->clock_,
                                                                       .registry = server->registry_,
                                                                       .variables = options.variables}));
  AGENT_TRY(server->service_,
            Service::open(options.service, *server->storage_, server->clock_, server->registry_));
  auto& service = *server->service_;
  net::HttpServerOptions http{.address = options.address,
                              .port = options.port,
                              .loops = options.loops,
                              .max_connections = options.max_connections};
  if (is_tls) {
    AGENT_TRY(server->private_folder_, io::PrivateFolder::make());
    http.address.clear();
    http.unix_socket = server->private_folder_.path() / "http";
  }
  AGENT_TRY(server->http_, net::HttpServer::start(
                               http,
                               [&service](const net::Request& request, net::Responder& respond) {
                                 return service.handle(request, respond);
                               },
                               server->registry_));
  if (is_tls) {
    AGENT_TRY(server->tls_, net::TlsFront::start({.address = options.address,
                                                  .port = options.port,
                                                  .certificate = options.tls_certificate,
                                                  .key = options.tls_key,
                                                  .server = http.unix_socket,
                                                  .max_connections = options.max_connections,
                                                  .write_timeout = http.idle_timeout},
                                                 server->registry_));
  }
  if (options.keep_every.count() > 0) {
    server->keeper_ =
        std::jthread([running = server.get(), keep = std::move(options.keep), every = options.keep_every](
                         const std::stop_token& stop) { running->keep(stop, keep, every); });
  }
  return server;
}

Server::~Server() {
  keeper_ = {};
  tls_.reset();
  http_.reset();
}

void Server::drain(std::chrono::milliseconds deadline) {
  keeper_.request_stop();
  if (tls_) {
    tls_->stop_accepting();
  }
  http_->drain(deadline);
  service_->write_uses();
}

// Servers over one storage that clean at the same time give way to each other; so that they seldom do, each
// begins at another moment.
void Server::keep(const std::stop_token& stop, const KeepOptions& options, std::chrono::milliseconds every) {
  std::mt19937 random(std::random_device{}());
  Guarded<bool> never;
  auto next =
      std::chrono::steady_clock::now() + every * std::uniform_int_distribution<int>(1, 100)(random) / 100;
  while (!never.wait_until(stop, next, [](bool) { return false; }) && !stop.stop_requested()) {
    KeepOptions own = options;
    own.go_on = [&stop] { return !stop.stop_requested(); };
    const auto stores = service_->stores();
    const auto workspaces = workspaces_in(*storage_);
    if (!workspaces) {
      log::warn("server: clean: {}", workspaces.error().message);
    }
    for (const auto& workspace : workspaces ? *workspaces : std::vector<Workspace>()) {
      if (stop.stop_requested()) {
        return;
      }
      const auto done = keep_workspace(stores, workspace, own);
      registry_
          .counter("hearth_server_cleanings_total", "workspaces looked through for what may go",
                   {{"result", done ? (done->was_busy ? "busy" : "done") : "failed"}})
          .add();
      if (!done) {
        log::warn("server: clean {}: {}", workspace.slug(), done.error().message);
        continue;
      }
      registry_.counter("hearth_server_removed_bytes_total", "bytes of blobs that were removed")
          .add(done->removed_bytes);
    }
    next = std::chrono::steady_clock::now() + every;
  }
}

}  // namespace agent::server
