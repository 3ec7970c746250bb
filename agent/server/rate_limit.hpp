// How many requests each token may make: a bucket per token that fills evenly. Of this process only: N
// servers allow N times as many. Thread-safe; never blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"

namespace agent::server {

class RateLimit final {
public:
  // `per_second` on average, twice as many at once; 0: no limit. `clock` outlives it.
  RateLimit(std::uint64_t per_second, const Clock& clock) : per_second_(per_second), clock_(clock) {}

  // Empty: it may; else how long until it may again.
  std::optional<std::chrono::milliseconds> take(std::string_view who);

private:
  struct Bucket {
    double left = 0;
    Steady filled{};
  };

  std::uint64_t per_second_;
  const Clock& clock_;
  Guarded<std::map<std::string, Bucket, std::less<>>> buckets_;
};

}  // namespace agent::server
