#include "agent/publish/flush_queue.hpp"

#include <algorithm>

#include "agent/publish/flush_schedule.hpp"

namespace agent::publish {

namespace {

// What was read may have been spoilt on its way; after so many failures it lies there like that.
constexpr unsigned k_corrupt_tries = 3;

}  // namespace

std::string_view name_of(Publishing publishing) {
  switch (publishing) {
    case Publishing::nothing:
      return "nothing to do";
    case Publishing::waiting:
      return "waiting";
    case Publishing::flushing:
      return "flushing";
    case Publishing::failing:
      return "trying again";
    case Publishing::stopped:
      return "stopped";
  }
  return "unknown";
}

std::uint64_t FlushQueue::oldest() const {
  const auto waiting = pending.empty() ? pending.next_number() : pending.first_number();
  return in_flight > 0 ? std::min(first_in_flight, waiting) : waiting;
}

Publishing FlushQueue::now() const {
  if (stopped) {
    return Publishing::stopped;
  }
  if (in_flight > 0) {
    return Publishing::flushing;
  }
  if (failures > 0) {
    return Publishing::failing;
  }
  return pending.empty() ? Publishing::nothing : Publishing::waiting;
}

void FlushQueue::succeeded() {
  failures = 0;
  not_before = {};
  told_to_wait = false;
  last_error.clear();
}

void FlushQueue::failed(const Error& error, Steady when) {
  ++failures;
  last_error = fmt::format("{}: {}", name_of(error.code), error.message);
  told_to_wait = error.retry_after.has_value();
  not_before = when;
  if (is_permanent(error.code) && (error.code != Errc::corrupt || failures >= k_corrupt_tries)) {
    stopped = error;
  }
}

FlushPlan plan_flush(const PublisherOptions& options, const FlushQueue& queue, const BudgetTimes& budget) {
  FlushPlan plan{.due = std::nullopt, .changes = queue.changes};
  if (queue.stopped || queue.pending.empty()) {
    return plan;
  }
  const bool draining = queue.pending.first_number() < queue.drain_until;
  plan.due = draining ? queue.pending.first_added() : flush_due(options, queue.pending);
  plan.due = std::max({*plan.due, queue.not_before, draining ? budget.drain : budget.flush});
  return plan;
}

}  // namespace agent::publish
