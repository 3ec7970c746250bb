// Threads that do jobs, which begin in the order they were given; one thread unless more are asked for. For
// work that must not hold up an event loop. Thread-safe. The destructor finishes the jobs in progress and
// drops the rest.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"

namespace agent {

class Worker final {
public:
  using Job = std::move_only_function<void()>;

  explicit Worker(unsigned threads = 1) {
    for (unsigned i = 0; i < threads; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    for (auto& thread : threads_) {
      thread.request_stop();
    }
    threads_.clear();  // joins
  }

  void give(Job job) {
    jobs_.change_for_one([&](auto& jobs) { jobs.push_back(std::move(job)); });
  }

  // Jobs that have not begun.
  std::size_t waiting() const {
    return jobs_.with([](const auto& jobs) { return jobs.size(); });
  }

private:
  void work(const std::stop_token& stop) {
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(24 * 365);
    while (jobs_.wait_until(stop, never, [](const auto& jobs) { return !jobs.empty(); })) {
      if (stop.stop_requested()) {
        return;
      }
      auto job = jobs_.with([](auto& jobs) {
        if (jobs.empty()) {  // another thread was faster
          return Job();
        }
        auto first = std::move(jobs.front());
        jobs.pop_front();
        return first;
      });
      if (!job) {
        continue;
      }
      try {
        job();
      } catch (const std::exception& error) {  // the thread's last catch: the next jobs still count
        log::error("worker: {}", error.what());
      }
    }
  }

  Guarded<std::deque<Job>> jobs_;
  std::vector<std::jthread> threads_;  // last: they use the queue
};

}  // namespace agent
