#include "agent/slots/pool.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>

#include "agent/io/private_folder.hpp"

namespace agent::slots {

namespace {

namespace fs = io::fs;
using namespace std::chrono_literals;

constexpr std::string_view k_queue = "queue";
constexpr auto k_at_once = 0ms;

// Sorts by time: the host's steady clock is one for all its processes.
std::string ticket_name() {
  static std::atomic<unsigned> number{0};
  return fmt::format("{:020}-{:010}-{:06}", std::chrono::steady_clock::now().time_since_epoch().count(),
                     ::getpid(), number.fetch_add(1));
}

// Whether whoever made this ticket still waits; else it is removed, wherever in the queue it is: those that
// were left before the host last started may sort behind all others.
Result<bool> lives(const fs::path& ticket) {
  AGENT_TRY(const auto lock, io::lock_file(ticket, k_at_once));
  if (!lock) {
    return true;
  }
  std::error_code ignored;
  fs::remove(ticket, ignored);
  return false;
}

// A folder that is there already keeps the permissions that somebody gave it.
Result<void> make_for_its_owner(const fs::path& folder) {
  if (folder.has_parent_path()) {
    AGENT_CHECK(io::make_folders(folder.parent_path()));
  }
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return fail_errno("create folder", folder.string(), errno);
  }
  return {};
}

}  // namespace

Result<fs::path> own_folder(const fs::path& parent) {
  auto folder = parent / fmt::format("hearth-slots-{}", ::geteuid());
  AGENT_CHECK(make_for_its_owner(folder));
  if (auto own = io::check_private(folder); !own) {
    return fail(own.error().code, "slots: {}; remove it or name another one", own.error().message);
  }
  return folder;
}

Ticket::~Ticket() {
  if (!path_.empty()) {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
}

Result<Pool> Pool::open(const fs::path& folder, unsigned count) {
  if (count == 0) {
    return fail(Errc::invalid, "slots: 0 slots would let nothing run; give at least 1");
  }
  AGENT_CHECK(make_for_its_owner(folder));
  AGENT_CHECK(io::make_folders(folder / k_queue));
  return Pool(folder, count);
}

fs::path Pool::slot_path(unsigned number) const {
  return folder_ / fmt::format("slot-{}", number);
}

Result<Ticket> Pool::queue_up() const {
  while (true) {
    auto path = folder_ / k_queue / ticket_name();
    AGENT_TRY(auto lock, io::lock_file(path, k_at_once));
    if (lock) {
      return Ticket(std::move(path), *std::move(lock));
    }
    // Somebody took it for a dead waiter's, between its making and its locking.
  }
}

Result<std::vector<fs::path>> Pool::tickets() const {
  std::vector<fs::path> all;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder_ / k_queue, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    all.push_back(entry->path());
  }
  if (error) {
    return fail_errno("read", (folder_ / k_queue).string(), error.value());
  }
  std::ranges::sort(all);
  return all;
}

Result<bool> Pool::is_first(const Ticket& ticket) const {
  AGENT_TRY(const auto all, tickets());
  for (const auto& path : all) {
    if (path == ticket.path_) {
      return true;
    }
    AGENT_TRY(const bool waits, lives(path));
    if (waits) {
      return false;
    }
  }
  return true;  // somebody removed ours; the slot's own lock decides
}

Result<bool> Pool::others_wait(const Ticket* own) const {
  AGENT_TRY(const auto all, tickets());
  for (const auto& path : all) {
    if (own != nullptr && path == own->path_) {
      continue;
    }
    AGENT_TRY(const bool waits, lives(path));
    if (waits) {
      return true;
    }
  }
  return false;
}

Result<std::optional<Slot>> Pool::try_take() const {
  for (unsigned number = 0; number < count_; ++number) {
    AGENT_TRY(auto lock, io::lock_file(slot_path(number), k_at_once));
    if (lock) {
      return Slot(*std::move(lock));
    }
  }
  return std::nullopt;
}

Result<unsigned> Pool::taken() const {
  unsigned held = 0;
  for (unsigned number = 0; number < count_; ++number) {
    AGENT_TRY(const auto lock, io::lock_file(slot_path(number), k_at_once));
    held += lock ? 0U : 1U;
  }
  return held;
}

}  // namespace agent::slots
