// What a publisher's thread and its callers share: what is pending, what is in flight, and what is to be
// waited for. A value without locks; whoever owns it guards it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/publish/pending_objects.hpp"
#include "agent/publish/publisher.hpp"

namespace agent::publish {

struct FlushQueue {
  PendingObjects pending;
  std::size_t in_flight = 0;
  std::uint64_t first_in_flight = 0;  // number of the oldest object in flight
  std::uint64_t drain_until = 0;      // objects with lower numbers are due at once
  unsigned drains = 0;                // callers that wait for a flush
  std::uint64_t changes = 0;          // wakes the thread
  unsigned failures = 0;              // in a row
  Steady not_before{};
  bool told_to_wait = false;  // not_before is the storage's wish, which a drain respects too
  std::optional<Error> stopped;
  std::string last_error;
  std::map<std::string, std::uint64_t, std::less<>> refused;

  // Everything with a lower number is published or refused.
  std::uint64_t oldest() const;

  Publishing now() const;

  void succeeded();

  // Errors that retrying cannot help stop publishing until somebody asks for a flush.
  void failed(const Error& error, Steady when);
};

// When the upload budget has enough for a flush, and for one that somebody waits for.
struct BudgetTimes {
  Steady flush{};
  Steady drain{};
};

struct FlushPlan {
  std::optional<Steady> due;
  std::uint64_t changes = 0;  // of the queue that was planned from
};
FlushPlan plan_flush(const PublisherOptions& options, const FlushQueue& queue, const BudgetTimes& budget);

}  // namespace agent::publish
