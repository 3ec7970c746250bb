// A protocol that build tools speak to the agent, mounted under its own name: "/sccache/…", "/bazel/…". A new
// one is one file and one line in builtin.def. Handlers see requests and a cache, never sockets. Thread-safe.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "agent/cache/cache.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http.hpp"

namespace agent::fronts {

struct FrontServices {
  cache::Cache& cache;
  metrics::Registry& registry;
};

class Front {
public:
  virtual ~Front() = default;

  // The first segment of the paths that are this front's.
  virtual std::string_view name() const = 0;

  // `path` is what follows "/<name>/", decoded; never with a leading slash.
  virtual net::Decision handle(const net::Request& request, std::string_view path,
                               net::Responder& respond) = 0;
};

#define FRONT(name) std::unique_ptr<Front> make_##name(const FrontServices& services);
#include "agent/fronts/builtin.def"
#undef FRONT

// Every front of builtin.def.
std::vector<std::unique_ptr<Front>> make_fronts(const FrontServices& services);

}  // namespace agent::fronts
