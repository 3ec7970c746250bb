#include "agent/publish/run_history.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>
#include <utility>

#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"

namespace agent::publish {

namespace {

constexpr std::uint16_t k_section = 6;
constexpr std::uint16_t k_version = 1;
constexpr std::uint64_t k_not_known = ~std::uint64_t{0};

std::unexpected<Error> broken(std::string_view what) {
  return fail(Errc::corrupt, "run history: {}", what);
}

bool is_before(const PastRun& one, const PastRun& other) {
  return std::tie(one.ended_ms, one.job) < std::tie(other.ended_ms, other.job);
}

PastRun take_run(io::ByteReader& from) {
  PastRun run{.job = from.number<std::uint64_t>(),
              .ended_ms = from.number<std::uint64_t>(),
              .took_ms = from.number<std::uint64_t>(),
              .hits = from.number<std::uint32_t>(),
              .misses = from.number<std::uint32_t>()};
  if (const auto saved = from.number<std::uint64_t>(); saved != k_not_known) {
    run.saved_ms = saved;
  }
  run.run = from.text(from.number<std::uint16_t>());
  return run;
}

auto section_of(const Manifest& manifest) {
  return std::ranges::find(manifest.foreign, k_section, &ForeignSection::type);
}

// The newest jobs, of the newest runs.
void drop_surplus(RunHistory& history) {
  std::set<std::pair<std::string_view, std::uint64_t>> runs;
  std::size_t kept = 0;
  for (; kept < std::min(history.size(), k_jobs_in_history); ++kept) {
    const auto& run = history[history.size() - 1 - kept];
    runs.emplace(run.run, run.run.empty() ? run.job : 0);
    if (runs.size() > k_runs_in_history) {
      break;
    }
  }
  history.erase(history.begin(), history.end() - static_cast<std::ptrdiff_t>(kept));
}

}  // namespace

std::string encode(const RunHistory& history) {
  std::string bytes;
  io::append_le(bytes, k_version);
  io::append_le(bytes, static_cast<std::uint16_t>(history.size()));
  for (const auto& run : history) {
    io::append_le(bytes, run.job);
    io::append_le(bytes, run.ended_ms);
    io::append_le(bytes, run.took_ms);
    io::append_le(bytes, run.hits);
    io::append_le(bytes, run.misses);
    io::append_le(bytes, run.saved_ms.value_or(k_not_known));
    const auto name = std::string_view(run.run).substr(0, k_max_run_name_bytes);
    io::append_le(bytes, static_cast<std::uint16_t>(name.size()));
    bytes.append(name);
  }
  return bytes;
}

Result<RunHistory> parse_run_history(std::span<const std::byte> bytes) {
  io::ByteReader from(bytes);
  const auto version = from.number<std::uint16_t>();
  if (from.ok() && version > k_version) {
    return fail(Errc::unsupported, "run history: version {} is newer than this program", version);
  }
  const auto count = from.number<std::uint16_t>();
  if (!from.ok() || version == 0 || count > k_jobs_in_history) {
    return broken("the header does not parse");
  }
  RunHistory history;
  for (std::uint16_t i = 0; i < count; ++i) {
    auto run = take_run(from);
    if (!from.ok() || run.run.size() > k_max_run_name_bytes) {
      return broken("a run does not parse");
    }
    if (!history.empty() && !is_before(history.back(), run)) {
      return broken("the runs are out of order");
    }
    history.push_back(std::move(run));
  }
  if (!from.left().empty()) {
    return broken("something follows it");
  }
  return history;
}

RunHistory runs_of(const Manifest& manifest) {
  const auto section = section_of(manifest);
  if (section == manifest.foreign.end()) {
    return {};
  }
  auto history = parse_run_history(io::bytes_of(section->payload));
  return history ? *std::move(history) : RunHistory{};
}

void add_run(Manifest& manifest, const PastRun& run) {
  const auto section = section_of(manifest);
  RunHistory history;
  if (section != manifest.foreign.end()) {
    auto parsed = parse_run_history(io::bytes_of(section->payload));
    if (!parsed && parsed.error().code == Errc::unsupported) {
      return;
    }
    history = parsed ? *std::move(parsed) : RunHistory{};
    if (std::ranges::find(history, run.job, &PastRun::job) != history.end()) {
      return;
    }
    manifest.foreign.erase(section);
  }
  history.insert(std::ranges::upper_bound(history, run, is_before), run);
  drop_surplus(history);
  const auto place = std::ranges::lower_bound(manifest.foreign, k_section, {}, &ForeignSection::type);
  manifest.foreign.insert(place, {.type = k_section, .payload = encode(history)});
}

bool is_due(const Manifest& manifest, const PastRun& run) {
  const auto section = section_of(manifest);
  if (section == manifest.foreign.end()) {
    return true;
  }
  const auto history = parse_run_history(io::bytes_of(section->payload));
  if (!history) {
    return history.error().code != Errc::unsupported;
  }
  return std::ranges::none_of(*history, [&](const PastRun& earlier) {
    const auto [from, to] = std::minmax(earlier.ended_ms, run.ended_ms);
    return earlier.job == run.job || to - from < k_history_interval_ms;
  });
}

}  // namespace agent::publish
