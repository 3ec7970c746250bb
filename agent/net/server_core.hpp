// What the event loops of one server share: options, handler, figures. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/core/guarded.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http.hpp"
#include "agent/net/http_server.hpp"

namespace agent::net {

// A steady trickle is not progress: this much must move before a deadline moves on.
constexpr std::uint64_t k_progress_bytes = std::uint64_t{16} * 1024;

// Why a request or connection was turned away before a handler could answer it.
enum class Refusal : std::uint8_t {
  malformed,       // 400, 417, 501, 505
  head_too_large,  // 431
  body_too_large,  // 413
  timeout,         // a head, body or reader that was too slow
  connections,     // max_connections
  descriptors,     // the process has no file descriptor left
  body_source,     // a response's file could not be read
  handler,         // it threw, or dropped the Responder
};
constexpr std::size_t k_refusals = 8;

class ServerFigures final {
public:
  explicit ServerFigures(metrics::Registry& registry);

  void count_request(std::string_view method, int status);
  void count_refusal(Refusal why);
  metrics::Gauge& connections() { return connections_; }

private:
  static constexpr std::size_t k_methods = 9;  // the last is for all others
  static constexpr std::size_t k_classes = 4;  // 2xx to 5xx

  metrics::Registry& registry_;
  metrics::Gauge& connections_;
  // Declared at first use, so that /metrics shows only what occurs.
  std::array<std::array<std::atomic<metrics::Counter*>, k_classes>, k_methods> requests_{};
  std::array<std::atomic<metrics::Counter*>, k_refusals> refusals_{};
};

struct ServerCore {
  ServerCore(HttpServerOptions chosen, Handler answer, metrics::Registry& registry)
      : options(std::move(chosen)), handler(std::move(answer)), figures(registry) {}

  const HttpServerOptions options;
  const Handler handler;
  ServerFigures figures;
  std::atomic<std::size_t> connections{0};
  std::atomic<bool> draining{false};
  std::atomic<std::chrono::steady_clock::duration::rep> last_activity{0};
  std::atomic<std::size_t> loops_draining{0};  // they accept nothing any more
  Guarded<std::monostate> drain_progress;      // changes when one of the three above does while draining
};

// One connection's place under max_connections, given back by its end. Moves with the connection.
class Seat final {
public:
  Seat(ServerCore& core, std::atomic<std::size_t>& loop_load);
  Seat(Seat&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), loop_load_(std::exchange(other.loop_load_, nullptr)) {}
  Seat& operator=(Seat&&) = delete;
  ~Seat();

private:
  ServerCore* core_;
  std::atomic<std::size_t>* loop_load_;  // connections of one loop
};

}  // namespace agent::net
