#include "agent/net/http_server.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "agent/net/acceptor.hpp"
#include "agent/net/event_loop.hpp"
#include "agent/net/listener.hpp"
#include "agent/net/server_core.hpp"

namespace agent::net {

namespace {

// Signals are for the program's main thread; SIGPIPE above all, which sendfile(2) cannot be told not to
// raise.
class AllSignalsBlocked final {
public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

}  // namespace

struct HttpServer::State {
  State(HttpServerOptions options, Handler handler, metrics::Registry& registry)
      : core(std::move(options), std::move(handler), registry) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Loops end before what they use; a Responder that is still held then reaches a closed mailbox.
  ~State() {
    for (const auto& loop : loops) {
      loop->mailbox().post(Stop{});
    }
    threads.clear();
    for (const auto& loop : loops) {
      loop->mailbox().close();
    }
  }

  ServerCore core;
  std::uint16_t port = 0;
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::optional<Acceptor> acceptor;
  std::vector<std::jthread> threads;
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options, Handler handler,
                                                      metrics::Registry& registry) {
  std::vector<Listener> listeners;
  std::uint16_t port = 0;
  if (!options.address.empty()) {
    AGENT_TRY(auto tcp, Listener::tcp(options.address, options.port));
    port = tcp.port();
    listeners.push_back(std::move(tcp));
  }
  if (!options.unix_socket.empty()) {
    AGENT_TRY(auto local, Listener::unix_socket(options.unix_socket));
    listeners.push_back(std::move(local));
  }
  if (listeners.empty()) {
    return fail(Errc::invalid, "start HTTP server: neither an address nor a socket to listen on");
  }
  auto state = std::make_unique<State>(std::move(options), std::move(handler), registry);
  state->port = port;
  std::vector<EventLoop*> loops;
  for (unsigned i = 0; i < std::max(state->core.options.loops, 1U); ++i) {
    AGENT_TRY(auto loop, EventLoop::create(state->core));
    loops.push_back(loop.get());
    state->loops.push_back(std::move(loop));
  }
  state->acceptor.emplace(state->core, std::move(listeners), loops);
  const AllSignalsBlocked inherited_by_threads;
  for (auto* const loop : loops) {
    auto* const acceptor = loop == loops.front() ? &*state->acceptor : nullptr;
    state->threads.emplace_back([loop, acceptor] { loop->run(acceptor); });
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::uint16_t HttpServer::port() const {
  return state_->port;
}

std::chrono::steady_clock::time_point HttpServer::last_activity() const {
  return std::chrono::steady_clock::time_point(
      std::chrono::steady_clock::duration(state_->core.last_activity.load(std::memory_order_relaxed)));
}

void HttpServer::drain(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  auto& core = state_->core;
  if (!core.draining.exchange(true)) {
    for (const auto& loop : state_->loops) {
      loop->mailbox().post(BeginDrain{});
    }
  }
  core.drain_progress.wait_until({}, until, [&](const auto&) {
    return core.loops_draining.load() == state_->loops.size() && core.connections.load() == 0;
  });
}

}  // namespace agent::net
