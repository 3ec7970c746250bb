// A part of a test in a process of its own, which may be killed at any moment.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <vector>

#include "agent/io/fd.hpp"

namespace agent::tests {

// A child process that says through a pipe what it has finished.
class ChildProcess final {
public:
  template <typename Work>
  explicit ChildProcess(Work work) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      work([&](std::uint8_t number) { return ::write(ends[1], &number, 1) == 1; });
      ::_exit(0);
    }
    ::close(ends[1]);
    acknowledged_ = io::Fd(ends[0]);
  }

  void kill() const { ::kill(pid_, SIGKILL); }

  // Waits for its end; true if it came to it by itself.
  bool finished() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  std::vector<std::uint8_t> acknowledged() const {
    std::vector<std::uint8_t> numbers;
    std::uint8_t number = 0;
    while (::read(acknowledged_.get(), &number, 1) == 1) {
      numbers.push_back(number);
    }
    return numbers;
  }

private:
  pid_t pid_ = -1;
  io::Fd acknowledged_;
};

}  // namespace agent::tests
