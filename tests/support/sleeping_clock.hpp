// The time of a laptop: while it sleeps only the wall clock goes on. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>

#include "agent/core/clock.hpp"

namespace agent::tests {

class SleepingClock final : public Clock {
public:
  Steady now() const override { return awake_.now(); }
  Wall wall() const override { return awake_.wall() + slept_.load(); }

  // Negative: the wall clock is set back.
  void sleep(std::chrono::milliseconds time) { slept_ = slept_.load() + time; }

private:
  ManualClock awake_;
  std::atomic<std::chrono::milliseconds> slept_{};
};

}  // namespace agent::tests
