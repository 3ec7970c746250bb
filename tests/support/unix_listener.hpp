// A process that listens on a Unix socket and does nothing with what it gets: a server that hangs.
#pragma once

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <utility>

namespace agent::tests {

class UnixListener final {
public:
  explicit UnixListener(const std::filesystem::path& path) {
    std::filesystem::remove(path);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return;
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      // Listening is what makes this process, and not its parent, the peer that a client sees.
      ::listen(socket, 16);
      while (true) {
        ::pause();
      }
    }
    while (!accepts(address)) {
      ::usleep(1000);
    }
    ::close(socket);
  }
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  ~UnixListener() { kill(); }

  pid_t pid() const { return pid_; }

  void kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
  }

  // True once the process was ended by somebody else.
  bool ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

private:
  static bool accepts(const sockaddr_un& address) {
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected =
        ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(client);
    return connected;
  }

  pid_t pid_ = -1;
};

}  // namespace agent::tests
