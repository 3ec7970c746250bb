// A value that can only be reached under its own lock.
// Thread-safe. Never call out (I/O, callbacks) from within `with`.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace agent {

template <typename T>
class Guarded final {
public:
  Guarded() = default;
  template <typename... Args>
    requires(sizeof...(Args) > 0)
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  template <typename F>
  decltype(auto) with(F&& action) {
    const std::scoped_lock lock(mutex_);
    return std::forward<F>(action)(value_);
  }

  template <typename F>
  decltype(auto) with(F&& action) const {
    const std::scoped_lock lock(mutex_);
    return std::forward<F>(action)(std::as_const(value_));
  }

  // Changes the value and wakes every waiter.
  template <typename F>
  void change(F&& action) {
    {
      const std::scoped_lock lock(mutex_);
      std::forward<F>(action)(value_);
    }
    changed_.notify_all();
  }

  // Changes the value and wakes one waiter. REQUIRES: whoever waits could take up the change just as well.
  template <typename F>
  void change_for_one(F&& action) {
    {
      const std::scoped_lock lock(mutex_);
      std::forward<F>(action)(value_);
    }
    changed_.notify_one();
  }

  // Waits until `ready(value)`, the deadline or the stop request; true if it became ready.
  template <typename Ready, typename Deadline>
  bool wait_until(const std::stop_token& stop, Deadline deadline, Ready ready) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, stop, deadline, [&] { return ready(value_); });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  T value_{};
};

}  // namespace agent
