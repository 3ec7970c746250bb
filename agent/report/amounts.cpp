#include "agent/report/amounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "agent/core/text.hpp"
#include "agent/report/plain.hpp"

namespace agent::report {

namespace {

constexpr double k_longest_seconds = 1e9;  // beyond any job, within what nanoseconds can count

std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max()
                                                           : a + b;
}

}  // namespace

std::string count_text(const std::optional<std::uint64_t>& count) {
  return count ? human_count(*count) : std::string(k_not_measured);
}

std::string size_text(const std::optional<std::uint64_t>& bytes) {
  return bytes ? human_size(*bytes) : std::string(k_not_measured);
}

std::string milliseconds_text(const std::optional<double>& milliseconds) {
  if (!milliseconds || !std::isfinite(*milliseconds)) {
    return std::string(k_not_measured);
  }
  const double value = std::max(*milliseconds, 0.0);
  if (value < 1000) {
    const int digits = value < 1 ? 2 : 1;
    return fmt::format("{:.{}f} ms", value, value < 9.95 ? digits : 0);
  }
  return seconds_text(value / 1000);
}

std::string seconds_text(const std::optional<double>& seconds) {
  if (!seconds || !std::isfinite(*seconds)) {
    return std::string(k_not_measured);
  }
  if (*seconds <= 0) {
    return "0 s";
  }
  const std::chrono::duration<double> bounded(std::min(*seconds, k_longest_seconds));
  return human_duration(std::chrono::duration_cast<std::chrono::nanoseconds>(bounded));
}

std::optional<double> hit_rate_of(std::uint64_t hits, std::uint64_t misses) {
  constexpr double k_percent = 100;
  const auto all = static_cast<double>(hits) + static_cast<double>(misses);
  return all > 0 ? std::optional(k_percent * static_cast<double>(hits) / all) : std::nullopt;
}

std::optional<std::string> rate_text(std::uint64_t hits, std::uint64_t misses) {
  if (hits == 0 && misses == 0) {
    return std::nullopt;
  }
  if (misses == 0) {
    return "100 %";
  }
  if (hits == 0) {
    return "0 %";
  }
  const auto share = static_cast<double>(hits) / (static_cast<double>(hits) + static_cast<double>(misses));
  const double tenths = std::min(std::floor(share * 1000), 999.0);
  return tenths < 1 ? "under 0.1 %" : fmt::format("{:.1f} %", tenths / 10);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", human_count(count), noun, count == 1 ? "" : "s");
}

std::string published_text(const std::optional<std::uint64_t>& published,
                           const std::optional<std::uint64_t>& stores) {
  if (published && stores && *published > *stores) {
    return fmt::format("{}, some of them left by an earlier run; {} stored", count_text(published),
                       count_text(stores));
  }
  return fmt::format("{} of {} stored", count_text(published), count_text(stores));
}

std::string times(std::uint64_t count) {
  if (count == 1) {
    return "once";
  }
  return count == 2 ? "twice" : counted(count, "time");
}

std::uint64_t total_of(const Counts& counts) {
  std::uint64_t total = 0;
  for (const auto& [name, count] : counts) {
    total = saturated_sum(total, count);
  }
  return total;
}

std::vector<std::pair<std::string_view, std::uint64_t>> ranked(const Counts& counts) {
  std::vector<std::pair<std::string_view, std::uint64_t>> entries(counts.begin(), counts.end());
  std::ranges::sort(entries, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return entries;
}

std::string ranked_text(const Counts& counts, std::size_t shown) {
  constexpr std::size_t k_name_limit = 60;
  const auto entries = ranked(counts);
  if (entries.size() == 1) {
    return plain(entries.front().first, k_name_limit);
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(shown, entries.size()); ++i) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", plain(entries[i].first, k_name_limit),
                       human_count(entries[i].second));
  }
  if (entries.size() > shown) {
    out += fmt::format(" and {} more", human_count(entries.size() - shown));
  }
  return out;
}

}  // namespace agent::report
