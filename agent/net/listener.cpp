#include "agent/net/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace agent::net {

namespace {

constexpr int k_backlog = 1024;
constexpr unsigned k_socket_mode = 0600;

std::unexpected<Error> listen_error(std::string_view where, int error) {
  const auto reason = std::generic_category().message(error);
  switch (error) {
    case EADDRINUSE:
      return fail(Errc::conflict, "listen on {}: {}", where, reason);
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return fail(Errc::invalid, "listen on {}: {}", where, reason);
    default:
      return fail_errno("listen on", where, error);
  }
}

std::uint16_t bound_port(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

Result<sockaddr_un> address_of(const io::fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.empty() || text.size() >= sizeof(address.sun_path)) {
    return fail(Errc::invalid, "listen on {}: a socket's path has 1 to {} bytes", text,
                sizeof(address.sun_path) - 1);
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

// Removes a socket file that no process listens on any more.
Result<void> remove_stale(const io::fs::path& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>{} : fail_errno("stat", path.string(), errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(Errc::conflict, "listen on {}: a file that is no socket is in the way", path.string());
  }
  const io::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) {
    return fail_errno("make a socket for", path.string(), errno);
  }
  const int connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (connected == 0 || errno == EAGAIN) {  // EAGAIN: somebody listens, with a full backlog
    return fail(Errc::conflict, "listen on {}: another process listens there", path.string());
  }
  if (errno != ECONNREFUSED && errno != ENOENT) {
    return fail_errno("connect", path.string(), errno);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno("remove", path.string(), errno);
  }
  return {};
}

}  // namespace

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Listener::Next Listener::accept() const {
  for (;;) {
    io::Fd socket(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid() || errno == EAGAIN || errno == EWOULDBLOCK) {
      return {.socket = std::move(socket)};
    }
    if (is_shortage(errno)) {
      return {.socket = io::Fd(), .shortage = errno};
    }
    // What is left are errors of the one connection that was about to be accepted: accept(2).
  }
}

Result<Listener> Listener::tcp(const std::string& address, std::uint16_t port) {
  const auto where = fmt::format("{}:{}", address, port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto* const node = address == "localhost" ? "127.0.0.1" : address.c_str();
  if (const int error = ::getaddrinfo(node, std::to_string(port).c_str(), &hints, &found); error != 0) {
    return fail(Errc::invalid, "listen on {}: {}", where, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Listener made;
  made.socket_ = io::Fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.socket_.valid()) {
    return listen_error(where, errno);
  }
  const int on = 1;
  ::setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(made.fd(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(made.fd(), k_backlog) != 0) {
    return listen_error(where, errno);
  }
  made.port_ = bound_port(made.fd());
  return made;
}

Result<Listener> Listener::unix_socket(const io::fs::path& path) {
  AGENT_TRY(const auto address, address_of(path));
  AGENT_CHECK(remove_stale(path, address));
  Listener made;
  made.socket_ = io::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.socket_.valid()) {
    return listen_error(path.string(), errno);
  }
  // Linux gives the file the mode of the unbound socket: there is no moment at which others may connect.
  if (::fchmod(made.fd(), k_socket_mode) != 0) {
    return fail_errno("chmod", path.string(), errno);
  }
  if (::bind(made.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return listen_error(path.string(), errno);
  }
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return fail_errno("stat", path.string(), errno);
  }
  made.path_ = path;
  made.inode_ = status.st_ino;
  if (::listen(made.fd(), k_backlog) != 0) {
    return listen_error(path.string(), errno);
  }
  return made;
}

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    close();
    socket_ = std::move(other.socket_);
    port_ = other.port_;
    path_ = std::move(other.path_);
    other.path_.clear();
    inode_ = other.inode_;
  }
  return *this;
}

void Listener::close() {
  if (!socket_.valid()) {
    return;
  }
  struct stat status{};
  if (is_unix() && ::lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  socket_.reset();
}

}  // namespace agent::net
