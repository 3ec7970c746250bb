#include "agent/cli/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

namespace agent::cli {

namespace {

constexpr int k_by_signal = 128;

}  // namespace

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = io::Fd(::signalfd(-1, &set, SFD_CLOEXEC));
  end_ = io::Fd(::eventfd(0, EFD_CLOEXEC));
  thread_ = std::jthread([this] { watch(); });
}

Signals::~Signals() {
  ::eventfd_write(end_.get(), 1);
}

void Signals::watch() const {
  std::array<pollfd, 2> waits{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                               {.fd = end_.get(), .events = POLLIN, .revents = 0}}};
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) <= 0) {
      continue;
    }
    if (waits[1].revents != 0) {
      return;
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
