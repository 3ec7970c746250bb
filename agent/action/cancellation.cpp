#include "agent/action/cancellation.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <ctime>

namespace agent::action {

namespace {

sigset_t watched_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

constexpr timespec k_patience{.tv_sec = 5, .tv_nsec = 0};

}  // namespace

Cancellation::Cancellation() {
  const auto signals = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::jthread([this, signals] {
    while (::sigwaitinfo(&signals, nullptr) < 0) {  // EINTR
    }
    if (ending_.load()) {
      return;
    }
    stop_.request_stop();
    ::sigtimedwait(&signals, nullptr, &k_patience);
    if (!ending_.load()) {
      ::_exit(k_cancelled_exit);
    }
  });
}

Cancellation::~Cancellation() {
  ending_.store(true);
  // Wakes the wait; the signal is blocked everywhere else.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread,cert-pos44-c)
  ::pthread_kill(thread_.native_handle(), SIGTERM);
}

}  // namespace agent::action
