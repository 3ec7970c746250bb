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
constexpr int k_most_reads = 8;
constexpr std::size_t k_most_segments = 2'000;
constexpr std::size_t k_cache_bytes = std::size_t{160} << 20U;
constexpr std::size_t k_record_bytes = std::size_t{4} << 20U;

struct Record {
  std::string tag;
  std::string version;
  std::vector<std::string> before;
  io::JsonArray segments;
  io::Json current;  // null: none
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
  Record record{.tag = json->text("tag"),
                .version = json->text("version"),
                .before = {},
                .segments = {},
                .current = (*json)["current"]};
  if (record.tag.empty() || record.version.empty() || segments == nullptr) {
    return fail(Errc::corrupt, "rows of a tag: no tag, version or segments");
  }
  record.segments = *segments;
  if (const auto* const before = (*json)["before"].array()) {
    for (const auto& item : *before) {
      if (item.is_string()) {
        record.before.push_back(*item.string());
      }
    }
  }
  return record;
}

}  // namespace

bool is_rows_record(std::string_view text) {
  return parse_record(text).has_value();
}

io::Json Rows::json_of(const Listed& segment) {
  return io::JsonObject{
      {"id", segment.id}, {"rows", segment.rows}, {"bytes", segment.bytes}, {"digest", segment.digest.hex()}};
}

Result<Rows::Listed> Rows::listed_of(const io::Json& json, std::string_view tag) {
  const auto digest = Digest::from_hex(json.text("digest"));
  Listed listed{.id = json.text("id"),
                .rows = json["rows"].count().value_or(0),
                .bytes = json["bytes"].count().value_or(0),
                .digest = digest.value_or(Digest{})};
  if (!digest || !is_id(listed.id, 'k')) {
    return fail(Errc::corrupt, "rows of {}: a segment has no id or digest", tag);
  }
  return listed;
}

Result<Rows::Head> Rows::read(const Workspace& workspace, std::string_view tag) {
  AGENT_TRY(const auto found, storage_.read(row_head_object(workspace, tag)));
  Head head;
  if (!found) {
    return head;
  }
  AGENT_TRY(const auto record, parse_record(found->content));
  if (record.tag != tag) {
    return fail(Errc::corrupt, "rows of {}: what is kept there is of {}", tag, record.tag);
  }
  for (const auto& item : record.segments) {
    AGENT_TRY(auto listed, listed_of(item, tag));
    head.segments.push_back(std::move(listed));
  }
  if (!record.current.is_null()) {
    AGENT_TRY(head.current, listed_of(record.current, tag));
  }
  head.version = record.version;
  head.before = record.before;
  head.storage = found->version;
  return head;
}

// False where somebody else was faster: then `head` is what they made of it. A storage says so of a swap that
// was done as well, where its answer was lost and somebody swapped on top before it could be looked for
// (docs/decisions/0010); the versions that the record has had tell the two apart.
Result<bool> Rows::swap(const Workspace& workspace, std::string_view tag, Head& head,
                        const std::vector<Listed>& segments) {
  const auto version = io::random_mark();
  auto before = head.before;
  before.push_back(head.version);
  if (before.size() > k_remembered_row_versions) {
    before.erase(before.begin(), before.end() - k_remembered_row_versions);
  }
  io::JsonArray list;
  for (const auto& segment : segments) {
    list.push_back(json_of(segment));
  }
  io::JsonObject record{{"format", k_format},
                        {"tag", tag},
                        {"version", version},
                        {"before", io::JsonArray(before.begin(), before.end())},
                        {"segments", std::move(list)}};
  if (head.current && !segments.empty()) {
    record["current"] = json_of(*head.current);
  }
  const auto swapped = storage_.compare_and_swap(row_head_object(workspace, tag), head.storage,
                                                 io::Json(std::move(record)).dump() + "\n");
  if (swapped) {
    return true;
  }
  if (swapped.error().code != Errc::conflict) {
    return std::unexpected(swapped.error());
  }
  AGENT_TRY(auto now, read(workspace, tag));
  if (now.has_been(version)) {
    return true;
  }
  if (!now.has_been(head.version)) {
    return fail(Errc::transient, "rows of {}: whether they were changed cannot be told", tag);
  }
  head = std::move(now);
  return false;
}

Result<Rows::Listed> Rows::write(const Workspace& workspace, const std::string& text, std::uint64_t rows) {
  Listed listed{
      .id = random_id('k'), .rows = rows, .bytes = text.size(), .digest = io::sha256(io::bytes_of(text))};
  AGENT_CHECK(storage_.put_if_absent(row_segment_object(workspace, listed.id), std::string_view(text)));
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
  if (listed.bytes > k_largest_row_segment) {
    return fail(Errc::corrupt, "key rows: segment {} is too large", listed.id);
  }
  const auto name = row_segment_object(workspace, listed.id);
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
    for (const auto& listed : head.segments) {
      view.ids.push_back(listed.id);
    }
    if (head.current) {
      view.ids.push_back(head.current->id);
      AGENT_TRY(view.current, load(workspace, *head.current));
    }
    if (view.segments.size() == head.segments.size() && (!head.current || view.current)) {
      return view;
    }
  }
  return fail(Errc::transient, "rows of {}: they change faster than they can be read", tag);
}

std::optional<Row> Rows::find(const View& view, std::string_view key) {
  for (auto i = view.segments.size(); i > 0; --i) {
    if (const auto row = view.segments[i - 1]->find(key)) {
      return row;
    }
  }
  return std::nullopt;
}

Result<Rows::Marked> Rows::mark_current(const Workspace& workspace, std::string_view tag,
                                        const std::vector<std::string>& keys) {
  AGENT_TRY(const auto tag_view, view(workspace, tag));
  Marked marked;
  std::vector<Row> rows;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (const auto row = find(tag_view, keys[i])) {
      rows.push_back(*row);
    } else {
      marked.missing.push_back(i);
    }
  }
  if (rows.empty()) {
    marked.version = tag_view.version;
    return marked;
  }
  const auto count = rows.size();
  AGENT_TRY(const auto written, write(workspace, encode_rows(std::move(rows)), count));
  AGENT_TRY(auto head, read(workspace, tag));
  for (int round = 0; round < k_most_row_swaps; ++round) {
    if (head.segments.empty()) {  // the tag was deleted meanwhile
      break;
    }
    const auto before = std::exchange(head.current, written);
    AGENT_TRY(const bool swapped, swap(workspace, tag, head, head.segments));
    if (swapped) {
      marked.version = written.id;
      if (before) {
        AGENT_CHECK(storage_.remove(row_segment_object(workspace, before->id)));
      }
      return marked;
    }
  }
  AGENT_CHECK(storage_.remove(row_segment_object(workspace, written.id)));
  return fail(Errc::conflict, "rows of {}: others keep changing them", tag);
}

Result<Rows::Summary> Rows::summary(const Workspace& workspace, std::string_view tag) {
  constexpr std::size_t k_most_summaries = 10'000;
  AGENT_TRY(const auto tag_view, view(workspace, tag));
  const auto place = row_head_object(workspace, tag);
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
  AGENT_TRY(const auto objects, storage_.list(row_heads_prefix(workspace)));
  std::vector<ListedTag> tags;
  for (const auto& object : objects) {
    AGENT_TRY(const auto found, storage_.read(object.name));
    if (!found) {
      continue;
    }
    AGENT_TRY(const auto record, parse_record(found->content));
    if (!record.segments.empty()) {
      tags.push_back(
          {.tag = record.tag, .version = record.version, .modified_ms = milliseconds_of(object.modified)});
    }
  }
  std::ranges::sort(tags, {}, &ListedTag::tag);
  return tags;
}

Result<Rows::Listed> Rows::prepare(const Workspace& workspace, std::vector<Row> rows) {
  const auto now = milliseconds_of(clock_.wall());
  for (auto& row : rows) {
    row.written_ms = now;
  }
  const auto count = rows.size();
  return write(workspace, encode_rows(std::move(rows)), count);
}

Result<void> Rows::upsert(const Workspace& workspace, std::string_view tag, const Listed& prepared) {
  AGENT_TRY(auto head, read(workspace, tag));
  for (int round = 0; round < k_most_row_swaps; ++round) {
    if (head.segments.size() >= k_most_segments) {
      return fail(Errc::transient, "rows of {}: {} segments wait to be merged", tag, head.segments.size());
    }
    auto segments = head.segments;
    segments.push_back(prepared);
    AGENT_TRY(const bool swapped, swap(workspace, tag, head, segments));
    if (!swapped) {
      continue;
    }
    if (segments.size() >= k_merge_rows_from) {
      if (const auto merged = merge(workspace, tag); !merged) {
        log::warn("server: {}", merged.error().message);  // the rows are there all the same
      }
    }
    return {};
  }
  return fail(Errc::conflict, "rows of {}: others keep changing them", tag);
}

Result<bool> Rows::remove(const Workspace& workspace, std::string_view tag, std::string_view version) {
  AGENT_TRY(auto head, read(workspace, tag));
  for (int round = 0; round < k_most_row_swaps; ++round) {
    if (head.segments.empty() || (!version.empty() && head.version != version)) {
      return false;
    }
    AGENT_TRY(const bool swapped, swap(workspace, tag, head, {}));
    if (!swapped) {
      continue;
    }
    for (const auto& segment : head.segments) {
      AGENT_CHECK(storage_.remove(row_segment_object(workspace, segment.id)));
    }
    if (head.current) {
      AGENT_CHECK(storage_.remove(row_segment_object(workspace, head.current->id)));
    }
    return true;
  }
  return fail(Errc::conflict, "rows of {}: others keep changing them", tag);
}

}  // namespace agent::server
