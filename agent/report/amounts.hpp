// Numbers as people read them. What was not measured says so, and is never a 0.
// Pure functions; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agent::report {

inline constexpr std::string_view k_not_measured = "not measured";

// "1,234"
std::string count_text(const std::optional<std::uint64_t>& count);

// "12.3 MiB"
std::string size_text(const std::optional<std::uint64_t>& bytes);

// "0.75 ms", "2.8 ms", "42 ms", "1.3 s"
std::string milliseconds_text(const std::optional<double>& milliseconds);

// "420 ms", "2 min 5 s"; absurd values are brought into range.
std::string seconds_text(const std::optional<double>& seconds);

// Percent that hits are of hits + misses; empty where both are 0.
std::optional<double> hit_rate_of(std::uint64_t hits, std::uint64_t misses);

// The same in words, rounded down to a tenth so that 100 % means all: "100 %", "99.9 %", "0 %",
// "under 0.1 %". Empty where both are 0.
std::optional<std::string> rate_text(std::uint64_t hits, std::uint64_t misses);

// "1 object", "2 objects", "1,234 objects"
std::string counted(std::uint64_t count, std::string_view noun);

// "33 of 40 stored"; more were published than stored where an earlier run left some:
// "5, some of them left by an earlier run; 2 stored".
std::string published_text(const std::optional<std::uint64_t>& published,
                           const std::optional<std::uint64_t>& stores);

// "once", "twice", "3 times"
std::string times(std::uint64_t count);

using Counts = std::map<std::string, std::uint64_t>;

// Saturates.
std::uint64_t total_of(const Counts& counts);

// Most frequent first, then by name.
std::vector<std::pair<std::string_view, std::uint64_t>> ranked(const Counts& counts);

// "crate-type 41, - 3 and 2 more", of the first `shown`; the name alone where there is one. Names are made
// plain.
std::string ranked_text(const Counts& counts, std::size_t shown);

}  // namespace agent::report
