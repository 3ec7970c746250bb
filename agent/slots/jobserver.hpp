// A GNU make jobserver for one command, whose tokens are slots of a pool: make, cargo and what they start
// take a token for each job beyond the first. One token is on offer at a time; once it is taken the next slot
// is asked for, and what lies idle is given back as soon as somebody else waits. Used by one thread. Source:
// GNU make manual 4.3, "POSIX Jobserver Interaction"; read 2026-11. The protocol's two descriptors are two
// FIFOs that the command opens itself, for reading and writing. With one for both, make would take a token
// again microseconds after it put it back, and nobody else would ever see it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/slots/pool.hpp"

namespace agent::slots {

class Jobserver final {
public:
  // The FIFOs' names in the folder: jobs read tokens from the one and write them back to the other.
  static constexpr std::string_view k_tokens = "tokens";
  static constexpr std::string_view k_returned = "returned";

  // `may_take` is asked before each further slot (memory, pressure). Errors: io, denied.
  static Result<Jobserver> open(const io::fs::path& folder, const Pool& pool, std::function<bool()> may_take);

  // Looks after the tokens once; to be called every few milliseconds while the command runs, and when a job
  // has put one back. Errors: io.
  Result<void> tend();

  // Until a job has put a token back, or the time is over.
  void wait(std::chrono::milliseconds most) const;

  std::size_t slots() const { return held_.size(); }

private:
  Jobserver(io::Fd tokens, io::Fd returned, const Pool& pool, std::function<bool()> may_take)
      : tokens_(std::move(tokens)),
        returned_(std::move(returned)),
        pool_(&pool),
        may_take_(std::move(may_take)) {}
  Result<void> offer();
  Result<void> share(std::size_t returned, std::size_t idle);
  Result<void> put_on_offer(std::size_t count);
  void give_back(std::size_t count);

  io::Fd tokens_;    // what lies in here is on offer
  io::Fd returned_;  // what lies in here no job can take
  const Pool* pool_;
  std::function<bool()> may_take_;
  std::optional<Ticket> ticket_;
  std::vector<Slot> held_;
  unsigned rest_looks_ = 0;
};

}  // namespace agent::slots
