// Gives the process no descriptor beyond those it has, for as long as it lives.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include "agent/io/fd.hpp"

namespace agent::net::tests {

class DescriptorShortage final {
public:
  DescriptorShortage() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const io::Fd next(::dup(STDIN_FILENO));  // the lowest free one
    const rlimit limit{.rlim_cur = static_cast<rlim_t>(next.get()), .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  DescriptorShortage(const DescriptorShortage&) = delete;
  DescriptorShortage& operator=(const DescriptorShortage&) = delete;
  ~DescriptorShortage() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

}  // namespace agent::net::tests
