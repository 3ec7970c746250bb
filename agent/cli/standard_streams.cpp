#include "agent/cli/standard_streams.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "agent/cli/command.hpp"

namespace agent::cli {

namespace {

// As fopencookie(3) wants it. Claims to have written all: stdio would tell its caller of the error, and fmt
// throws.
ssize_t write_what_goes(void* /*cookie*/, const char* text, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const auto written = ::write(STDERR_FILENO, text + done, size - done);
    if (written < 0 && errno != EINTR) {
      break;
    }
    done += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

void open_closed_streams() {
  while (true) {
    const int number = ::open("/dev/null", O_RDWR);  // the lowest that is free
    if (number > STDERR_FILENO) {
      ::close(number);
    }
    if (number < 0 || number > STDERR_FILENO) {
      return;
    }
  }
}

void tolerate_broken_errors() {
  auto* const stream = ::fopencookie(
      nullptr, "w", {.read = nullptr, .write = write_what_goes, .seek = nullptr, .close = nullptr});
  if (stream != nullptr) {
    std::setvbuf(stream, nullptr, _IONBF, 0);
    stderr = stream;
  }
}

int finish_output(int code) {
  if (std::ferror(stdout) != 0) {  // whoever printed has seen it
    return code == k_ok ? k_failure : code;
  }
  return std::fflush(stdout) == 0 ? code : output_failed(errno);
}

int output_failed(int error) {
  if (error != EPIPE) {
    fmt::print(stderr, "hearth: standard output cannot be written: {}\n",
               std::generic_category().message(error));
  }
  return k_failure;
}

}  // namespace agent::cli
