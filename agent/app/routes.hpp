// The agent's paths: health, status, metrics, the live page and control beside the fronts. Control (flush,
// drain) only over the Unix socket. Thread-safe: called from every event loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "agent/app/live.hpp"
#include "agent/app/status.hpp"
#include "agent/core/worker.hpp"
#include "agent/fronts/front.hpp"
#include "agent/fronts/gate.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http.hpp"
#include "agent/pages/page.hpp"

namespace agent::app {

struct Control {
  std::function<report::Figures(std::chrono::milliseconds deadline)> flush;
  std::function<report::Figures(std::chrono::milliseconds deadline)> drain;
  std::chrono::milliseconds default_deadline{60'000};
};

struct RouteServices {
  const Status& status;
  const metrics::Registry& registry;
  Live& live;
  fronts::Gate gate;
  std::vector<std::unique_ptr<fronts::Front>> fronts;
  Control control;
};

class Routes final {
public:
  explicit Routes(RouteServices services) : services_(std::move(services)) {}

  net::Decision handle(const net::Request& request, net::Responder& respond);

private:
  net::Decision control(const net::Request& request, net::Responder& respond);
  net::Response own_page(const net::Request& request) const;

  RouteServices services_;
  pages::Page page_ = pages::live_page();
  Worker worker_;  // flush and drain wait for the backend; an event loop must not
};

}  // namespace agent::app
