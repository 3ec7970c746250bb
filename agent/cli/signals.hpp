// SIGINT, SIGTERM and SIGHUP as a stop request. Make one before any thread starts: they inherit the blocked
// signals. SIGHUP is left alone where it is ignored, as below nohup(1).
#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "agent/io/fd.hpp"

namespace agent::cli {

class Signals final {
public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  // Requested by the first signal. A second SIGINT, or a second SIGTERM, ends the program at once, with 130
  // or 143. One of each does not: the terminal's Ctrl-C reaches a whole process group, and a parent in it may
  // pass on what it got as SIGTERM. Nor does SIGHUP: a terminal that closes sends two, the shell's and the
  // kernel's.
  std::stop_token token() const { return stop_.get_token(); }

private:
  void watch() const;
  void let_go_of_the_terminal() const;

  std::stop_source stop_;
  io::Fd signals_;
  io::Fd end_;
  std::vector<int> on_terminal_;  // of standard output and error
  std::jthread thread_;
};

}  // namespace agent::cli
