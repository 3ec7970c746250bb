#include "agent/cli/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace agent::cli {

namespace {

constexpr int k_by_signal = 128;
constexpr int k_poll_ms = 200;

}  // namespace

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = io::Fd(::signalfd(-1, &set, SFD_CLOEXEC));
  thread_ = std::jthread([this](const std::stop_token& own) { watch(own); });
}

Signals::~Signals() {
  thread_.request_stop();
}

void Signals::watch(const std::stop_token& own) const {
  while (!own.stop_requested()) {
    pollfd wait{.fd = signals_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, k_poll_ms) <= 0) {
      continue;
    }
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
      continue;
    }
    if (stop_.stop_requested()) {
      ::_exit(k_by_signal + static_cast<int>(info.ssi_signo));
    }
    auto source = stop_;
    source.request_stop();
  }
}

}  // namespace agent::cli
