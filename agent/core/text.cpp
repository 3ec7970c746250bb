#include "agent/core/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <limits>

namespace agent {

namespace {

constexpr std::string_view k_blanks = " \t\r\n";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double k_kib = 1024.0;
constexpr std::array k_sizes = {
    Unit{"", 1},
    Unit{"b", 1},
    Unit{"k", k_kib},
    Unit{"kb", 1e3},
    Unit{"kib", k_kib},
    Unit{"m", k_kib* k_kib},
    Unit{"mb", 1e6},
    Unit{"mib", k_kib* k_kib},
    Unit{"g", k_kib* k_kib* k_kib},
    Unit{"gb", 1e9},
    Unit{"gib", k_kib* k_kib* k_kib},
    Unit{"t", k_kib* k_kib* k_kib* k_kib},
    Unit{"tb", 1e12},
    Unit{"tib", k_kib* k_kib* k_kib* k_kib},
};
constexpr std::array k_durations = {
    Unit{"", 1e3},    Unit{"ms", 1},    Unit{"s", 1e3},    Unit{"m", 6e4},
    Unit{"min", 6e4}, Unit{"h", 3.6e6}, Unit{"d", 8.64e7},
};

// A number and a unit of the table; nothing else, nothing negative, nothing beyond 2^62.
template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  text = trimmed(text);
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) {
    return std::nullopt;
  }
  const auto unit = lowered(trimmed(std::string_view(rest, static_cast<std::size_t>(end - rest))));
  for (const auto& known : units) {
    if (known.name == unit) {
      const double value = number * known.factor;
      constexpr double k_limit = 4.6e18;
      return value < k_limit ? std::optional(static_cast<std::uint64_t>(std::llround(value))) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(k_blanks);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(k_blanks) - begin + 1);
}

std::string lowered(std::string_view text) {
  std::string result(text);
  for (auto& c : result) {
    c = lower(c);
  }
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + 1);
  }
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) {
      return false;
    }
  }
  return true;
}

Result<bool> parse_bool(std::string_view text, std::string_view what) {
  const auto word = lowered(trimmed(text));
  if (word == "true" || word == "yes" || word == "on" || word == "1") {
    return true;
  }
  if (word == "false" || word == "no" || word == "off" || word == "0") {
    return false;
  }
  return fail(Errc::invalid, "{}: '{}' is neither true nor false", what, text);
}

Result<std::uint64_t> parse_number(std::string_view text, std::string_view what) {
  const auto digits = trimmed(text);
  std::uint64_t number = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || rest != end) {
    return fail(Errc::invalid, "{}: '{}' is not a whole number", what, text);
  }
  return number;
}

Result<std::uint64_t> parse_size(std::string_view text, std::string_view what) {
  if (const auto size = parse_with_unit(text, k_sizes)) {
    return *size;
  }
  return fail(Errc::invalid, "{}: '{}' is not a size; write for instance 10GiB, 500MB or a number of bytes",
              what, text);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text, std::string_view what) {
  if (const auto duration = parse_with_unit(text, k_durations)) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(*duration));
  }
  return fail(Errc::invalid, "{}: '{}' is not a duration; write for instance 250ms, 90s or 5m", what, text);
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> k_units = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) {
    return fmt::format("{} B", bytes);
  }
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  constexpr double k_rounds_up = k_kib - 0.05;  // would be shown as 1024.0 of the smaller unit
  while (amount >= k_rounds_up && unit + 1 < k_units.size()) {
    amount /= k_kib;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, k_units.at(unit));
}

std::string human_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  // Each unit ends where rounding would show a whole one of the next.
  if (seconds < 0.0009995) {
    return fmt::format("{:.0f} µs", seconds * 1e6);
  }
  if (seconds < 0.9995) {
    return fmt::format("{:.{}f} ms", seconds * 1e3, seconds < 0.00995 ? 1 : 0);
  }
  if (seconds < 59.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  const auto whole = std::llround(seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string human_count(std::uint64_t count) {
  auto digits = fmt::format("{}", count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace agent
