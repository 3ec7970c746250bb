#include "agent/launcher/record.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <span>

#include "agent/launcher/sys.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {
namespace {

constexpr std::int64_t k_first_backoff_ms = 1000;
constexpr std::int64_t k_longest_backoff_ms = 30'000;
constexpr unsigned k_private_file = 0600;

void append(CString path, std::string_view line) {
  const long fd = sys::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, k_private_file);
  if (fd >= 0) {
    sys::write(static_cast<int>(fd), line);
    sys::close(static_cast<int>(fd));
  }
}

}  // namespace

std::int64_t backoff_ms(std::uint32_t failures) {
  const std::uint32_t doublings = std::min(failures, 6U);
  return failures == 0 ? 0 : std::min(k_first_backoff_ms << (doublings - 1), k_longest_backoff_ms);
}

std::optional<LockedRecord> LockedRecord::try_take(const Config& config, long& error) {
  error = 0;
  const long fd = sys::open(config.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, k_private_file);
  if (fd < 0) {
    error = fd;
    return std::nullopt;
  }
  if (sys::lock_exclusive_now(static_cast<int>(fd)) < 0) {
    sys::close(static_cast<int>(fd));
    return std::nullopt;
  }
  return LockedRecord(static_cast<int>(fd));
}

LockedRecord::LockedRecord(int fd) : fd_(fd) {
  const std::span<char> bytes(reinterpret_cast<char*>(&record_), sizeof(record_));
  const bool whole = sys::read_at(fd_, bytes, 0) == static_cast<long>(sizeof(record_));
  if (!whole || record_.magic != Record::k_magic) {
    record_ = Record{};
  }
  // Times of another boot, or nonsense, must not hold anybody up.
  if (record_.retry_at_ms > sys::monotonic_ms() + k_longest_backoff_ms) {
    record_.retry_at_ms = 0;
  }
}

LockedRecord::~LockedRecord() {
  if (fd_ >= 0) {
    sys::close(fd_);
  }
}

void LockedRecord::save() {
  sys::write_at(fd_, std::string_view(reinterpret_cast<const char*>(&record_), sizeof(record_)), 0);
}

void note_event(const Config& config, std::string_view event, std::string_view detail) {
  Line line;
  line.add(event);
  if (!detail.empty()) {
    line.add(" ").add(detail);
  }
  append(config.state, line.add("\n").view());
}

void note_event(const Config& config, std::string_view event, std::int64_t milliseconds) {
  Line line;
  append(config.state, line.add(event).add(" ").add(milliseconds).add("\n").view());
}

void note_inputs(const Config& config, std::string_view working_directory, std::string_view output,
                 Arena& memory) {
  if (config.inputs.empty()) {
    return;
  }
  const CString line = memory.join(std::array<std::string_view, 4>{working_directory, "\t", output, "\n"});
  if (!line.empty()) {
    append(config.inputs, line);
  }
}

}  // namespace agent::launcher
