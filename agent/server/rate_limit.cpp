#include "agent/server/rate_limit.hpp"

#include <algorithm>

namespace agent::server {

namespace {

constexpr std::size_t k_most_buckets = 10'000;  // then those that are full again are forgotten

}  // namespace

std::optional<std::chrono::milliseconds> RateLimit::take(std::string_view who) {
  if (per_second_ == 0) {
    return std::nullopt;
  }
  const auto now = clock_.now();
  const auto rate = static_cast<double>(per_second_);
  const auto full = 2 * rate;
  const auto level = [&](const Bucket& bucket) {
    const std::chrono::duration<double> passed = now - bucket.filled;
    return std::min(full, bucket.left + (passed.count() * rate));
  };
  return buckets_.with([&](auto& buckets) -> std::optional<std::chrono::milliseconds> {
    if (buckets.size() >= k_most_buckets) {
      std::erase_if(buckets, [&](const auto& at) { return level(at.second) >= full; });
    }
    auto& bucket = buckets.try_emplace(std::string(who), Bucket{.left = full, .filled = now}).first->second;
    bucket.left = level(bucket);
    bucket.filled = now;
    if (bucket.left >= 1) {
      bucket.left -= 1;
      return std::nullopt;
    }
    const std::chrono::duration<double> wait((1 - bucket.left) / rate);
    return std::chrono::ceil<std::chrono::milliseconds>(wait);
  });
}

}  // namespace agent::server
