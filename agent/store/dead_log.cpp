#include "agent/store/dead_log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "agent/core/log.hpp"
#include "agent/io/little_endian.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::store {

namespace {

constexpr std::size_t k_mark_bytes = 16;
constexpr std::uint64_t k_largest_log_bytes = std::uint64_t{1} << 30U;

// With it in the segment's number a mark tells where the record of the mark before it ends. Versions that do
// not know it take it for a segment that does not exist.
constexpr std::uint64_t k_end_flag = std::uint64_t{1} << 63U;

void append_mark(std::string& to, const DeadMark& mark, std::uint64_t end) {
  io::append_le(to, mark.segment);
  io::append_le(to, mark.offset);
  if (end > 0) {
    io::append_le(to, mark.segment | k_end_flag);
    io::append_le(to, end);
  }
}

}  // namespace

std::vector<DeadLog::Known> DeadLog::parse(std::string_view log, const std::set<std::uint64_t>& segments) {
  std::vector<Known> known;
  io::ByteReader reader(io::bytes_of(log));
  while (reader.left().size() >= k_mark_bytes) {
    const auto segment = reader.number<std::uint64_t>();
    const auto offset = reader.number<std::uint64_t>();
    if ((segment & k_end_flag) == 0) {
      known.push_back({.mark = {.segment = segment, .offset = offset}});
    } else if (!known.empty() && known.back().mark.segment == (segment & ~k_end_flag)) {
      known.back().end = offset;
    }
  }
  std::erase_if(known, [&](const Known& record) { return !segments.contains(record.mark.segment); });
  // Of several marks of one record one that knows its end counts.
  std::ranges::sort(known, [](const Known& a, const Known& b) {
    return std::tie(a.mark, b.end) < std::tie(b.mark, a.end);
  });
  known.erase(std::ranges::unique(known, {}, &Known::mark).begin(), known.end());
  return known;
}

Result<DeadLog> DeadLog::open(const io::fs::path& folder, const std::set<std::uint64_t>& segments) {
  const auto path = folder / "dead.log";
  auto log = io::read_file(path, k_largest_log_bytes);
  if (!log && log.error().code != Errc::not_found) {
    return std::unexpected(std::move(log).error());
  }
  auto known = parse(log.value_or(""), segments);
  // Marks of segments that are gone must go before their numbers can be given again: they would kill records
  // of the new ones.
  std::string kept;
  std::ranges::for_each(known, [&](const Known& record) { append_mark(kept, record.mark, record.end); });
  if (log && log->size() != kept.size()) {
    AGENT_CHECK(io::write_file(path, kept));
  }
  AGENT_TRY(auto file, io::open_file(path, O_WRONLY | O_CREAT | O_APPEND));
  return DeadLog(std::move(file), std::move(known));
}

bool DeadLog::was_dead(const DeadMark& mark) const {
  return std::ranges::binary_search(old_, mark, {}, &Known::mark);
}

std::vector<DeadExtent> DeadLog::extents(std::uint64_t segment) const {
  std::vector<DeadExtent> found;
  auto known = std::ranges::lower_bound(old_, DeadMark{.segment = segment, .offset = k_record_header_bytes},
                                        {}, &Known::mark);
  for (; known != old_.end() && known->mark.segment == segment; ++known) {
    found.push_back({.begin = known->mark.offset - k_record_header_bytes, .end = known->end});
  }
  return found;
}

void DeadLog::append(const DeadMark& mark, std::uint64_t end) const {
  std::string bytes;
  append_mark(bytes, mark, end);
  if (const auto written = io::write_all(file_.get(), io::bytes_of(bytes), "dead.log"); !written) {
    log::warn("store: dead record not marked segment={} offset={} error={}", mark.segment, mark.offset,
              written.error().message);
  }
}

}  // namespace agent::store
