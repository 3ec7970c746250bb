// Many small segments of a tag become few.
#include <algorithm>

#include "agent/server/rows.hpp"

namespace agent::server {

// The newest segments, as many as are not much smaller than what stands before them: each row is written
// again as often as its tag doubles. The index of the first one.
std::size_t Rows::first_to_merge(const std::vector<Listed>& segments) {
  auto first = segments.size();
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  while (first > 0 && bytes + segments[first - 1].bytes <= k_largest_row_segment &&
         (segments.size() - first < k_merge_rows_from / 2 || segments[first - 1].rows < 2 * rows)) {
    --first;
    rows += segments[first].rows;
    bytes += segments[first].bytes;
  }
  return first;
}

// One of them at a time per tag, as far as this process goes; another server's makes this one give way.
Result<void> Rows::merge(const Workspace& workspace, std::string_view tag) {
  const auto place = row_head_object(workspace, tag);
  if (!merging_.with([&](auto& places) { return places.insert(place).second; })) {
    return {};
  }
  const auto done = merge_now(workspace, tag);
  merging_.with([&](auto& places) { places.erase(place); });
  return done;
}

Result<void> Rows::merge_now(const Workspace& workspace, std::string_view tag) {
  AGENT_TRY(const auto head, read(workspace, tag));
  const auto first = first_to_merge(head.segments);
  const std::span run = std::span(head.segments).subspan(first);
  if (run.size() < 2) {
    return {};
  }
  std::vector<std::shared_ptr<const RowSegment>> sources;
  for (const auto& listed : run) {
    AGENT_TRY(auto segment, load(workspace, listed));
    if (!segment) {
      return {};
    }
    sources.push_back(std::move(segment));
  }
  AGENT_TRY(const auto whole, write_merged(workspace, sources));
  AGENT_TRY(const bool replaced, replace(workspace, tag, {.first = first, .run = run, .by = whole}));
  // Nothing refers to what lost: the new segment, or those it stands for.
  if (!replaced) {
    return storage_.remove(row_segment_object(workspace, whole.id));
  }
  forget(run);
  for (const auto& listed : run) {
    AGENT_CHECK(storage_.remove(row_segment_object(workspace, listed.id)));
  }
  return {};
}

Result<Rows::Listed> Rows::write_merged(const Workspace& workspace,
                                        std::span<const std::shared_ptr<const RowSegment>> sources) {
  std::size_t bytes = 0;
  for (const auto& source : sources) {
    bytes += source->bytes();
  }
  RowEncoder encoder(bytes);
  for (RowMerge rows(sources, {}); const auto row = rows.next();) {
    encoder.add(*row);
  }
  const auto count = encoder.size();
  return write(workspace, std::move(encoder).finish(), count);
}

// What was merged away: its bytes would stay in memory, and on the disk for as long as they are mapped.
void Rows::forget(std::span<const Listed> segments) {
  cache_.with([&](Cache& cache) {
    for (const auto& listed : segments) {
      if (const auto found = cache.segments.find(listed.id); found != cache.segments.end()) {
        cache.bytes -= found->second->bytes();
        cache.segments.erase(found);
      }
    }
  });
}

// Puts one segment in the place of a run of others, whatever was added behind them meanwhile; false where
// they are not there any more.
Result<bool> Rows::replace(const Workspace& workspace, std::string_view tag, const Replacement& wanted) {
  AGENT_TRY(auto head, read(workspace, tag));
  for (int round = 0; round < k_most_row_swaps; ++round) {
    if (head.segments.size() < wanted.first + wanted.run.size() ||
        !std::ranges::equal(std::span(head.segments).subspan(wanted.first, wanted.run.size()), wanted.run)) {
      return false;
    }
    std::vector<Listed> segments(head.segments.begin(),
                                 head.segments.begin() + static_cast<std::ptrdiff_t>(wanted.first));
    segments.push_back(wanted.by);
    std::ranges::copy(std::span(head.segments).subspan(wanted.first + wanted.run.size()),
                      std::back_inserter(segments));
    AGENT_TRY(const bool swapped, swap(workspace, tag, head, segments));
    if (swapped) {
      return true;
    }
  }
  return false;
}

}  // namespace agent::server
