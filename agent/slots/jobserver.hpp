// A GNU make jobserver for one command, whose tokens are slots of a pool: make, cargo and what they start
// take a token for each job beyond the first. One token is on offer at a time; once it is taken the next slot
// is asked for, and what lies idle is given back as soon as somebody else waits. Used by one thread. Source:
// GNU make manual 4.3, "POSIX Jobserver Interaction"; read 2026-11. The pipe is a FIFO that the command opens
// itself for reading and writing: make 4.3 wants two descriptors, and takes one twice.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/slots/pool.hpp"

namespace agent::slots {

class Jobserver final {
public:
  // `may_take` is asked before each further slot (memory, pressure). Errors: io, denied.
  static Result<Jobserver> open(const io::fs::path& fifo, const Pool& pool, std::function<bool()> may_take);

  // Looks after the tokens once; to be called every few milliseconds while the command runs. Errors: io.
  Result<void> tend();

  std::size_t slots() const { return held_.size(); }

private:
  Jobserver(io::Fd fifo, const Pool& pool, std::function<bool()> may_take)
      : fifo_(std::move(fifo)), pool_(&pool), may_take_(std::move(may_take)) {}
  Result<void> offer();
  Result<void> give_back(std::size_t count);

  io::Fd fifo_;
  const Pool* pool_;
  std::function<bool()> may_take_;
  std::optional<Ticket> ticket_;
  std::vector<Slot> held_;
};

}  // namespace agent::slots
