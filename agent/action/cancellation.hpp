// SIGINT and SIGTERM as a stop request: what the runner sends when a job is cancelled or a step times out.
// Without handlers a container's first process would ignore both, and outlive the `docker run` that started
// it. Make one before any thread starts: they inherit the blocked signals. One per process.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace agent::action {

class Cancellation final {
public:
  Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  ~Cancellation();

  // Requested by the first signal. A process that has not ended five seconds later, or at a second signal, is
  // ended with 130: the runner kills the docker client after ten, and the container would be left behind.
  std::stop_token token() const { return stop_.get_token(); }
  bool requested() const { return stop_.stop_requested(); }

private:
  std::stop_source stop_;
  std::atomic<bool> ending_{false};
  std::jthread thread_;
};

constexpr int k_cancelled_exit = 130;

}  // namespace agent::action
