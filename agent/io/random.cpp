#include "agent/io/random.hpp"

#include <sys/random.h>

#include <cerrno>

namespace agent::io {

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

}  // namespace agent::io
