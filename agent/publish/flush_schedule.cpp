#include "agent/publish/flush_schedule.hpp"

#include <algorithm>

namespace agent::publish {

namespace {

constexpr std::size_t k_small_batch = 100;

}  // namespace

PublisherOptions paced(PublisherOptions options, const backends::Pace& pace) {
  if (pace.flush_bytes > 0) {
    options.flush_bytes = pace.flush_bytes;
  }
  if (pace.flush_age.count() > 0) {
    options.flush_age = pace.flush_age;
    options.flush_idle = pace.flush_age;
    options.flush_idle_small = pace.flush_age;
    options.flush_objects = store::k_max_pack_entries;
  }
  if (pace.pack_bytes > 0) {
    options.pack_bytes = std::min(options.pack_bytes, pace.pack_bytes);
  }
  return options;
}

std::optional<Steady> flush_due(const PublisherOptions& options, const PendingObjects& pending) {
  if (pending.empty()) {
    return std::nullopt;
  }
  if (pending.size() >= options.flush_objects || pending.bytes() >= options.flush_bytes) {
    return pending.first_added();
  }
  const auto idle = pending.size() < k_small_batch ? options.flush_idle_small : options.flush_idle;
  return std::min(pending.last_added() + idle, pending.first_added() + options.flush_age);
}

std::chrono::milliseconds backoff(const PublisherOptions& options, unsigned failures, const Error& error,
                                  double draw) {
  constexpr unsigned k_most_doublings = 20;
  const auto doublings = std::min(std::max(failures, 1U) - 1, k_most_doublings);
  const auto whole = std::min(options.backoff_first * (std::int64_t{1} << doublings), options.backoff_limit);
  const auto jittered = std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(whole.count()) * (0.5 + (draw / 2))));
  return error.retry_after ? *error.retry_after + (jittered / 10) : jittered;
}

bool is_permanent(Errc code) {
  switch (code) {
    case Errc::conflict:
    case Errc::transient:
    case Errc::cancelled:
    case Errc::io:
      return false;
    case Errc::invalid:
    case Errc::not_found:  // the bucket, the service: a pack or manifest that is gone is no error here
    case Errc::denied:
    case Errc::corrupt:
    case Errc::full:
    case Errc::unsupported:
      return true;
  }
  return true;
}

}  // namespace agent::publish
