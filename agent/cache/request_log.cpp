#include "agent/cache/request_log.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <optional>

#include "agent/core/digest.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::cache {

namespace {

constexpr std::array<std::string_view, 8> k_names = {"hit",       "absent",     "backend error",   "corrupt",
                                                     "pack gone", "local disk", "lookups are off", "stored"};

}  // namespace

std::uint64_t short_key(std::string_view key) {
  const auto last = key.substr(key.rfind('/') == std::string_view::npos ? 0 : key.rfind('/') + 1);
  const auto number = last.find_first_not_of("0123456789abcdef") == std::string_view::npos
                          ? number_of_hex(last.substr(0, k_number_digits))
                          : std::nullopt;
  return number ? *number
                : number_of_hex(io::sha256(io::bytes_of(key)).hex().substr(0, k_number_digits)).value_or(0);
}

std::string_view name_of(Outcome outcome) {
  return k_names.at(static_cast<std::size_t>(outcome));
}

void RequestLog::note(std::string_view key, Outcome outcome) {
  const Entry entry{.key = short_key(key), .outcome = outcome};
  const bool missed = outcome != Outcome::hit && outcome != Outcome::stored;
  entries_.with([&](Entries& entries) {
    if (missed) {
      const auto number = ++entries.misses_seen;
      entries.misses.at(number % k_recent) = {.number = number, .key = entry.key, .outcome = outcome};
    }
    if (entries.list.size() < k_most) {
      entries.list.push_back(entry);
    } else {
      ++entries.left_out;
    }
  });
}

std::vector<RecentMiss> RequestLog::recent_misses() const {
  std::vector<RecentMiss> recent;
  entries_.with([&](const Entries& entries) {
    std::ranges::copy_if(entries.misses, std::back_inserter(recent),
                         [](const RecentMiss& miss) { return miss.number > 0; });
  });
  std::ranges::sort(recent, std::ranges::greater(), &RecentMiss::number);
  return recent;
}

Requests RequestLog::requests() const {
  Requests result;
  entries_.with([&](const Entries& entries) {
    result.left_out = entries.left_out;
    for (const auto& entry : entries.list) {
      result.keys[std::string(name_of(entry.outcome))].push_back(entry.key);
    }
  });
  for (auto& [outcome, keys] : result.keys) {
    std::ranges::sort(keys);
    const auto repeated = std::ranges::unique(keys);
    keys.erase(repeated.begin(), repeated.end());
  }
  return result;
}

}  // namespace agent::cache
