#include "agent/server/row_segment.hpp"

#include <algorithm>

#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"

namespace agent::server {

namespace {

constexpr std::string_view k_magic = "HRTHROWS";
constexpr std::uint32_t k_version = 1;
constexpr std::size_t k_fixed_bytes = 52;  // of a row, before its texts
constexpr std::size_t k_offset_bytes = 4;

std::unexpected<Error> bad(std::string_view what) {
  return fail(Errc::corrupt, "key rows: {}", what);
}

// Reads the row at the front; false where it is not whole.
bool read_row(io::ByteReader& reader, Row& row) {
  const auto key_size = reader.number<std::uint16_t>();
  const auto name_size = reader.number<std::uint16_t>();
  row.blob.size_bytes = reader.number<std::uint64_t>();
  row.written_ms = reader.number<std::uint64_t>();
  const auto digest = reader.take(row.blob.digest.bytes.size());
  row.name_space = reader.text(name_size);
  row.key = reader.text(key_size);
  if (!reader.ok()) {
    return false;
  }
  std::memcpy(row.blob.digest.bytes.data(), digest.data(), digest.size());
  return key_size > 0 && key_size <= k_longest_row_key && name_size <= k_longest_namespace;
}

void append_row(std::string& to, const Row& row) {
  io::append_le(to, static_cast<std::uint16_t>(row.key.size()));
  io::append_le(to, static_cast<std::uint16_t>(row.name_space.size()));
  io::append_le(to, row.blob.size_bytes);
  io::append_le(to, row.written_ms);
  to.append(reinterpret_cast<const char*>(row.blob.digest.bytes.data()), row.blob.digest.bytes.size());
  to += row.name_space;
  to += row.key;
}

}  // namespace

RowEncoder::RowEncoder(std::size_t most_bytes) : text_(k_magic) {
  text_.reserve(most_bytes);
  io::append_le(text_, k_version);
  io::append_le(text_, std::uint32_t{0});  // how many, in the end
}

void RowEncoder::add(const Row& row) {
  offsets_.push_back(static_cast<std::uint32_t>(text_.size()));
  append_row(text_, row);
}

std::string RowEncoder::finish() && {
  for (const auto offset : offsets_) {
    io::append_le(text_, offset);
  }
  std::string count;
  io::append_le(count, static_cast<std::uint32_t>(offsets_.size()));
  text_.replace(k_magic.size() + sizeof k_version, count.size(), count);
  return std::move(text_);
}

std::string encode_rows(std::vector<Row> rows) {
  if (!std::ranges::is_sorted(rows, {}, &Row::key)) {
    std::ranges::stable_sort(rows, {}, &Row::key);
  }
  RowEncoder encoder(0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + 1 < rows.size() && rows[i + 1].key == rows[i].key) {
      continue;  // a later one with this key counts
    }
    encoder.add(rows[i]);
  }
  return std::move(encoder).finish();
}

Result<std::shared_ptr<const RowSegment>> RowSegment::parse(Bytes bytes) {
  std::shared_ptr<RowSegment> segment(new RowSegment(std::move(bytes)));
  AGENT_CHECK(segment->check());
  return segment;
}

// Everything that row() relies on: every row whole and where the table says, keys ascending.
Result<void> RowSegment::check() {
  io::ByteReader reader(io::bytes_of(view()));
  if (reader.text(k_magic.size()) != k_magic) {
    return bad("no such object");
  }
  const auto version = reader.number<std::uint32_t>();
  const std::size_t count = reader.number<std::uint32_t>();
  if (reader.ok() && version != k_version) {
    return fail(Errc::unsupported, "key rows: version {} is not known", version);
  }
  if (!reader.ok() || count > reader.left().size() / (k_fixed_bytes + k_offset_bytes)) {
    return bad("fewer than there should be");
  }
  count_ = count;
  std::string_view last;
  for (std::size_t i = 0; i < count; ++i) {
    const auto begin = view().size() - reader.left().size();
    Row row;
    if (offset(i) != begin || !read_row(reader, row) || (i > 0 && row.key <= last)) {
      return bad("a row is not whole, not in its place or not in order");
    }
    last = row.key;
  }
  return reader.left().size() == count * k_offset_bytes ? Result<void>() : bad("something follows them");
}

std::string_view RowSegment::view() const {
  const auto* const text = std::get_if<std::string>(&bytes_);
  return text != nullptr ? std::string_view(*text) : std::get<io::Mapping>(bytes_).view();
}

std::size_t RowSegment::offset(std::size_t index) const {
  const auto at = view().size() - ((count_ - index) * k_offset_bytes);
  return io::load_le<std::uint32_t>(io::bytes_of(view().substr(at, k_offset_bytes)));
}

Row RowSegment::row(std::size_t index) const {
  io::ByteReader reader(io::bytes_of(view().substr(offset(index))));
  Row row;
  read_row(reader, row);
  return row;
}

std::size_t RowSegment::after(std::string_view key) const {
  std::size_t low = 0;
  std::size_t high = count_;
  while (low < high) {
    const auto middle = low + ((high - low) / 2);
    if (row(middle).key <= key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<Row> RowSegment::find(std::string_view key) const {
  const auto next = after(key);
  if (next == 0) {
    return std::nullopt;
  }
  auto found = row(next - 1);
  return found.key == key ? std::optional(found) : std::nullopt;
}

RowMerge::RowMerge(std::span<const std::shared_ptr<const RowSegment>> segments, std::string_view cursor) {
  sources_.reserve(segments.size());
  for (const auto& segment : segments) {
    const auto first = cursor.empty() ? 0 : segment->after(cursor);
    if (first < segment->size()) {
      sources_.push_back({.segment = segment.get(), .position = first, .row = segment->row(first)});
    }
  }
}

std::optional<Row> RowMerge::next() {
  std::optional<Row> best;
  for (const auto& source : sources_) {
    if (!best || source.row.key <= best->key) {  // the last one with this key counts
      best = source.row;
    }
  }
  if (!best) {
    return best;
  }
  std::erase_if(sources_, [&](Source& source) {
    if (source.row.key != best->key) {
      return false;
    }
    if (++source.position == source.segment->size()) {
      return true;
    }
    source.row = source.segment->row(source.position);
    return false;
  });
  return best;
}

}  // namespace agent::server
