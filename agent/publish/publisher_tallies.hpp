// What a publisher counts: for its own figures, and in the registry. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "agent/metrics/registry.hpp"

namespace agent::publish {

// A figure of this publisher that also stands in the registry, which publishers may share.
class Tally final {
public:
  explicit Tally(metrics::Counter& counter) : counter_(counter) {}
  void add(std::uint64_t by = 1) {
    value_ += by;
    counter_.add(by);
  }
  std::uint64_t value() const { return value_; }

private:
  std::atomic<std::uint64_t> value_{0};
  metrics::Counter& counter_;
};

struct PublisherTallies {
  explicit PublisherTallies(metrics::Registry& registry)
      : published(registry.counter("hearth_objects_published_total", "Objects that are in the tag now.")),
        flushes(registry.counter("hearth_publish_flushes_total", "Batches that were published.")),
        conflicts(registry.counter("hearth_publish_conflicts_total", "Times another writer was faster.")),
        retries(registry.counter("hearth_publish_retries_total", "Batches tried again after a failure.")),
        bytes(registry.counter("hearth_publish_bytes_total", "Bytes of packs that were uploaded.")),
        compacted_packs(registry.counter("hearth_publish_compacted_packs_total",
                                         "Packs that were replaced by fewer, larger ones.")),
        compacted_bytes(
            registry.counter("hearth_publish_compacted_bytes_total", "Bytes that were uploaded for that.")),
        recorded(
            registry.counter("hearth_uses_recorded_total",
                             "Times that what a job used, or what it came to, was recorded in its tag.")),
        pending(registry.gauge("hearth_objects_pending", "Objects that wait for publishing.")) {}

  Tally published;
  Tally flushes;
  Tally conflicts;
  Tally retries;
  Tally bytes;
  Tally compacted_packs;
  Tally compacted_bytes;
  Tally recorded;
  metrics::Gauge& pending;
  std::atomic<std::uint64_t> rate_limited{0};
  std::atomic<std::uint64_t> generation{0};
};

}  // namespace agent::publish
