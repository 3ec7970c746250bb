// When each object of a tag was last used, by the day: what preload and expiry go by. A value with its binary
// form (docs/formats.md, "Touch set"), which a manifest carries. Days are those of UTC, counted from
// 1970-01-01. It may be less precise than what happened, but only to the side of "used later".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/publish/manifest.hpp"

namespace agent::publish {

using Day = std::uint16_t;

constexpr std::size_t k_max_touch_set_bytes = std::size_t{64} * 1024;
constexpr Day k_idle_days = 14;  // an object that nobody used for so long may go

Day day_of(Wall time);
Day day_of(std::uint64_t milliseconds_since_1970);

struct TouchSet {
  Day since = 0;              // recording began; 0: nothing was recorded yet
  std::vector<Day> recorded;  // on which somebody recorded something; ascending, the last 32
  bool partial = false;       // packs are missing: nothing is known about those that are not here

  // By the objects of a pack in the order of its footer. A pack that nobody used since it was made is not
  // here.
  std::map<Digest, std::vector<Day>> packs;
  bool operator==(const TouchSet&) const = default;
};

// At most k_max_touch_set_bytes. Where more is known than fits, days are rounded up, then packs get one day
// for all of their objects, then packs are left out.
std::string encode(const TouchSet& set);

// Errors: corrupt; unsupported (a newer version).
Result<TouchSet> parse_touch_set(std::span<const std::byte> bytes);

// That of the manifest; an empty one where there is none or where it cannot be read.
TouchSet touches_of(const Manifest& manifest);

// Puts it into the manifest, but for packs that are not in there.
void set_touches(Manifest& manifest, TouchSet set);

// When objects of one pack were last used, as far as is known. `set` outlives it.
class PackUse final {
public:
  PackUse(const TouchSet& set, const PackRecord& pack);

  // Its own day, else the day the pack was made.
  Day day(std::size_t object) const { return object < days_.size() ? days_[object] : made_; }
  Day newest() const;

  // Nobody used it for k_idle_days since recording began, and others were recorded as used on three days
  // meanwhile: else it was perhaps only not recorded.
  bool is_idle(std::size_t object, Day today) const;

private:
  const TouchSet& set_;
  std::span<const Day> days_;
  Day made_ = 0;
  bool known_ = false;
};

// What a job used of one pack, in the order of its footer.
struct UsedPack {
  Digest pack;
  std::vector<bool> objects;
};

// Whether anything changed: what was recorded today already does not.
bool add_uses(TouchSet& set, const Manifest& manifest, const std::vector<UsedPack>& used, Day today);

}  // namespace agent::publish
