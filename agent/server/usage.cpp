#include "agent/server/usage.hpp"

#include <algorithm>

#include "agent/backends/boringcache_names.hpp"
#include "agent/server/hearth_tags.hpp"

namespace agent::server {

namespace {

constexpr Day k_most_days = 90;
constexpr std::size_t k_most_read_tags = 500;  // of Hearth's own, for their sizes

std::optional<double> rate_of(std::uint64_t hits, std::uint64_t misses) {
  return hits + misses > 0 ? std::optional(static_cast<double>(hits) / static_cast<double>(hits + misses))
                           : std::nullopt;
}

// Rollups say what was looked up; a client that sends none says it with its sessions.
DayUse use_of(Day day, const DayReport& report) {
  ToolCounts all;
  for (const auto& [tool, counts] : report.tools) {
    all.add(counts);
  }
  DayUse use{.day = day,
             .hits = all.hits,
             .misses = all.misses,
             .errors = all.errors,
             .bytes_read = all.bytes_read,
             .bytes_written = all.bytes_written,
             .sessions = report.totals.count};
  if (all.lookups() == 0) {
    use.hits = report.totals.hits;
    use.misses = report.totals.misses;
  }
  if (all == ToolCounts{}) {
    use.errors = report.totals.errors;
    use.bytes_read = report.totals.bytes_read;
    use.bytes_written = report.totals.bytes_written;
  }
  return use;
}

// Repository, scope and tag as people know them; where they cannot be read, what they are kept under.
std::string name_of_hearth(const std::optional<HearthTag>& held, std::string_view object) {
  constexpr std::string_view k_prefix = "tags/";
  if (held) {
    return fmt::format("{} {} {}", held->id.repository, held->id.scope, held->id.tag);
  }
  return std::string(object.starts_with(k_prefix) ? object.substr(k_prefix.size()) : object);
}

std::uint64_t restores_of(const DayReport& period, const std::string& tag) {
  const auto found = period.tags.find(tag);
  return found != period.tags.end() ? found->second : 0;
}

Result<void> add_entries(Context& context, const Workspace& workspace, Usage& usage) {
  AGENT_TRY(const auto records, context.tags.list(workspace, {}));
  std::size_t read_tags = 0;
  for (const auto& record : records) {
    usage.total_bytes += record.stored_bytes();
    if (is_written_once(record.tag)) {
      continue;  // packs and manifests: parts of what Hearth's tags hold
    }
    const auto object = backends::object_of_tag(record.tag);
    const auto held = object && ++read_tags <= k_most_read_tags ? read_hearth_tag(context, workspace, record)
                                                                : std::nullopt;
    usage.versions += record.generation;
    usage.tags.push_back({.kind = object ? TagUse::Kind::hearth : TagUse::Kind::entry,
                          .name = object ? name_of_hearth(held, *object) : record.tag,
                          .bytes = held     ? std::optional(held->bytes)
                                   : object ? std::nullopt
                                            : std::optional(record.stored_bytes()),
                          .rows = held ? std::optional(held->objects) : std::nullopt,
                          .published_ms = record.published_ms,
                          .restores = restores_of(usage.period, record.tag),
                          .producer = record.producer});
  }
  return {};
}

Result<void> add_rows(Context& context, const Workspace& workspace, Usage& usage) {
  AGENT_TRY(const auto tags, context.rows.list(workspace));
  for (const auto& listed : tags) {
    AGENT_TRY(const auto summary, context.rows.summary(workspace, listed.tag));
    usage.total_bytes += summary.bytes;
    usage.tags.push_back({.kind = TagUse::Kind::rows,
                          .name = listed.tag,
                          .bytes = summary.bytes,
                          .rows = summary.rows,
                          .published_ms = listed.modified_ms,
                          .restores = restores_of(usage.period, listed.tag),
                          .producer = {}});
  }
  return {};
}

}  // namespace

Result<Usage> usage_of(Context& context, const Workspace& workspace, unsigned days) {
  const auto now = context.clock.wall();
  const auto last = day_of(now);
  const auto first = last + 1 - std::clamp<Day>(days, 1, std::min(last + 1, k_most_days));
  Usage usage;
  usage.generated_ms = milliseconds_of(now);
  // Further back than what was asked for: whether a key was missed before cannot be seen in the period alone.
  AGENT_TRY(auto earlier, context.reports.days(workspace, last + 1 - std::min(last + 1, k_most_days), last));
  const std::vector reports(earlier.end() - (last + 1 - first), earlier.end());
  earlier.resize(earlier.size() - reports.size());
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    usage.days.push_back(use_of(first + static_cast<Day>(i), reports[i]));
    hits += usage.days.back().hits;
    misses += usage.days.back().misses;
    add(usage.period, reports[i]);
  }
  know_earlier_misses(usage.period, earlier);
  usage.hit_rate = rate_of(hits, misses);
  for (const auto& [tag, restores] : usage.period.tags) {
    usage.restores += restores;
  }
  AGENT_CHECK(add_entries(context, workspace, usage));
  AGENT_CHECK(add_rows(context, workspace, usage));
  std::ranges::stable_sort(usage.tags, std::greater(), &TagUse::published_ms);
  return usage;
}

}  // namespace agent::server
