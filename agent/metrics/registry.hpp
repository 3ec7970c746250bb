// The figures of one agent: counters, gauges and latency histograms, declared once with name, unit and help.
// Thread-safe. Updating takes no lock: callers keep the reference that declaring gave them, which lives as
// long as the registry. Names: hearth_<noun>_<unit>[_total]. Text format: Prometheus exposition 0.0.4.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/guarded.hpp"

namespace agent::metrics {

class Counter final {
public:
  void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge final {
public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::int64_t> value_{0};
};

// Durations in buckets a factor of 2^(1/4) apart from 1 µs to 10 min: a quantile is at most 19 % too high.
class Histogram final {
public:
  static constexpr std::size_t k_buckets = 120;

  void observe(std::chrono::nanoseconds duration);
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

  // Seconds; empty where nothing was observed. `q` from 0 to 1.
  std::optional<double> mean() const;
  std::optional<double> quantile(double q) const;
  double sum() const;

  struct Bucket {
    double up_to_seconds = 0;
    std::uint64_t count = 0;
  };
  std::vector<Bucket> buckets() const;  // those that are not empty, ascending

private:
  std::array<std::atomic<std::uint64_t>, k_buckets> buckets_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> sum_ns_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

class Registry final {
public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Declares a figure, or returns the one already declared with this name and these labels.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, Labels labels = {});

  // The value of a counter or gauge, summed over all its labels; 0 where none was declared.
  std::uint64_t total(std::string_view name) const;

  // Label value -> count, over the counters of this name by the label `label`.
  std::vector<std::pair<std::string, std::uint64_t>> by_label(std::string_view name,
                                                              std::string_view label) const;

  // Empty where none was declared.
  const Histogram* find_histogram(std::string_view name) const;

  // Everything, as Prometheus reads it.
  std::string prometheus() const;

private:
  struct Entry;
  template <typename Figure>
  Figure& declare(std::string_view name, std::string_view help, Labels labels);
  Guarded<std::vector<std::unique_ptr<Entry>>> entries_;
};

}  // namespace agent::metrics
