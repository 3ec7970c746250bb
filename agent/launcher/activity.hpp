// Whether a process does anything, as the kernel tells (proc(5): /proc/PID/stat,
// /proc/PID/task/TID/children), and whether a server that has begun a compilation will ever end it. No memory
// is taken. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/launcher/config.hpp"

namespace agent::launcher {

// What the kernel counts of a process: the same again means that it did not run in between.
struct Activity {
  std::array<char, 512> text{};
  std::size_t size = 0;  // 0: there is no such process

  char state() const;                              // 'R', 'S', 'T', 'Z', …; 0: not told
  bool stopped() const { return state() == 'T'; }  // by somebody's signal

  bool operator==(const Activity& other) const;
};

Activity activity_of(std::int64_t process);

// True where a child of the process runs; also where the kernel does not tell (without CONFIG_PROC_CHILDREN).
bool may_have_running_child(std::int64_t process);

// Waits for a server that has said that a compilation began. A compiler may take long, and a lookup takes
// sccache a minute at most; a server that does nothing for longer and has no compiler running, or that was
// stopped, says nothing any more.
class Watch final {
public:
  explicit Watch(const Config& config) : config_(config) {}

  // How long to wait for the first answer, and then before each asking again.
  long answer_ms() const { return config_.answer_ms; }
  long interval_ms() const { return std::min(config_.answer_ms, config_.idle_ms / 2); }

  // After a silence of that length: whether to give the server up.
  bool gives_up();

private:
  const Config& config_;
  Activity last_;
  std::int64_t idle_since_ms_ = 0;
};

}  // namespace agent::launcher
