#include "agent/store/dead_log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <string>

#include "agent/core/log.hpp"
#include "agent/io/little_endian.hpp"

namespace agent::store {

namespace {

constexpr std::size_t k_mark_bytes = 16;
constexpr std::uint64_t k_largest_log_bytes = std::uint64_t{1} << 30U;

void append_mark(std::string& to, const DeadMark& mark) {
  io::append_le(to, mark.segment);
  io::append_le(to, mark.offset);
}

std::vector<DeadMark> marks_of(std::string_view log, const std::set<std::uint64_t>& segments) {
  std::vector<DeadMark> marks;
  io::ByteReader reader(io::bytes_of(log));
  while (reader.left().size() >= k_mark_bytes) {
    const auto segment = reader.number<std::uint64_t>();
    const auto offset = reader.number<std::uint64_t>();
    if (segments.contains(segment)) {
      marks.push_back({.segment = segment, .offset = offset});
    }
  }
  std::ranges::sort(marks);
  marks.erase(std::ranges::unique(marks).begin(), marks.end());
  return marks;
}

}  // namespace

Result<DeadLog> DeadLog::open(const io::fs::path& folder, const std::set<std::uint64_t>& segments) {
  const auto path = folder / "dead.log";
  auto log = io::read_file(path, k_largest_log_bytes);
  if (!log && log.error().code != Errc::not_found) {
    return std::unexpected(std::move(log).error());
  }
  auto marks = marks_of(log.value_or(""), segments);
  // Marks of segments that are gone must go before their numbers can be given again: they would kill records
  // of the new ones.
  if (log && log->size() != marks.size() * k_mark_bytes) {
    std::string kept;
    std::ranges::for_each(marks, [&](const DeadMark& mark) { append_mark(kept, mark); });
    AGENT_CHECK(io::write_file(path, kept));
  }
  AGENT_TRY(auto file, io::open_file(path, O_WRONLY | O_CREAT | O_APPEND));
  return DeadLog(std::move(file), std::move(marks));
}

bool DeadLog::was_dead(const DeadMark& mark) const {
  return std::ranges::binary_search(old_, mark);
}

void DeadLog::append(const DeadMark& mark) const {
  std::string bytes;
  append_mark(bytes, mark);
  if (const auto written = io::write_all(file_.get(), io::bytes_of(bytes), "dead.log"); !written) {
    log::warn("store: dead record not marked segment={} offset={} error={}", mark.segment, mark.offset,
              written.error().message);
  }
}

}  // namespace agent::store
