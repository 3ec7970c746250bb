#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "agent/launcher/server.hpp"
#include "agent/launcher/sys.hpp"

namespace agent::launcher {
namespace {

constexpr std::int64_t k_deadline_ms = 1000;

// A decimal number up to `most`.
std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
  unsigned value = 0;
  for (const char byte : text) {
    if (byte < '0' || byte > '9') {
      return std::nullopt;
    }
    value = (value * 10) + static_cast<unsigned>(byte - '0');
    if (value > most) {
      return std::nullopt;
    }
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

// Cuts `rest` after the next `mark`, and returns what was before it.
std::string_view next_part(std::string_view& rest, char mark) {
  const std::size_t end = std::min(rest.find(mark), rest.size());
  const std::string_view part(rest.data(), end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

std::optional<sockaddr_in> parse_address(std::string_view agent) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::span bytes(reinterpret_cast<unsigned char*>(&address.sin_addr), sizeof(address.sin_addr));
  for (unsigned char& byte : bytes) {
    const bool last = &byte == &bytes.back();
    const auto number = parse_number(next_part(agent, last ? ':' : '.'), 255);
    if (!number) {
      return std::nullopt;
    }
    byte = static_cast<unsigned char>(*number);
  }
  const auto port = parse_number(agent, 65535);
  if (!port) {
    return std::nullopt;
  }
  address.sin_port = __builtin_bswap16(static_cast<std::uint16_t>(*port));
  return address;
}

bool ready(int fd, short events, std::int64_t deadline) {
  const std::int64_t left = deadline - sys::monotonic_ms();
  return left > 0 && sys::wait_for(fd, events, left) > 0;
}

bool ask(int fd, const sockaddr_in& address, std::string_view agent) {
  const std::int64_t deadline = sys::monotonic_ms() + k_deadline_ms;
  const long connected = sys::connect(fd, &address, sizeof(address));
  if (connected < 0 &&
      (connected != -EINPROGRESS || !ready(fd, POLLOUT, deadline) || sys::socket_error(fd) != 0)) {
    return false;
  }
  Line request;
  request.add("GET /healthz HTTP/1.1\r\nHost: ").add(agent).add("\r\nConnection: close\r\n\r\n");
  if (sys::send(fd, request.view()) != static_cast<long>(request.view().size())) {
    return false;  // a fresh connection takes these bytes at once
  }
  constexpr std::string_view k_shortest = "HTTP/1.1 200";
  std::array<char, 64> reply{};
  std::size_t size = 0;
  while (size < k_shortest.size()) {
    const std::span<char> room = std::span(reply).subspan(size);
    const long got = ready(fd, POLLIN, deadline) ? sys::receive(fd, room) : 0;
    if (got <= 0) {
      return false;
    }
    size += static_cast<std::size_t>(got);
  }
  const std::string_view status(reply.data(), size);
  constexpr std::size_t k_version = std::string_view("HTTP/1.1").size();
  return status.starts_with("HTTP/1.") && std::string_view(status.data() + k_version, 4) == " 200";
}

}  // namespace

bool agent_is_healthy(std::string_view agent) {
  const auto address = parse_address(agent);
  if (!address) {
    return true;
  }
  const long fd = sys::socket(AF_INET, SOCK_NONBLOCK);
  if (fd < 0) {
    return false;
  }
  const bool healthy = ask(static_cast<int>(fd), *address, agent);
  sys::close(static_cast<int>(fd));
  return healthy;
}

}  // namespace agent::launcher
