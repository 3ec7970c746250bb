#include "agent/server/server.hpp"

namespace agent::server {

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server());
  AGENT_TRY(server->storage_, backends::open_storage(options.storage, {.clock = server->clock_,
                                                                       .registry = server->registry_,
                                                                       .variables = options.variables}));
  AGENT_TRY(server->service_,
            Service::open(std::move(options.service), *server->storage_, server->clock_, server->registry_));
  auto& service = *server->service_;
  AGENT_TRY(server->http_, net::HttpServer::start(
                               {.address = options.address,
                                .port = options.port,
                                .loops = options.loops,
                                .max_connections = options.max_connections},
                               [&service](const net::Request& request, net::Responder& respond) {
                                 return service.handle(request, respond);
                               },
                               server->registry_));
  return server;
}

}  // namespace agent::server
