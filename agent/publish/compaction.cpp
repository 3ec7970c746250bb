#include "agent/publish/compaction.hpp"

#include <algorithm>
#include <tuple>

#include "agent/store/pack_format.hpp"

namespace agent::publish {

namespace {

constexpr std::size_t k_fan_in = 8;
constexpr std::uint64_t k_pressed_allowance = std::uint64_t{256} << 20U;

std::uint64_t dead_bytes(const PackShare& share) {
  return share.record.live_bytes - std::min(share.record.live_bytes, share.live_bytes);
}

bool is_wasteful(const PackShare& share, std::uint64_t percent) {
  return dead_bytes(share) / percent > share.record.live_bytes / 100 ||
         dead_bytes(share) * 100 > share.record.live_bytes * percent;
}

std::uint64_t size_of(const std::vector<PackShare>& packs) {
  std::uint64_t bytes = 0;
  for (const auto& share : packs) {
    bytes += share.record.size_bytes;
  }
  return bytes;
}

// What the live objects take in a pack, with keys, headers and footer.
std::uint64_t packed_bytes(const PackShare& share) {
  const auto& record = share.record;
  const auto around = record.size_bytes - std::min(record.size_bytes, record.live_bytes);
  return share.live_bytes + (around / std::max<std::uint64_t>(record.objects, 1) * share.live_objects);
}

// Takes packs, the smallest first, while they belong together.
class Selection final {
public:
  Selection(const CompactionLimits& limits, const std::vector<PackShare>& all, std::uint64_t allowance)
      : limits_(limits),
        surplus_(limits.packs > 0 && all.size() >= limits.packs ? all.size() - limits.packs + 2 : 0) {
    const auto packs = all.size();
    if (limits.tag_bytes > 0 && size_of(all) > limits.tag_bytes) {
      dead_percent_ = 10;
    }
    const bool pressed = limits.packs > 0 && packs >= 2 * limits.packs;
    most_bytes_ = std::min(pressed ? std::max(allowance, k_pressed_allowance) : allowance, limits.pack_bytes);
  }

  // False: this one and all larger ones are beyond what may be uploaded.
  bool offer(const PackShare& share) {
    const bool wasteful = is_wasteful(share, dead_percent_);
    const bool wanted = wasteful || share.record.size_bytes < limits_.tiny_bytes || taken_.size() < surplus_;
    const auto bytes = packed_bytes(share);
    // Merging many small packs into a large one over and over would write the large one each time.
    const bool belongs = wasteful || taken_.size() < std::max(k_fan_in, surplus_) || bytes <= bytes_;
    if (!wanted || !belongs) {
      return true;
    }
    if (bytes_ + bytes > most_bytes_ || objects_ + share.live_objects > store::k_max_pack_entries ||
        footers_ + share.record.footer_size > store::k_max_footer_bytes) {
      return false;
    }
    taken_.push_back(share.record.digest);
    bytes_ += bytes;
    objects_ += share.live_objects;
    footers_ += share.record.footer_size;
    wasted_ += wasteful ? dead_bytes(share) : 0;
    return true;
  }

  bool is_worth_it() const {
    return taken_.size() >= k_fan_in || (surplus_ > 0 && taken_.size() >= 2) ||
           wasted_ >= limits_.tiny_bytes / 4;
  }

  std::vector<Digest> packs() && { return std::move(taken_); }
  std::uint64_t bytes() const { return bytes_; }

private:
  const CompactionLimits& limits_;
  std::size_t surplus_;  // packs that must become one for the next to fit
  std::uint64_t most_bytes_ = 0;
  std::uint64_t dead_percent_ = 40;  // beyond which a pack is rewritten
  std::vector<Digest> taken_;
  std::uint64_t bytes_ = 0;
  std::uint64_t objects_ = 0;
  std::uint64_t footers_ = 0;
  std::uint64_t wasted_ = 0;
};

bool is_useless(const PackShare& share) {
  return share.gone || share.live_objects == 0;
}

// Dead objects that were not worth rewriting count for the budget, too.
void drop_what_is_too_much(std::vector<PackShare> packs, const CompactionLimits& limits,
                           CompactionPlan& plan) {
  std::erase_if(packs, [&](const PackShare& share) {
    return std::ranges::find(plan.merge, share.record.digest) != plan.merge.end();
  });
  if (limits.tag_bytes == 0 || size_of(packs) + plan.upload_bytes <= limits.tag_bytes) {
    return;
  }
  for (auto& share : packs) {
    share.live_bytes = share.record.live_bytes;  // all of it lies there
  }
  const auto left = limits.tag_bytes - std::min(limits.tag_bytes - 1, plan.upload_bytes);
  std::ranges::move(beyond_budget(std::move(packs), left), std::back_inserter(plan.drop));
}

}  // namespace

CompactionPlan plan_compaction(std::vector<PackShare> packs, const CompactionLimits& limits,
                               std::uint64_t allowance) {
  CompactionPlan plan;
  const auto surplus = beyond_budget(packs, limits.tag_bytes);
  std::erase_if(packs, [&](const PackShare& share) {
    const auto& pack = share.record.digest;
    const bool goes = is_useless(share) || std::ranges::find(surplus, pack) != surplus.end();
    if (goes) {
      plan.drop.push_back(pack);
    }
    return goes;
  });
  std::ranges::sort(packs, [](const PackShare& a, const PackShare& b) {
    return std::pair(packed_bytes(a), a.record.digest) < std::pair(packed_bytes(b), b.record.digest);
  });
  Selection selection(limits, packs, allowance);
  for (const auto& share : packs) {
    if (!selection.offer(share)) {
      break;
    }
  }
  if (selection.is_worth_it()) {
    plan.upload_bytes = selection.bytes();
    plan.merge = std::move(selection).packs();
  }
  drop_what_is_too_much(std::move(packs), limits, plan);
  return plan;
}

std::vector<PackShare> shares_of(const Manifest& manifest) {
  const auto touches = touches_of(manifest);
  std::vector<PackShare> shares;
  shares.reserve(manifest.packs.size());
  for (const auto& pack : manifest.packs) {
    shares.push_back({.record = pack,
                      .live_objects = pack.objects,
                      .live_bytes = pack.live_bytes,
                      .last_used = PackUse(touches, pack).newest()});
  }
  return shares;
}

std::vector<Digest> beyond_budget(std::vector<PackShare> packs, std::uint64_t budget_bytes) {
  std::vector<Digest> surplus;
  if (budget_bytes == 0) {
    return surplus;
  }
  std::ranges::sort(packs, [](const PackShare& a, const PackShare& b) {
    const auto rank = [](const PackShare& share) {
      const auto& pack = share.record;
      return std::tie(share.last_used, pack.generation, pack.created_ms, pack.digest);
    };
    return rank(a) > rank(b);
  });
  std::uint64_t bytes = 0;
  for (const auto& share : packs) {
    bytes += share.record.size_bytes - dead_bytes(share);
    if (bytes > budget_bytes && share.record != packs.front().record) {
      surplus.push_back(share.record.digest);
    }
  }
  return surplus;
}

bool may_be_worth_compacting(const Manifest& manifest, const CompactionLimits& limits) {
  const auto tiny = std::ranges::count_if(
      manifest.packs, [&](const PackRecord& pack) { return pack.size_bytes < limits.tiny_bytes; });
  return static_cast<std::size_t>(tiny) >= k_fan_in ||
         (limits.packs > 0 && manifest.packs.size() >= limits.packs) ||
         (limits.tag_bytes > 0 && !beyond_budget(shares_of(manifest), limits.tag_bytes).empty());
}

Manifest compacted(const Manifest& theirs, const std::optional<PackRecord>& made,
                   const std::vector<Digest>& replaced, const Step& step) {
  auto next = merged(theirs, {}, step);
  std::erase_if(next.packs, [&](const PackRecord& pack) {
    return std::ranges::find(replaced, pack.digest) != replaced.end();
  });
  if (made && !next.buried(made->digest)) {
    next.packs.push_back(*made);
    std::ranges::sort(next.packs, {}, &PackRecord::digest);
  }
  for (const auto& pack : replaced) {
    if (!next.buried(pack)) {
      const auto place = std::ranges::lower_bound(next.tombstones, pack, {}, &Tombstone::pack);
      next.tombstones.insert(place, {.pack = pack, .removed_ms = step.now_ms});
    }
  }
  return next;
}

bool only_added_to(const Manifest& planned, const Manifest& now) {
  return std::ranges::all_of(planned.packs,
                             [&](const PackRecord& pack) { return now.find(pack.digest) != nullptr; });
}

}  // namespace agent::publish
