#include "agent/net/server_core.hpp"

#include <algorithm>

namespace agent::net {

namespace {

constexpr std::array<std::string_view, 9> k_method_names = {
    "GET", "PUT", "HEAD", "POST", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "other",
};
constexpr std::array<std::string_view, 4> k_class_names = {"2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::string_view, k_refusals> k_refusal_names = {
    "malformed",   "head_too_large", "body_too_large", "timeout",
    "connections", "descriptors",    "body_source",    "handler",
};

// Two threads that race to declare get the same counter from the registry.
template <typename Declare>
metrics::Counter& declared(std::atomic<metrics::Counter*>& slot, Declare declare) {
  auto* known = slot.load(std::memory_order_acquire);
  if (known == nullptr) {
    known = &declare();
    slot.store(known, std::memory_order_release);
  }
  return *known;
}

}  // namespace

ServerFigures::ServerFigures(metrics::Registry& registry)
    : registry_(registry),
      connections_(registry.gauge("hearth_http_connections", "open connections of the HTTP server")) {}

void ServerFigures::count_request(std::string_view method, int status) {
  const auto* const found = std::find(k_method_names.begin(), k_method_names.end() - 1, method);
  const auto row = static_cast<std::size_t>(found - k_method_names.begin());
  const auto column = static_cast<std::size_t>(std::clamp(status / 100, 2, 5) - 2);
  declared(requests_.at(row).at(column), [&]() -> metrics::Counter& {
    return registry_.counter(
        "hearth_http_requests_total", "requests answered, by method and status class",
        {{"method", std::string(k_method_names.at(row))}, {"class", std::string(k_class_names.at(column))}});
  }).add();
}

void ServerFigures::count_refusal(Refusal why) {
  const auto index = static_cast<std::size_t>(why);
  declared(refusals_.at(index), [&]() -> metrics::Counter& {
    return registry_.counter("hearth_http_rejected_total",
                             "requests and connections turned away by the HTTP server, by reason",
                             {{"reason", std::string(k_refusal_names.at(index))}});
  }).add();
}

Seat::Seat(ServerCore& core, std::atomic<std::size_t>& loop_load) : core_(&core), loop_load_(&loop_load) {
  core.connections.fetch_add(1);
  core.figures.connections().add(1);
  loop_load.fetch_add(1);
}

Seat::~Seat() {
  if (core_ == nullptr) {
    return;
  }
  loop_load_->fetch_sub(1);
  core_->figures.connections().add(-1);
  core_->connections.fetch_sub(1);
  if (core_->draining.load()) {
    core_->drain_progress.change([](auto&) {});
  }
}

}  // namespace agent::net
