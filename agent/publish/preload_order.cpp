#include "agent/publish/preload_order.hpp"

#include <algorithm>
#include <utility>

namespace agent::publish {

namespace {

using backends::Range;

constexpr Day k_recent_days = 3;
constexpr std::uint64_t k_gap_bytes = std::uint64_t{256} * 1024;  // read over rather than asked around

const TouchSet& touches_for(const ScopedPack& pack,
                            const std::vector<std::shared_ptr<const TouchSet>>& touches) {
  static const TouchSet nothing;
  const bool known = pack.scope < touches.size() && touches[pack.scope] != nullptr;
  return known ? *touches[pack.scope] : nothing;
}

// Where the objects lie that were used since `first`, neighbours together.
std::vector<Range> recent_parts(const LoadedPack& pack, const PackUse& use, Day first) {
  std::vector<Range> parts;
  std::size_t object = 0;
  pack.index.each([&](const store::PackEntry& entry) {
    if (use.day(object++) >= first && entry.size > 0) {
      parts.push_back({.offset = entry.offset, .size = entry.size});
    }
  });
  std::ranges::sort(parts, {}, &Range::offset);
  std::vector<Range> joined;
  for (const auto& part : parts) {
    if (!joined.empty() && part.offset <= joined.back().offset + joined.back().size + k_gap_bytes) {
      auto& last = joined.back();
      last.size = std::max(last.size, part.offset + part.size - last.offset);
    } else {
      joined.push_back(part);
    }
  }
  return joined;
}

// What lies between the parts, and around them.
std::vector<Range> rest_of(std::uint64_t size, const std::vector<Range>& parts) {
  std::vector<Range> rest;
  std::uint64_t at = 0;
  for (const auto& part : parts) {
    if (part.offset > at) {
      rest.push_back({.offset = at, .size = part.offset - at});
    }
    at = part.offset + part.size;
  }
  if (size > at) {
    rest.push_back({.offset = at, .size = size - at});
  }
  return rest;
}

}  // namespace

std::vector<PreloadPiece> preload_order(std::vector<ScopedPack> packs,
                                        const std::vector<std::shared_ptr<const TouchSet>>& touches) {
  std::ranges::sort(packs, [](const ScopedPack& a, const ScopedPack& b) {
    return std::pair(a.scope, ~a.pack->record.generation) < std::pair(b.scope, ~b.pack->record.generation);
  });
  Day newest = 0;
  for (const auto& scoped : packs) {
    newest = std::max(newest, PackUse(touches_for(scoped, touches), scoped.pack->record).newest());
  }
  const auto first = static_cast<Day>(newest - std::min(newest, k_recent_days));
  std::vector<PreloadPiece> pieces;
  std::vector<PreloadPiece> later;
  for (const auto& [scope, pack, removed] : packs) {
    const PackUse use(touches_for({.scope = scope, .pack = pack}, touches), pack->record);
    const bool any = use.newest() >= first;
    const auto parts = any ? recent_parts(*pack, use, first) : std::vector<Range>{};
    for (const auto& part : parts) {
      pieces.push_back({.pack = pack, .range = part});
    }
    for (const auto& part : rest_of(pack->record.size_bytes, parts)) {
      later.push_back({.pack = pack, .range = part});
    }
  }
  std::ranges::move(later, std::back_inserter(pieces));
  return pieces;
}

}  // namespace agent::publish
