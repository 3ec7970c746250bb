// Time as a dependency, so that tests turn it by hand. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace agent {

using Steady = std::chrono::steady_clock::time_point;
using Wall = std::chrono::system_clock::time_point;

// Since 1970: how manifests and records tell the time.
constexpr std::uint64_t milliseconds_of(Wall time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

class Clock {
public:
  virtual ~Clock() = default;
  virtual Steady now() const = 0;
  virtual Wall wall() const = 0;
};

class SystemClock final : public Clock {
public:
  Steady now() const override { return std::chrono::steady_clock::now(); }
  Wall wall() const override { return std::chrono::system_clock::now(); }
};

// Starts at an arbitrary fixed moment and moves only when told to.
class ManualClock final : public Clock {
public:
  Steady now() const override { return Steady{} + offset(); }
  Wall wall() const override { return Wall{} + std::chrono::hours(24 * 365 * 50) + offset(); }
  void advance(std::chrono::milliseconds by) { offset_ms_.fetch_add(by.count()); }

private:
  std::chrono::milliseconds offset() const { return std::chrono::milliseconds(offset_ms_.load()); }
  std::atomic<std::int64_t> offset_ms_{1'000'000};
};

}  // namespace agent
