// One thread that does jobs in the order they were given. For work that must not hold up an event loop.
// Thread-safe. The destructor finishes the job in progress and drops the rest.
#pragma once

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"

namespace agent {

class Worker final {
public:
  using Job = std::move_only_function<void()>;

  Worker() : thread_([this](const std::stop_token& stop) { work(stop); }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    thread_.request_stop();
    thread_.join();
  }

  void give(Job job) {
    jobs_.change([&](auto& jobs) { jobs.push_back(std::move(job)); });
  }

private:
  void work(const std::stop_token& stop) {
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(24 * 365);
    while (jobs_.wait_until(stop, never, [](const auto& jobs) { return !jobs.empty(); })) {
      if (stop.stop_requested()) {
        return;
      }
      auto job = jobs_.with([](auto& jobs) {
        auto first = std::move(jobs.front());
        jobs.pop_front();
        return first;
      });
      try {
        job();
      } catch (const std::exception& error) {  // the thread's last catch: the next jobs still count
        log::error("worker: {}", error.what());
      }
    }
  }

  Guarded<std::deque<Job>> jobs_;
  std::jthread thread_;  // last: it uses the queue
};

}  // namespace agent
