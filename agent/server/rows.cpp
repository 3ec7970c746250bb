#include "agent/server/rows.hpp"

#include <algorithm>

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"
#include "agent/io/random.hpp"
#include "agent/server/tags.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr int k_most_rounds = 256;
constexpr int k_most_reads = 8;
constexpr std::size_t k_merge_from = 24;  // segments; then the small ones become one
constexpr std::size_t k_most_segments = 2'000;
constexpr std::uint64_t k_largest_segment = std::uint64_t{1} << 30U;
constexpr std::size_t k_cache_bytes = std::size_t{160} << 20U;
constexpr std::size_t k_record_bytes = std::size_t{4} << 20U;

std::string segment_object(const Workspace& workspace, std::string_view id) {
  return fmt::format("rows/{}/{}/{}", workspace.slug(), id.substr(2, 2), id);
}

std::string heads_prefix(const Workspace& workspace) {
  return fmt::format("tags/{}/k/", workspace.slug());
}

std::string head_object(const Workspace& workspace, std::string_view tag) {
  return heads_prefix(workspace) + io::sha256(io::bytes_of(tag)).hex();
}

struct Record {
  std::string tag;
  std::string version;
  io::JsonArray segments;
};

Result<Record> parse_record(std::string_view text) {
  const auto json = io::parse_json(text, "rows of a tag", {.bytes = k_record_bytes, .depth = 4});
  if (!json || !(*json)["format"].count()) {
    return fail(Errc::corrupt, "rows of a tag: {}", json ? "no format" : json.error().message);
  }
  if ((*json)["format"].count() != k_format) {
    return fail(Errc::unsupported, "rows of a tag: a newer format");
  }
  const auto* const segments = (*json)["segments"].array();
  Record record{.tag = json->text("tag"), .version = json->text("version"), .segments = {}};
  if (record.tag.empty() || record.version.empty() || segments == nullptr) {
    return fail(Errc::corrupt, "rows of a tag: no tag, version or segments");
  }
  record.segments = *segments;
  return record;
}

}  // namespace

bool is_rows_record(std::string_view text) {
  return parse_record(text).has_value();
}

Result<Rows::Head> Rows::read(const Workspace& workspace, std::string_view tag) {
  AGENT_TRY(const auto found, storage_.read(head_object(workspace, tag)));
  Head head;
  if (!found) {
    return head;
  }
  AGENT_TRY(const auto record, parse_record(found->content));
  if (record.tag != tag) {
    return fail(Errc::corrupt, "rows of {}: what is kept there is of {}", tag, record.tag);
  }
  for (const auto& item : record.segments) {
    const auto digest = Digest::from_hex(item.text("digest"));
    Listed listed{.id = item.text("id"),
                  .rows = item["rows"].count().value_or(0),
                  .bytes = item["bytes"].count().value_or(0),
                  .digest = digest.value_or(Digest{})};
    if (!digest || !is_id(listed.id, 'k')) {
      return fail(Errc::corrupt, "rows of {}: a segment has no id or digest", tag);
    }
    head.segments.push_back(std::move(listed));
  }
  head.version = record.version;
  head.storage = found->version;
  return head;
}

// False where somebody else was faster.
Result<bool> Rows::swap(const Workspace& workspace, std::string_view tag, const Head& head,
                        const std::vector<Listed>& segments) {
  io::JsonArray list;
  for (const auto& segment : segments) {
    list.emplace_back(io::JsonObject{{"id", segment.id},
                                     {"rows", segment.rows},
                                     {"bytes", segment.bytes},
                                     {"digest", segment.digest.hex()}});
  }
  const io::Json record(io::JsonObject{
      {"format", k_format}, {"tag", tag}, {"version", io::random_mark()}, {"segments", std::move(list)}});
  const auto swapped =
      storage_.compare_and_swap(head_object(workspace, tag), head.storage, record.dump() + "\n");
  if (!swapped && swapped.error().code != Errc::conflict) {
    return std::unexpected(swapped.error());
  }
  return swapped.has_value();
}

Result<Rows::Listed> Rows::write(const Workspace& workspace, const std::string& text, std::uint64_t rows) {
  Listed listed{
      .id = random_id('k'), .rows = rows, .bytes = text.size(), .digest = io::sha256(io::bytes_of(text))};
  AGENT_CHECK(storage_.put_if_absent(segment_object(workspace, listed.id), std::string_view(text)));
  return listed;
}

Result<std::shared_ptr<const RowSegment>> Rows::load(const Workspace& workspace, const Listed& listed) {
  auto known = cache_.with([&](const auto& cache) {
    const auto found = cache.segments.find(listed.id);
    return found != cache.segments.end() ? found->second : nullptr;
  });
  if (known) {
    return known;
  }
  if (listed.bytes > k_largest_segment) {
    return fail(Errc::corrupt, "key rows: segment {} is too large", listed.id);
  }
  const auto name = segment_object(workspace, listed.id);
  RowSegment::Bytes bytes;
  if (storage_.opens_in_place()) {
    AGENT_TRY(const auto file, storage_.open_in_place(name));
    if (!file) {
      return nullptr;
    }
    AGENT_TRY(auto mapping, io::Mapping::of(*file));
    bytes.emplace<io::Mapping>(std::move(mapping));
  } else {
    AGENT_TRY(auto content, storage_.get(name, {.offset = 0, .size = listed.bytes}));
    if (!content) {
      return nullptr;
    }
    bytes = *std::move(content);
  }
  const auto view = std::holds_alternative<std::string>(bytes)
                        ? std::string_view(std::get<std::string>(bytes))
                        : std::get<io::Mapping>(bytes).view();
  if (io::sha256(io::bytes_of(view)) != listed.digest) {
    return fail(Errc::corrupt, "key rows: segment {} has wrong bytes", listed.id);
  }
  AGENT_TRY(auto segment, RowSegment::parse(std::move(bytes)));
  cache_.with([&](auto& cache) {
    if (cache.bytes + segment->bytes() > k_cache_bytes) {
      cache = {};
    }
    if (cache.segments.try_emplace(listed.id, segment).second) {
      cache.bytes += segment->bytes();
    }
  });
  return segment;
}

Result<Rows::View> Rows::view(const Workspace& workspace, std::string_view tag) {
  for (int i = 0; i < k_most_reads; ++i) {
    AGENT_TRY(const auto head, read(workspace, tag));
    View view{.segments = {}, .version = head.version};
    for (const auto& listed : head.segments) {
      AGENT_TRY(auto segment, load(workspace, listed));
      if (!segment) {
        break;  // it was merged away meanwhile: the record says into what
      }
      view.segments.push_back(std::move(segment));
    }
    if (view.segments.size() == head.segments.size()) {
      return view;
    }
  }
  return fail(Errc::transient, "rows of {}: they change faster than they can be read", tag);
}

Result<Rows::Summary> Rows::summary(const Workspace& workspace, std::string_view tag) {
  constexpr std::size_t k_most_summaries = 10'000;
  AGENT_TRY(const auto tag_view, view(workspace, tag));
  const auto place = head_object(workspace, tag);
  const auto known = summaries_.with([&](const auto& summaries) {
    const auto found = summaries.find(place);
    return found != summaries.end() && found->second.first == tag_view.version
               ? std::optional(found->second.second)
               : std::nullopt;
  });
  if (known) {
    return *known;
  }
  std::vector<Blob> blobs;
  for (RowMerge merge(tag_view.segments, {}); const auto row = merge.next();) {
    blobs.push_back(row->blob);
  }
  Summary summary{.rows = blobs.size(), .bytes = 0};
  std::ranges::sort(blobs, {}, &Blob::digest);
  const auto repeated = std::ranges::unique(blobs, {}, &Blob::digest);
  blobs.erase(repeated.begin(), repeated.end());
  for (const auto& blob : blobs) {
    summary.bytes += blob.size_bytes;
  }
  summaries_.with([&](auto& summaries) {
    if (summaries.size() >= k_most_summaries) {
      summaries.clear();
    }
    summaries.insert_or_assign(place, std::pair(tag_view.version, summary));
  });
  return summary;
}

Result<std::vector<Rows::ListedTag>> Rows::list(const Workspace& workspace) {
  AGENT_TRY(const auto objects, storage_.list(heads_prefix(workspace)));
  std::vector<ListedTag> tags;
  for (const auto& object : objects) {
    AGENT_TRY(const auto found, storage_.read(object.name));
    if (!found) {
      continue;
    }
    AGENT_TRY(const auto record, parse_record(found->content));
    if (!record.segments.empty()) {
      tags.push_back({.tag = record.tag, .modified_ms = milliseconds_of(object.modified)});
    }
  }
  std::ranges::sort(tags, {}, &ListedTag::tag);
  return tags;
}

Result<void> Rows::upsert(const Workspace& workspace, std::string_view tag, std::vector<Row> rows) {
  const auto now = milliseconds_of(clock_.wall());
  for (auto& row : rows) {
    row.written_ms = now;
  }
  const auto count = rows.size();
  AGENT_TRY(auto added, write(workspace, encode_rows(std::move(rows)), count));
  for (int round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(const auto head, read(workspace, tag));
    if (head.segments.size() >= k_most_segments) {
      return fail(Errc::transient, "rows of {}: {} segments wait to be merged", tag, head.segments.size());
    }
    auto segments = head.segments;
    segments.push_back(added);
    AGENT_TRY(const bool swapped, swap(workspace, tag, head, segments));
    if (!swapped) {
      continue;
    }
    if (segments.size() >= k_merge_from) {
      if (const auto merged = merge(workspace, tag); !merged) {
        log::warn("server: {}", merged.error().message);  // the rows are there all the same
      }
    }
    return {};
  }
  return fail(Errc::conflict, "rows of {}: others keep changing them", tag);
}

// The newest segments, as many as are not much smaller than what stands before them: each row is written
// again as often as its tag doubles. The index of the first one.
std::size_t Rows::first_to_merge(const std::vector<Listed>& segments) {
  auto first = segments.size();
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  while (first > 0 && bytes + segments[first - 1].bytes <= k_largest_segment &&
         (segments.size() - first < k_merge_from / 2 || segments[first - 1].rows < 2 * rows)) {
    --first;
    rows += segments[first].rows;
    bytes += segments[first].bytes;
  }
  return first;
}

// One of them at a time per tag, as far as this process goes; another server's makes this one give way.
Result<void> Rows::merge(const Workspace& workspace, std::string_view tag) {
  const auto place = head_object(workspace, tag);
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
  std::vector<Row> merged;
  for (RowMerge rows(sources, {}); const auto row = rows.next();) {
    merged.push_back(*row);
  }
  const auto count = merged.size();
  AGENT_TRY(const auto whole, write(workspace, encode_rows(std::move(merged)), count));
  AGENT_TRY(const bool replaced, replace(workspace, tag, {.first = first, .run = run, .by = whole}));
  // Nothing refers to what lost: the new segment, or those it stands for.
  if (!replaced) {
    return storage_.remove(segment_object(workspace, whole.id));
  }
  for (const auto& listed : run) {
    AGENT_CHECK(storage_.remove(segment_object(workspace, listed.id)));
  }
  return {};
}

// Puts one segment in the place of a run of others, whatever was added behind them meanwhile; false where
// they are not there any more.
Result<bool> Rows::replace(const Workspace& workspace, std::string_view tag, const Replacement& wanted) {
  for (int round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(const auto head, read(workspace, tag));
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

Result<bool> Rows::remove(const Workspace& workspace, std::string_view tag) {
  for (int round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(const auto head, read(workspace, tag));
    if (head.segments.empty()) {
      return false;
    }
    AGENT_TRY(const bool swapped, swap(workspace, tag, head, {}));
    if (!swapped) {
      continue;
    }
    for (const auto& segment : head.segments) {
      AGENT_CHECK(storage_.remove(segment_object(workspace, segment.id)));
    }
    return true;
  }
  return fail(Errc::conflict, "rows of {}: others keep changing them", tag);
}

}  // namespace agent::server
