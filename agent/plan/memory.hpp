// What several builds need of memory together, from the samples of one. Peaks of equal builds do not fall
// into one moment, but their courses do: all compile their large files early or late. So the forecast adds up
// means and lets only what is above them even out, as sums of independent amounts do. How near that comes to
// builds that really run at once: bench/workloads/plan_memory.py. Pure; safe from any thread. Sizes in bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace agent::plan {

// A stretch of a build.
struct Stretch {
  double mean_bytes = 0;
  double peak_bytes = 0;

  bool operator==(const Stretch&) const = default;
};

// Samples in the order in which they were taken, as at most twenty stretches of equally many.
std::vector<Stretch> stretches_of(std::span<const std::uint64_t> samples);

// The largest, over all stretches, of jobs x mean + sqrt(jobs) x (peak - mean): for one job its peak, for
// many ever closer to their means. 0 without stretches; the largest number where it is more than that.
std::uint64_t expected_bytes(std::span<const Stretch> stretches, std::uint64_t jobs);

}  // namespace agent::plan
