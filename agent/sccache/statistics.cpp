#include "agent/sccache/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "agent/io/json.hpp"

namespace agent::sccache {

namespace {

constexpr io::JsonLimits k_limits{.bytes = std::size_t{1} << 20U, .depth = 16};

std::uint64_t count_of(const io::Json& object, std::string_view key) {
  return object[key].count().value_or(0);
}

double seconds_of(const io::Json& object, std::string_view key) {
  const auto& duration = object[key];
  return duration["secs"].number().value_or(0) + (duration["nanos"].number().value_or(0) / 1e9);
}

// `{"counts": {"Rust": 3, …}, …}`
template <typename Add>
void each_count(const io::Json& object, std::string_view key, Add add) {
  if (const auto* counts = object[key]["counts"].object()) {
    for (const auto& [language, count] : *counts) {
      add(language, count.count().value_or(0));
    }
  }
}

template <typename Field>
std::uint64_t sum(const std::map<std::string, LanguageCounts>& languages, Field field) {
  std::uint64_t total = 0;
  for (const auto& [name, counts] : languages) {
    total += counts.*field;
  }
  return total;
}

}  // namespace

std::uint64_t Statistics::hits() const {
  return sum(languages, &LanguageCounts::hits);
}

std::uint64_t Statistics::misses() const {
  return sum(languages, &LanguageCounts::misses);
}

std::uint64_t Statistics::errors() const {
  return sum(languages, &LanguageCounts::errors);
}

void Statistics::add(const Statistics& other) {
  version = other.version;
  cache_location = other.cache_location;
  compile_requests += other.compile_requests;
  executed += other.executed;
  not_compile += other.not_compile;
  not_cacheable += other.not_cacheable;
  compilations += other.compilations;
  writes += other.writes;
  write_errors += other.write_errors;
  timeouts += other.timeouts;
  forced_recaches += other.forced_recaches;
  storage_mode = other.storage_mode;
  compile_seconds += other.compile_seconds;
  read_hit_seconds += other.read_hit_seconds;
  for (const auto& [name, counts] : other.languages) {
    auto& mine = languages[name];
    mine.hits += counts.hits;
    mine.misses += counts.misses;
    mine.errors += counts.errors;
  }
  for (const auto& [reason, count] : other.not_cached) {
    not_cached[reason] += count;
  }
}

std::optional<double> Statistics::read_hit_ms() const {
  if (hits() == 0) {
    return std::nullopt;
  }
  constexpr double k_ms = 1000;
  return k_ms * read_hit_seconds / static_cast<double>(hits());
}

std::optional<double> Statistics::saved_seconds_estimate() const {
  if (compilations == 0 || hits() == 0) {
    return std::nullopt;
  }
  const double mean = compile_seconds / static_cast<double>(compilations);
  return (mean * static_cast<double>(hits())) - read_hit_seconds;
}

namespace {

io::Json counts_json(const Statistics& statistics, std::uint64_t LanguageCounts::* field) {
  io::JsonObject counts;
  for (const auto& [language, own] : statistics.languages) {
    counts.emplace(language, own.*field);
  }
  return io::JsonObject{{"counts", std::move(counts)}};
}

io::Json duration_json(double seconds) {
  constexpr double k_most = 1e15;  // what is absurd stays representable
  seconds = std::clamp(seconds, 0.0, k_most);
  const auto whole = static_cast<std::int64_t>(seconds);
  const auto nanos = std::llround((seconds - static_cast<double>(whole)) * 1e9);
  return io::JsonObject{{"secs", whole},
                        {"nanos", static_cast<std::int64_t>(std::min(nanos, 999'999'999LL))}};
}

}  // namespace

io::Json to_json(const Statistics& statistics) {
  io::JsonObject reasons;
  for (const auto& [reason, count] : statistics.not_cached) {
    reasons.emplace(reason, count);
  }
  io::JsonObject stats{{"compile_requests", statistics.compile_requests},
                       {"requests_executed", statistics.executed},
                       {"requests_not_compile", statistics.not_compile},
                       {"requests_not_cacheable", statistics.not_cacheable},
                       {"compilations", statistics.compilations},
                       {"cache_writes", statistics.writes},
                       {"cache_write_errors", statistics.write_errors},
                       {"cache_timeouts", statistics.timeouts},
                       {"forced_recaches", statistics.forced_recaches},
                       {"compiler_write_duration", duration_json(statistics.compile_seconds)},
                       {"cache_read_hit_duration", duration_json(statistics.read_hit_seconds)},
                       {"cache_hits", counts_json(statistics, &LanguageCounts::hits)},
                       {"cache_misses", counts_json(statistics, &LanguageCounts::misses)},
                       {"cache_errors", counts_json(statistics, &LanguageCounts::errors)},
                       {"not_cached", std::move(reasons)}};
  return io::JsonObject{{"stats", std::move(stats)},
                        {"version", statistics.version},
                        {"cache_location", statistics.cache_location},
                        {"effective_cache_mode", statistics.storage_mode}};
}

Result<Statistics> parse_statistics(std::string_view json) {
  AGENT_TRY(const auto document, io::parse_json(json, "sccache's statistics", k_limits));
  const auto& stats = document["stats"];
  if (!stats.is_object()) {
    return fail(Errc::invalid, "sccache's statistics: no member 'stats'");
  }
  Statistics result;
  result.version = document.text("version");
  result.cache_location = document.text("cache_location");
  result.compile_requests = count_of(stats, "compile_requests");
  result.executed = count_of(stats, "requests_executed");
  result.not_compile = count_of(stats, "requests_not_compile");
  result.not_cacheable = count_of(stats, "requests_not_cacheable");
  result.compilations = count_of(stats, "compilations");
  result.writes = count_of(stats, "cache_writes");
  result.write_errors = count_of(stats, "cache_write_errors");
  result.timeouts = count_of(stats, "cache_timeouts");
  result.forced_recaches = count_of(stats, "forced_recaches");
  result.storage_mode = document.text("effective_cache_mode");
  result.compile_seconds = seconds_of(stats, "compiler_write_duration");
  result.read_hit_seconds = seconds_of(stats, "cache_read_hit_duration");
  each_count(stats, "cache_hits",
             [&](const auto& name, auto count) { result.languages[name].hits += count; });
  each_count(stats, "cache_misses",
             [&](const auto& name, auto count) { result.languages[name].misses += count; });
  each_count(stats, "cache_errors",
             [&](const auto& name, auto count) { result.languages[name].errors += count; });
  if (const auto* reasons = stats["not_cached"].object()) {
    for (const auto& [reason, count] : *reasons) {
      result.not_cached[reason] += count.count().value_or(0);
    }
  }
  return result;
}

}  // namespace agent::sccache
