#include "agent/net/tls_front.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <thread>
#include <vector>

#include "agent/core/log.hpp"
#include "agent/net/listener.hpp"
#include "agent/net/server_core.hpp"
#include "agent/net/tls_relay.hpp"

namespace agent::net {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

constexpr auto k_handshake = 10s;
constexpr auto k_look_again = 5s;  // whether the certificate was replaced
constexpr auto k_turn = 1s;

std::string reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

Result<SslContext> context_of(const TlsOptions& options) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return fail(Errc::io, "TLS: {}", reason());
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate.c_str()) != 1) {
    return fail(Errc::invalid, "certificate {}: {}", options.certificate.string(), reason());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return fail(Errc::invalid, "key {}: {}", options.key.string(), reason());
  }
  return context;
}

// When certificate and key were written; what cannot be asked counts as unchanged.
using Written = std::pair<io::fs::file_time_type, io::fs::file_time_type>;
Written written(const TlsOptions& options, const Written& otherwise) {
  std::error_code error;
  const Written now(io::fs::last_write_time(options.certificate, error),
                    io::fs::last_write_time(options.key, error));
  return error ? otherwise : now;
}

}  // namespace

class TlsFront::Loop final {
public:
  Loop(TlsOptions options, Listener listener, SslContext context, metrics::Registry& registry)
      : options_(std::move(options)),
        figures_(registry),
        listener_(std::move(listener)),
        port_(listener_.port()),
        context_(std::move(context)),
        written_(written(options_, {})),
        poll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  Result<void> begin();
  void run();
  void wake() const;
  void stop() {
    stopping_ = true;
    wake();
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  void stop_accepting() {
    deaf_ = true;
    wake();
  }
  std::uint16_t port() const { return port_; }

private:
  struct Watched {
    std::unique_ptr<TlsRelay> relay;
    std::uint32_t client = 0;  // what is waited for; 0: its descriptor is not in epoll
    std::uint32_t inner = 0;
  };

  int wait_ms() const;
  void accept_all(SteadyTime now);
  void rest(int error, SteadyTime now);
  void resume(SteadyTime now);
  void watch_listener(std::uint32_t events) const;
  void serve(int fd, SteadyTime now);
  void watch(Watched& watched);
  void want(int fd, std::uint32_t events, std::uint32_t& wanted) const;
  void drop(int client);
  void drop_late(SteadyTime now);
  void look_for_a_new_certificate(SteadyTime now);

  const TlsOptions options_;
  ServerFigures figures_;
  Listener listener_;
  const std::uint16_t port_;
  SslContext context_;
  Written written_;
  io::Fd poll_;
  io::Fd wake_;
  std::map<int, Watched> relays_;  // by the client's descriptor
  std::map<int, int> client_of_;   // by the inner one
  SteadyTime looked_{};
  SteadyTime resume_at_ = SteadyTime::max();  // until then the listener is not looked at
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> deaf_ = false;
  std::jthread thread_;
};

Result<void> TlsFront::Loop::begin() {
  for (const int fd : {listener_.fd(), wake_.get()}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (!poll_.valid() || !wake_.valid() || ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return fail(Errc::io, "TLS: epoll cannot be set up");
    }
  }
  thread_ = std::jthread([this] { run(); });
  return {};
}

void TlsFront::Loop::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(wake_.get(), &one, sizeof(one));
}

void TlsFront::Loop::run() {
  sigset_t pipe{};  // OpenSSL writes with write(2)
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
    const auto now = std::chrono::steady_clock::now();
    if (deaf_ && listener_.is_open()) {
      listener_.close();
    }
    resume(now);
    for (int i = 0; i < count; ++i) {
      const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == wake_.get()) {
        std::uint64_t ignored = 0;
        [[maybe_unused]] const auto got = ::read(fd, &ignored, sizeof(ignored));
      } else if (listener_.is_open() && fd == listener_.fd()) {
        look_for_a_new_certificate(now);
        accept_all(now);
      } else {
        serve(fd, now);
      }
    }
    drop_late(now);
  }
}

int TlsFront::Loop::wait_ms() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::min(resume_at_ - std::chrono::steady_clock::now(), SteadyTime::duration(k_turn)));
  return static_cast<int>(std::max(left, 0ms).count());
}

// Without descriptors accepting would spin; who waits in the queue is accepted later.
void TlsFront::Loop::rest(int error, SteadyTime now) {
  figures_.count_refusal(Refusal::descriptors);
  log::warn("tls: cannot accept: {}", std::generic_category().message(error));
  resume_at_ = now + k_accept_rest;
  watch_listener(0);
}

void TlsFront::Loop::resume(SteadyTime now) {
  if (now >= resume_at_) {
    resume_at_ = SteadyTime::max();
    watch_listener(EPOLLIN);
  }
}

// It stays in epoll: this cannot fail for want of memory.
void TlsFront::Loop::watch_listener(std::uint32_t events) const {
  if (listener_.is_open()) {
    epoll_event event{.events = events, .data = {.fd = listener_.fd()}};
    ::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, listener_.fd(), &event);
  }
}

void TlsFront::Loop::accept_all(SteadyTime now) {
  for (;;) {
    auto next = listener_.accept();
    if (next.shortage != 0) {
      rest(next.shortage, now);
    }
    if (!next.socket.valid()) {
      return;
    }
    auto& client = next.socket;
    if (relays_.size() >= options_.max_connections) {
      figures_.count_refusal(Refusal::connections);
      continue;  // closes it: there is nothing to say before a handshake
    }
    const int fd = client.get();
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    auto& watched = relays_[fd];
    watched.relay = std::make_unique<TlsRelay>(
        std::move(client), context_.get(), options_.server,
        RelayLimits{.handshake_until = now + k_handshake, .write_timeout = options_.write_timeout});
    watch(watched);
  }
}

void TlsFront::Loop::serve(int fd, SteadyTime now) {
  const auto inner = client_of_.find(fd);
  const int client = inner != client_of_.end() ? inner->second : fd;
  const auto found = relays_.find(client);
  if (found == relays_.end()) {
    return;  // closed by an event before this one
  }
  found->second.relay->pump(now);
  if (found->second.relay->closed()) {
    const int error = found->second.relay->connect_error();
    drop(client);
    if (is_shortage(error)) {
      rest(error, now);
    } else if (error != 0) {
      figures_.count_refusal(Refusal::connections);
    }
    return;
  }
  watch(found->second);
}

void TlsFront::Loop::watch(Watched& watched) {
  const auto& relay = *watched.relay;
  want(relay.client(), relay.client_events(), watched.client);
  if (relay.inner() >= 0) {
    client_of_[relay.inner()] = relay.client();
    want(relay.inner(), relay.inner_events(), watched.inner);
  }
}

// A descriptor that is waited for nothing is taken out: epoll would go on saying that the other side is gone.
void TlsFront::Loop::want(int fd, std::uint32_t events, std::uint32_t& wanted) const {
  if (events == wanted) {
    return;
  }
  const int operation = wanted == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  wanted = events;
  epoll_event event{.events = events, .data = {.fd = fd}};
  ::epoll_ctl(poll_.get(), operation, fd, &event);
}

void TlsFront::Loop::drop(int client) {
  const auto found = relays_.find(client);
  client_of_.erase(found->second.relay->inner());
  relays_.erase(found);  // closing takes the descriptors out of epoll
}

void TlsFront::Loop::drop_late(SteadyTime now) {
  std::vector<int> late;
  for (const auto& [client, watched] : relays_) {
    if (watched.relay->is_late(now)) {
      late.push_back(client);
    }
  }
  for (const int client : late) {
    drop(client);
    figures_.count_refusal(Refusal::timeout);
  }
}

void TlsFront::Loop::look_for_a_new_certificate(SteadyTime now) {
  if (now - looked_ < k_look_again) {
    return;
  }
  looked_ = now;
  const auto now_written = written(options_, written_);
  if (now_written == written_) {
    return;
  }
  auto context = context_of(options_);
  if (!context) {  // half written, perhaps: looked at again
    log::warn("server: {}; the certificate before stays in use", context.error().message);
    return;
  }
  context_ = *std::move(context);
  written_ = now_written;
  log::info("server: took the certificate {} anew", options_.certificate.string());
}

Result<std::unique_ptr<TlsFront>> TlsFront::start(const TlsOptions& options, metrics::Registry& registry) {
  AGENT_TRY(auto context, context_of(options));
  AGENT_TRY(auto listener, Listener::tcp(options.address, options.port));
  auto loop = std::make_unique<Loop>(options, std::move(listener), std::move(context), registry);
  AGENT_CHECK(loop->begin());
  return std::unique_ptr<TlsFront>(new TlsFront(std::move(loop)));
}

TlsFront::TlsFront(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

TlsFront::~TlsFront() {
  loop_->stop();
}

std::uint16_t TlsFront::port() const {
  return loop_->port();
}

void TlsFront::stop_accepting() {
  loop_->stop_accepting();
}

}  // namespace agent::net
