#include "agent/io/random.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "agent/core/digest.hpp"

namespace agent::io {

namespace {

std::uint64_t ticks() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace

Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t done = 0; done < count;) {
    const auto got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got < 0 && errno != EINTR) {
      return fail_errno("read", "random bytes", errno);
    }
    done += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  return bytes;
}

Result<std::string> random_hex(std::size_t count) {
  AGENT_TRY(const auto bytes, random_bytes(count));
  return to_hex(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  const auto bytes = random_bytes(sizeof number);
  if (!bytes) {
    return ticks();
  }
  std::memcpy(&number, bytes->data(), sizeof number);
  return number;
}

std::string random_mark() {
  constexpr std::size_t k_bytes = 12;
  auto mark = random_hex(k_bytes);
  return mark ? *std::move(mark) : fmt::format("{:08x}{:016x}", ::getpid(), ticks());
}

}  // namespace agent::io
