// What the launchers of one job remember together: a record of fixed size in the lock file, read and written
// only under its lock, and the event lines for the agent (both described in config.hpp). Locking is between
// processes (flock); one launcher has one thread. A broken record reads as an empty one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/launcher/config.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {

inline constexpr std::uint32_t k_max_restarts = 3;
inline constexpr std::uint32_t k_max_failed_starts = 3;

struct Record {
  static constexpr std::uint64_t k_magic = 0x31304c4854524548;  // "HERTHL01"

  std::uint64_t magic = k_magic;
  std::int64_t retry_at_ms = 0;     // monotonic; no attempt to start a server before
  std::int64_t server_process = 0;  // the last one started; 0 if none
  std::uint64_t process_space = 0;  // the PID namespace in which that is its number
  std::uint32_t starts = 0;         // servers that came to answer
  std::uint32_t failed_starts = 0;
  std::uint32_t unreachable = 0;  // consecutive failures of the agent's health check
  std::uint32_t noticed = 0;      // the warning was printed
  std::uint32_t stopped = 0;      // the last server was stopped on purpose: starting the next is no restart
  std::uint32_t reserved = 0;
};

// How long to leave a server or agent alone that failed `failures` times in a row.
std::int64_t backoff_ms(std::uint32_t failures);

// The lock on a job's record. Holding the object is holding the lock.
class LockedRecord final {
public:
  // Tries once; empty if another launcher holds it or the file cannot be opened (`error` is -errno then).
  static std::optional<LockedRecord> try_take(const Config& config, long& error);
  LockedRecord(LockedRecord&& other) noexcept : record_(other.record_), fd_(other.fd_) { other.fd_ = -1; }
  LockedRecord& operator=(LockedRecord&&) = delete;
  ~LockedRecord();

  Record& operator*() { return record_; }
  const Record& operator*() const { return record_; }
  Record* operator->() { return &record_; }
  void save();

private:
  explicit LockedRecord(int fd);

  Record record_;
  int fd_;
};

// Appends one event; failing to is not told to anybody, because nobody could act on it.
void note_event(const Config& config, std::string_view event, std::string_view detail = {});
void note_event(const Config& config, std::string_view event, std::int64_t milliseconds);

// Where a compilation runs, for whoever looks for its headers; nothing where nobody does (config.inputs).
void note_inputs(const Config& config, std::string_view working_directory, std::string_view output,
                 Arena& memory);

}  // namespace agent::launcher
