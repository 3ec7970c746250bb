#include "agent/slots/jobserver.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace agent::slots {

namespace {

constexpr char k_token = '+';
// How many looks a build waits before it queues up again that had no job for its token while others waited:
// a slot that goes round by such a build stands still meanwhile.
constexpr unsigned k_looks_of_rest = 25;

Result<io::Fd> make_fifo(const io::fs::path& path) {
  constexpr unsigned k_mode = 0600;
  if (::mkfifo(path.c_str(), k_mode) != 0) {
    return fail_errno("create", path.string(), errno);
  }
  return io::open_file(path, O_RDWR | O_NONBLOCK);
}

// Up to `count` tokens out of a FIFO; those that somebody else took meanwhile are not among them.
std::size_t take_tokens(const io::Fd& fifo, std::size_t count) {
  std::array<char, 256> tokens;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before use
  std::size_t taken = 0;
  while (taken < count) {
    const auto got = ::read(fifo.get(), tokens.data(), std::min(tokens.size(), count - taken));
    if (got <= 0) {
      break;
    }
    taken += static_cast<std::size_t>(got);
  }
  return taken;
}

Result<std::size_t> tokens_in(const io::Fd& fifo) {
  int count = 0;
  if (::ioctl(fifo.get(), FIONREAD, &count) != 0) {
    return fail_errno("look at", "jobserver", errno);
  }
  return static_cast<std::size_t>(std::max(count, 0));
}

}  // namespace

Result<Jobserver> Jobserver::open(const io::fs::path& folder, const Pool& pool,
                                  std::function<bool()> may_take) {
  AGENT_TRY(auto tokens, make_fifo(folder / k_tokens));
  AGENT_TRY(auto returned, make_fifo(folder / k_returned));
  return Jobserver(std::move(tokens), std::move(returned), pool, std::move(may_take));
}

void Jobserver::wait(std::chrono::milliseconds most) const {
  pollfd back{.fd = returned_.get(), .events = POLLIN, .revents = 0};
  ::poll(&back, 1, static_cast<int>(most.count()));
}

Result<void> Jobserver::tend() {
  AGENT_TRY(const auto put_back, tokens_in(returned_));
  const auto all = take_tokens(returned_, put_back);
  AGENT_TRY(const auto idle, tokens_in(tokens_));
  // A program that writes more than it read does not get more slots by it.
  const auto returned = std::min(all, held_.size() - std::min(idle, held_.size()));
  if (returned + idle == 0) {
    return offer();
  }
  AGENT_TRY(const bool others, pool_->others_wait(ticket_ ? &*ticket_ : nullptr));
  if (others) {
    return share(returned, idle);
  }
  ticket_.reset();
  if (returned == 0) {
    give_back(take_tokens(tokens_, idle - 1));
  }
  return put_on_offer(returned);
}

// Others wait: nothing stays idle, and what jobs put back is for whoever waits longest, which may be this
// build itself.
Result<void> Jobserver::share(std::size_t returned, std::size_t idle) {
  if (idle > 0) {
    ticket_.reset();
    rest_looks_ = returned == 0 ? k_looks_of_rest : 0;
  } else if (ticket_) {
    AGENT_TRY(const bool first, pool_->is_first(*ticket_));
    if (first) {
      ticket_.reset();
      --returned;
      AGENT_CHECK(put_on_offer(1));
    }
  }
  give_back(returned + take_tokens(tokens_, idle));
  return {};
}

// One more slot, when it is our turn. Who may not take one leaves the queue: else all behind it would wait
// with it.
Result<void> Jobserver::offer() {
  if (!may_take_()) {
    ticket_.reset();
    return {};
  }
  if (!ticket_ && rest_looks_ > 0) {
    --rest_looks_;
    return {};
  }
  if (!ticket_) {
    AGENT_TRY(auto ticket, pool_->queue_up());
    ticket_.emplace(std::move(ticket));
  }
  AGENT_TRY(const bool first, pool_->is_first(*ticket_));
  if (!first) {
    return {};
  }
  AGENT_TRY(auto slot, pool_->try_take());
  if (!slot) {
    return {};
  }
  AGENT_CHECK(put_on_offer(1));
  held_.push_back(*std::move(slot));
  ticket_.reset();
  return {};
}

Result<void> Jobserver::put_on_offer(std::size_t count) {
  const std::string tokens(count, k_token);
  return count == 0 ? Result<void>() : io::write_all(tokens_.get(), io::bytes_of(tokens), "jobserver");
}

// Of tokens that no job can take any more.
void Jobserver::give_back(std::size_t count) {
  held_.erase(held_.end() - static_cast<std::ptrdiff_t>(std::min(count, held_.size())), held_.end());
}

}  // namespace agent::slots
