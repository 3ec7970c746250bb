#include "agent/cli/signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <set>

namespace agent::cli {

namespace {

constexpr int k_by_signal = 128;

bool is_ignored(int number) {
  struct sigaction action{};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (!is_ignored(SIGHUP)) {  // as nohup(1) leaves it; a signalfd would get it all the same
    sigaddset(&set, SIGHUP);
  }
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::isatty(output) == 1) {
      on_terminal_.push_back(output);
    }
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = io::Fd(::signalfd(-1, &set, SFD_CLOEXEC));
  end_ = io::Fd(::eventfd(0, EFD_CLOEXEC));
  thread_ = std::jthread([this] { watch(); });
}

Signals::~Signals() {
  ::eventfd_write(end_.get(), 1);
}

// What a terminal that is gone was to show is lost; that writing it fails must not end who has to tidy up.
void Signals::let_go_of_the_terminal() const {
  for (const int output : on_terminal_) {
    if (::isatty(output) == 0) {
      const io::Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
      if (nowhere.valid()) {
        ::dup2(nowhere.get(), output);
      }
    }
  }
}

void Signals::watch() const {
  std::set<std::uint32_t> asked;
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
    if (info.ssi_signo == SIGHUP) {
      let_go_of_the_terminal();
    } else if (!asked.insert(info.ssi_signo).second) {
      ::_exit(k_by_signal + static_cast<int>(info.ssi_signo));
    }
    auto source = stop_;
    source.request_stop();
  }
}

}  // namespace agent::cli
