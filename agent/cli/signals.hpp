// SIGINT and SIGTERM as a stop request. Make one before any thread starts: they inherit the blocked signals.
#pragma once

#include <stop_token>
#include <thread>

#include "agent/io/fd.hpp"

namespace agent::cli {

class Signals final {
public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  // Requested by the first SIGINT or SIGTERM; a second one ends the program at once, with 130 or 143.
  std::stop_token token() const { return stop_.get_token(); }

private:
  void watch() const;

  std::stop_source stop_;
  io::Fd signals_;
  io::Fd end_;
  std::jthread thread_;
};

}  // namespace agent::cli
