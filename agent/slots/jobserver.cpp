#include "agent/slots/jobserver.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace agent::slots {

namespace {

constexpr char k_token = '+';

}  // namespace

Result<Jobserver> Jobserver::open(const io::fs::path& fifo, const Pool& pool,
                                  std::function<bool()> may_take) {
  constexpr unsigned k_mode = 0600;
  if (::mkfifo(fifo.c_str(), k_mode) != 0) {
    return fail_errno("create", fifo.string(), errno);
  }
  AGENT_TRY(auto file, io::open_file(fifo, O_RDWR | O_NONBLOCK));
  return Jobserver(std::move(file), pool, std::move(may_take));
}

Result<void> Jobserver::tend() {
  int idle = 0;
  if (::ioctl(fifo_.get(), FIONREAD, &idle) != 0) {
    return fail_errno("look at", "jobserver", errno);
  }
  if (idle <= 0) {
    return offer();
  }
  AGENT_TRY(const bool others, pool_->others_wait(ticket_ ? &*ticket_ : nullptr));
  ticket_.reset();
  return give_back(static_cast<std::size_t>(others ? idle : idle - 1));
}

// One more slot, when it is our turn.
Result<void> Jobserver::offer() {
  if (!ticket_) {
    AGENT_TRY(auto ticket, pool_->queue_up());
    ticket_.emplace(std::move(ticket));
  }
  AGENT_TRY(const bool first, pool_->is_first(*ticket_));
  if (!first || !may_take_()) {
    return {};
  }
  AGENT_TRY(auto slot, pool_->try_take());
  if (!slot) {
    return {};
  }
  if (::write(fifo_.get(), &k_token, 1) != 1) {
    return fail_errno("write to", "jobserver", errno);
  }
  held_.push_back(*std::move(slot));
  ticket_.reset();
  return {};
}

// Only what nobody has taken meanwhile: a token that is read here is no job's.
Result<void> Jobserver::give_back(std::size_t count) {
  for (; count > 0 && !held_.empty(); --count) {
    char token = 0;
    if (::read(fifo_.get(), &token, 1) != 1) {
      break;
    }
    held_.pop_back();
  }
  return {};
}

}  // namespace agent::slots
