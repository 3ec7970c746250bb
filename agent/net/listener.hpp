// Listening sockets, TCP and Unix. Resources: closed, and the Unix socket's file removed, at destruction.
// Errors: conflict (address in use, somebody answers on the socket, a file that is no socket is in the way),
// denied, invalid (not an address, path too long), io.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::net {

// Who accepts without a descriptor left would spin, as the queue does not get shorter: it rests for so long.
constexpr std::chrono::milliseconds k_accept_rest{100};

// Of descriptors or memory, as errno has it.
bool is_shortage(int error);

class Listener final {
public:
  // A numeric IPv4 or IPv6 address, or "localhost"; port 0 picks one.
  static Result<Listener> tcp(const std::string& address, std::uint16_t port);

  // Mode 0600 from the first moment. A socket file that nobody answers on is replaced.
  static Result<Listener> unix_socket(const io::fs::path& path);

  Listener() = default;
  Listener(Listener&& other) noexcept = default;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener() { close(); }

  // The next connection that waits, as a socket that does not block.
  struct Next {
    io::Fd socket;     // invalid: none
    int shortage = 0;  // errno, where a shortage and not an empty queue is why
  };
  Next accept() const;

  int fd() const { return socket_.get(); }
  bool is_open() const { return socket_.valid(); }
  bool is_unix() const { return !path_.empty(); }
  std::uint16_t port() const { return port_; }
  void close();

private:
  io::Fd socket_;
  std::uint16_t port_ = 0;
  io::fs::path path_;
  ino_t inode_ = 0;  // of the socket file: one that replaced ours is left alone
};

}  // namespace agent::net
