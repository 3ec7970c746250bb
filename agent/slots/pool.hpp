// N slots that processes of one host share: a slot is a lock on a file, so whoever dies gives its slots back.
// Waiting is first come, first served: each waiter has a ticket, a locked file whose name sorts by time, and
// only the oldest living ticket may take. A Pool is used by one thread; any number of processes use one
// folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::slots {

class Pool;

// This user's folder for a pool, the same from every kind of session; made, for this user alone, when
// missing. Errors: denied where it is somebody else's or open to others; io.
Result<io::fs::path> own_folder(const io::fs::path& parent = "/tmp");

// Given back by its destructor.
class Slot final {
public:
  Slot(Slot&&) noexcept = default;
  Slot& operator=(Slot&&) noexcept = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() = default;

private:
  friend class Pool;
  explicit Slot(io::Fd lock) : lock_(std::move(lock)) {}
  io::Fd lock_;
};

// A place in the queue; left by its destructor.
class Ticket final {
public:
  Ticket(Ticket&& other) noexcept : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
  Ticket& operator=(Ticket&&) = delete;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket();

private:
  friend class Pool;
  Ticket(io::fs::path path, io::Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  io::fs::path path_;
  io::Fd lock_;
};

class Pool final {
public:
  // Makes the folder, for this user alone; one that exists keeps its permissions. Errors: invalid for 0
  // slots; io, denied.
  static Result<Pool> open(const io::fs::path& folder, unsigned count);

  // Errors: io, denied, full.
  Result<Ticket> queue_up() const;

  // Whether no living ticket is older; removes what dead waiters left.
  Result<bool> is_first(const Ticket& ticket) const;

  // Whether anybody waits but who has the given ticket; removes what dead waiters left.
  Result<bool> others_wait(const Ticket* own) const;

  // A free slot. Empty: all are taken.
  Result<std::optional<Slot>> try_take() const;

  // Slots that anybody holds. What is given back meanwhile may still be counted.
  Result<unsigned> taken() const;

private:
  Pool(io::fs::path folder, unsigned count) : folder_(std::move(folder)), count_(count) {}
  io::fs::path slot_path(unsigned number) const;
  Result<std::vector<io::fs::path>> tickets() const;
  io::fs::path folder_;
  unsigned count_;
};

}  // namespace agent::slots
