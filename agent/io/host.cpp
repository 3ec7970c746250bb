#include "agent/io/host.hpp"

#include <charconv>

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"

namespace agent::io {

namespace {

constexpr std::uint64_t k_file_limit = std::uint64_t{64} * 1024;

// The number at the beginning of the text; empty where there is none.
template <typename Number>
std::optional<Number> leading(std::string_view text) {
  text = trimmed(text);
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} ? std::optional(number) : std::nullopt;
}

template <typename Number>
std::optional<Number> after(std::string_view line, std::string_view name) {
  const auto at = line.find(name);
  return at == std::string_view::npos ? std::nullopt : leading<Number>(line.substr(at + name.size()));
}

}  // namespace

std::optional<Memory> parse_meminfo(std::string_view text) {
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> available;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with("MemTotal:")) {
      total = after<std::uint64_t>(line, ":");
    } else if (line.starts_with("MemAvailable:")) {
      available = after<std::uint64_t>(line, ":");
    }
  }
  constexpr std::uint64_t k_kib = 1024;
  constexpr auto k_most = UINT64_MAX / k_kib;
  if (!total || !available || *total > k_most || *available > k_most) {
    return std::nullopt;
  }
  return Memory{.total_bytes = *total * k_kib, .available_bytes = *available * k_kib};
}

Result<Memory> host_memory() {
  AGENT_TRY(const auto text, read_file("/proc/meminfo", k_file_limit));
  const auto memory = parse_meminfo(text);
  if (!memory) {
    return fail(Errc::not_found, "/proc/meminfo does not say how much memory there is");
  }
  return *memory;
}

std::optional<MemoryPressure> parse_memory_pressure(std::string_view text) {
  std::optional<double> some;
  std::optional<std::uint64_t> full;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with("some ")) {
      some = after<double>(line, "avg10=");
    } else if (line.starts_with("full ")) {
      full = after<std::uint64_t>(line, "total=");
    }
  }
  if (!some || !full) {
    return std::nullopt;
  }
  constexpr double k_micro = 1e-6;
  return MemoryPressure{.some_percent = *some, .all_stalled_seconds = k_micro * static_cast<double>(*full)};
}

std::optional<MemoryPressure> memory_pressure() {
  const auto text = read_file("/proc/pressure/memory", k_file_limit);
  return text ? parse_memory_pressure(*text) : std::nullopt;
}

}  // namespace agent::io
