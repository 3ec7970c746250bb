// The second half of Space: how extents end, and how segments are sealed and deleted.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <utility>

#include "agent/store/space.hpp"

namespace agent::store {

namespace {

constexpr auto k_long = std::chrono::hours(1);  // waits end with their condition or a stop request

}  // namespace

// One writer less; true if that made the segment ready to be sealed.
bool Space::writer_done(Shared& shared, const std::shared_ptr<Segment>& segment) {
  if (--segment->writers > 0 || segment->phase != Phase::closing) {
    return false;
  }
  shared.closed.push_back(segment);
  return true;
}

// Wakes the sealer only when there is work: it waits on the same lock that every write takes.
void Space::announce_if(bool closed) {
  if (closed) {
    shared_.change([](const Shared& /*shared*/) {});
  }
}

void Space::commit(const Extent& extent, std::uint64_t size, std::uint64_t entry_bytes) {
  announce_if(shared_.with([&](Shared& shared) {
    auto& segment = *extent.segment;
    segment.footer_room -= extent.entry_bytes - entry_bytes;
    const auto end = extent.offset + size;
    const auto reserved_end = extent.offset + extent.size;
    if (whole_pages(end) < reserved_end) {
      segment.pages.remove(whole_pages(end), reserved_end);
    }
    if (segment.tail == reserved_end) {
      segment.tail = end;
    }
    return writer_done(shared, extent.segment);
  }));
}

bool Space::give_back(const Extent& extent) {
  bool given_back = false;
  announce_if(shared_.with([&](Shared& shared) {
    auto& segment = *extent.segment;
    given_back = segment.tail == extent.offset + extent.size;
    if (!given_back) {
      return false;
    }
    segment.pages.remove(extent.offset, segment.tail);
    segment.tail = extent.offset;
    segment.footer_room -= extent.entry_bytes;
    --segment.entries;
    --segment.users;
    return writer_done(shared, extent.segment);
  }));
  return given_back;
}

void Space::abandon(const Extent& extent) {
  announce_if(shared_.with([&](Shared& shared) { return writer_done(shared, extent.segment); }));
  release(*extent.segment, extent.offset, extent.offset + extent.size);
}

std::uint64_t Space::release(Segment& segment, std::uint64_t begin, std::uint64_t end) {
  std::shared_ptr<Segment> kept;
  const auto holes = shared_.with([&](Shared& shared) {
    kept = shared.segments.at(segment.number);
    segment.pages.remove(begin, end);
    return segment.pages.take_unused(begin, end, segment.tail);
  });
  return count_freed(kept, punch(segment, holes), 1);
}

// Books holes and users that are gone, and deletes a sealed segment without users.
std::uint64_t Space::count_freed(const std::shared_ptr<Segment>& segment, std::uint64_t freed,
                                 std::uint64_t users) {
  const bool deleted = shared_.with([&](Shared& shared) {
    shared.used -= freed;
    segment->freed += freed;
    segment->users -= users;
    if (segment->users > 0 || segment->phase != Phase::sealed) {
      return false;
    }
    if (shared.continued == segment) {
      shared.continued.reset();
    }
    return shared.segments.erase(segment->number) == 1;
  });
  if (!deleted) {
    return freed;
  }
  ::unlink(segment->path.c_str());
  return shared_.with([&](Shared& shared) {
    const auto rest = segment->allocated - segment->freed;
    shared.used -= rest;
    return freed + rest;
  });
}

void Space::close_open() {
  const std::scoped_lock growing(growth_);
  close_and_trim();
}

std::shared_ptr<Segment> Space::take_closed() {
  return shared_.with([](Shared& shared) -> std::shared_ptr<Segment> {
    if (shared.closed.empty()) {
      return nullptr;
    }
    auto segment = std::move(shared.closed.back());
    shared.closed.pop_back();
    segment->phase = Phase::sealing;
    ++shared.taken;
    return segment;
  });
}

std::shared_ptr<Segment> Space::wait_closed(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto segment = take_closed()) {
      return segment;
    }
    shared_.wait_until(stop, std::chrono::steady_clock::now() + k_long,
                       [](const Shared& shared) { return !shared.closed.empty(); });
  }
  return nullptr;
}

void Space::finish(const std::shared_ptr<Segment>& segment, std::uint64_t end) {
  const auto holes = shared_.with([&](Shared& shared) {
    shared.used -= segment->allocated;
    segment->allocated = whole_pages(end);
    shared.used += segment->allocated;
    segment->end = end;
    if (end > segment->tail) {
      segment->pages.add(segment->tail, end);
    }
    segment->phase = Phase::sealed;
    return segment->pages.take_unused(0, segment->tail, segment->tail);
  });
  count_freed(segment, punch(*segment, holes), 0);
  shared_.change([](Shared& shared) { --shared.taken; });
}

void Space::wait_finished() {
  shared_.wait_until(std::stop_token(), std::chrono::steady_clock::now() + k_long,
                     [](const Shared& shared) { return shared.taken == 0; });
}

void Space::adopt(const std::shared_ptr<Segment>& segment) {
  shared_.with([&](Shared& shared) {
    segment->phase = Phase::closing;
    segment->users = 1;  // until it is settled
    shared.segments.emplace(segment->number, segment);
    shared.next_number = std::max(shared.next_number, segment->number + 1);
  });
}

void Space::adopt_record(Segment& segment, std::uint64_t begin, std::uint64_t end) {
  shared_.with([&](const Shared& /*shared*/) {
    segment.pages.add(begin, end);
    ++segment.users;
  });
}

void Space::settle(const std::shared_ptr<Segment>& segment, const Adopted& adopted) {
  const auto holes = shared_.with([&](Shared& shared) {
    segment->tail = adopted.tail;
    segment->end = adopted.end;
    segment->footer_room = adopted.footer_room;
    segment->entries = adopted.entries;
    segment->allocated = whole_pages(adopted.end);
    shared.used += segment->allocated;
    if (adopted.end > adopted.tail) {
      segment->pages.add(adopted.tail, adopted.end);
    }
    if (adopted.as != Adopted::As::unsealed) {
      segment->phase = Phase::sealed;
    }
    if (adopted.as == Adopted::As::continued) {
      shared.continued = segment;
    }
    return segment->pages.take_unused(0, adopted.tail, adopted.tail);
  });
  // Most dead records were punched out before. Where the file takes clearly more than it should, a run ended
  // in between; punching everything again is right, and rare.
  constexpr std::uint64_t k_tolerated_bytes = std::uint64_t{1} << 20U;
  std::uint64_t hole_bytes = 0;
  for (const auto& hole : holes) {
    hole_bytes += hole.size;
  }
  const bool punched = adopted.on_disk_bytes + hole_bytes <= whole_pages(adopted.end) + k_tolerated_bytes;
  count_freed(segment, punched ? hole_bytes : punch(*segment, holes), 1);
  if (adopted.as == Adopted::As::unsealed) {
    shared_.change([&](Shared& shared) { shared.closed.push_back(segment); });
  }
}

Result<void> Space::sync_unsealed() {
  const auto unsealed = shared_.with([](const Shared& shared) {
    std::vector<std::shared_ptr<Segment>> found;
    for (const auto& [number, segment] : shared.segments) {
      if (segment->phase == Phase::closing || segment->phase == Phase::sealing) {
        found.push_back(segment);
      }
    }
    return found;
  });
  for (const auto& segment : unsealed) {
    if (::fdatasync(segment->file.get()) != 0) {
      return fail_errno("sync", segment->path.string(), errno);
    }
  }
  return {};
}

}  // namespace agent::store
