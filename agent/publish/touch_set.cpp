#include "agent/publish/touch_set.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>

#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::publish {

namespace {

constexpr std::uint16_t k_section = 5;
constexpr std::uint16_t k_version = 1;
constexpr std::uint16_t k_partial = 1;  // flag
constexpr std::size_t k_most_recorded = 32;
constexpr std::size_t k_most_levels = 64;
constexpr std::size_t k_most_objects = std::size_t{1} << 24U;  // of all packs: what parsing may take
constexpr std::size_t k_days_of_use = 3;  // that others were recorded on before an object may go

enum Form : std::uint8_t { k_bitmap = 1, k_list = 2 };

std::unexpected<Error> broken(std::string_view what) {
  return fail(Errc::corrupt, "touch set: {}", what);
}

// The objects of one day.
std::string encode_level(Day day, const std::vector<std::uint32_t>& objects, std::size_t count) {
  std::string bytes;
  io::append_le(bytes, day);
  const auto bitmap_bytes = (count + 7) / 8;
  if ((objects.size() + 1) * sizeof(std::uint32_t) < bitmap_bytes) {
    bytes.push_back(static_cast<char>(k_list));
    io::append_le(bytes, static_cast<std::uint32_t>(objects.size()));
    for (const auto object : objects) {
      io::append_le(bytes, object);
    }
    return bytes;
  }
  bytes.push_back(static_cast<char>(k_bitmap));
  std::string bitmap(bitmap_bytes, '\0');
  for (const auto object : objects) {
    auto& byte = bitmap[object / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | (1U << (object % 8)));
  }
  return bytes + bitmap;
}

// Days as multiples of `step`, rounded up, but not beyond the newest one.
struct Rounding {
  unsigned step = 1;
  Day newest = 0;

  Day of(Day day) const {
    const auto rounded = (day + step - 1U) / step * step;
    return std::max(day, static_cast<Day>(std::min<unsigned>(rounded, newest)));
  }
};

std::string encode_pack(const Digest& pack, const std::vector<Day>& days, const Rounding& rounding) {
  std::map<Day, std::vector<std::uint32_t>> levels;
  for (std::size_t i = 0; i < days.size(); ++i) {
    levels[rounding.of(days[i])].push_back(static_cast<std::uint32_t>(i));
  }
  // Too many levels: the oldest ones count as the one after them.
  while (levels.size() > k_most_levels) {
    auto oldest = levels.extract(levels.begin());
    auto& into = levels.begin()->second;
    into.insert(into.end(), oldest.mapped().begin(), oldest.mapped().end());
    std::ranges::sort(into);
  }
  const auto rest =
      std::ranges::max_element(levels, {}, [](const auto& level) { return level.second.size(); });
  std::string bytes(io::text_of(std::as_bytes(std::span(pack.bytes))));
  io::append_le(bytes, static_cast<std::uint32_t>(days.size()));
  io::append_le(bytes, rest == levels.end() ? Day{0} : rest->first);
  io::append_le(bytes, static_cast<std::uint16_t>(levels.empty() ? 0 : levels.size() - 1));
  for (auto level = levels.begin(); level != levels.end(); ++level) {
    if (level != rest) {
      bytes += encode_level(level->first, level->second, days.size());
    }
  }
  return bytes;
}

std::string assembled(const TouchSet& set, bool partial, const std::vector<std::string>& packs) {
  const auto first = set.recorded.size() - std::min(set.recorded.size(), k_most_recorded);
  const auto recorded = std::span(set.recorded).subspan(first);
  std::string bytes;
  io::append_le(bytes, k_version);
  io::append_le(bytes, partial ? k_partial : std::uint16_t{0});
  io::append_le(bytes, set.since);
  io::append_le(bytes, static_cast<std::uint16_t>(recorded.size()));
  for (const auto day : recorded) {
    io::append_le(bytes, day);
  }
  io::append_le(bytes, static_cast<std::uint32_t>(packs.size()));
  for (const auto& pack : packs) {
    bytes += pack;
  }
  return bytes;
}

std::size_t size_of(const std::vector<std::string>& packs) {
  constexpr std::size_t k_header = 12 + (2 * k_most_recorded);
  std::size_t size = k_header;
  for (const auto& pack : packs) {
    size += pack.size();
  }
  return size;
}

std::vector<std::string> encode_packs(const TouchSet& set, const Rounding& rounding) {
  std::vector<std::string> packs;
  packs.reserve(set.packs.size());
  for (const auto& [pack, days] : set.packs) {
    packs.push_back(encode_pack(pack, days, rounding));
  }
  return packs;
}

// The largest ones get one day for all of their objects, until all fit.
void coarsen(std::vector<std::string>& encoded, const TouchSet& set) {
  std::vector<std::pair<std::size_t, std::size_t>> sizes;  // and number
  sizes.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    sizes.emplace_back(encoded[i].size(), i);
  }
  std::ranges::sort(sizes, std::ranges::greater());
  auto total = size_of(encoded);
  for (const auto& [size, number] : sizes) {
    if (total <= k_max_touch_set_bytes) {
      return;
    }
    const auto& [pack, days] = *std::next(set.packs.begin(), static_cast<std::ptrdiff_t>(number));
    const auto newest = days.empty() ? Day{0} : std::ranges::max(days);
    encoded[number] = encode_pack(pack, std::vector<Day>(days.size(), newest), {.step = 1, .newest = newest});
    total -= size - encoded[number].size();
  }
}

class PackParser final {
public:
  explicit PackParser(io::ByteReader& from) : from_(from) {}

  Result<std::vector<Day>> take() {
    const auto count = from_.number<std::uint32_t>();
    const auto rest = from_.number<Day>();
    const auto levels = from_.number<std::uint16_t>();
    objects_ += count;
    if (!from_.ok() || count > store::k_max_pack_entries || objects_ > k_most_objects ||
        levels >= k_most_levels) {
      return broken("a pack does not parse");
    }
    std::vector<Day> days(count, rest);
    for (std::uint16_t i = 0; i < levels; ++i) {
      AGENT_CHECK(take_level(days));
    }
    return days;
  }

private:
  Result<void> take_level(std::vector<Day>& days) {
    const auto day = from_.number<Day>();
    const auto form = from_.number<std::uint8_t>();
    if (form == k_bitmap) {
      const auto bitmap = from_.take((days.size() + 7) / 8);
      for (std::size_t i = 0; from_.ok() && i < days.size(); ++i) {
        const auto byte = std::to_integer<unsigned>(bitmap[i / 8]);
        days[i] = ((byte >> (i % 8)) & 1U) != 0 ? day : days[i];
      }
    } else if (form == k_list) {
      const auto count = from_.number<std::uint32_t>();
      for (std::uint32_t i = 0; i < count && from_.ok(); ++i) {
        const auto object = from_.number<std::uint32_t>();
        if (object >= days.size()) {
          return broken("a pack has no such object");
        }
        days[object] = day;
      }
    } else {
      return broken("a level does not parse");
    }
    return from_.ok() ? Result<void>{} : broken("it ends early");
  }

  io::ByteReader& from_;
  std::size_t objects_ = 0;
};

}  // namespace

Day day_of(Wall time) {
  const auto days = std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
  return static_cast<Day>(std::clamp<std::int64_t>(days, 0, UINT16_MAX));
}

Day day_of(std::uint64_t milliseconds_since_1970) {
  constexpr std::uint64_t k_day_ms = std::uint64_t{24} * 60 * 60 * 1000;
  return static_cast<Day>(std::min<std::uint64_t>(milliseconds_since_1970 / k_day_ms, UINT16_MAX));
}

std::string encode(const TouchSet& set) {
  Day newest = 0;
  for (const auto& [pack, days] : set.packs) {
    newest = days.empty() ? newest : std::max(newest, std::ranges::max(days));
  }
  std::vector<std::string> packs;
  for (const unsigned step : {1U, 2U, 4U, 8U}) {
    packs = encode_packs(set, {.step = step, .newest = newest});
    if (size_of(packs) <= k_max_touch_set_bytes) {
      return assembled(set, set.partial, packs);
    }
  }
  coarsen(packs, set);
  bool partial = set.partial;
  while (size_of(packs) > k_max_touch_set_bytes) {
    const auto fewer = packs.size() * k_max_touch_set_bytes / size_of(packs);
    packs.resize(std::min(fewer, packs.size() - 1));
    partial = true;
  }
  return assembled(set, partial, packs);
}

Result<TouchSet> parse_touch_set(std::span<const std::byte> bytes) {
  io::ByteReader from(bytes);
  const auto version = from.number<std::uint16_t>();
  if (from.ok() && version > k_version) {
    return fail(Errc::unsupported, "touch set: version {} is newer than this program", version);
  }
  const auto flags = from.number<std::uint16_t>();
  TouchSet set{.since = from.number<Day>(), .partial = (flags & k_partial) != 0};
  const auto recorded = from.number<std::uint16_t>();
  for (std::uint16_t i = 0; i < recorded && from.ok(); ++i) {
    set.recorded.push_back(from.number<Day>());
  }
  const bool ascends = std::ranges::adjacent_find(set.recorded, std::greater_equal<>()) == set.recorded.end();
  const auto count = from.number<std::uint32_t>();
  if (!from.ok() || version == 0 || bytes.size() > k_max_touch_set_bytes || recorded > k_most_recorded ||
      !ascends) {
    return broken("the header does not parse");
  }
  PackParser parser(from);
  for (std::uint32_t i = 0; i < count; ++i) {
    Digest pack;
    const auto digest = from.take(pack.bytes.size());
    if (!from.ok()) {
      return broken("it ends early");
    }
    std::memcpy(pack.bytes.data(), digest.data(), digest.size());
    if (!set.packs.empty() && pack <= set.packs.rbegin()->first) {
      return broken("the packs are out of order");
    }
    AGENT_TRY(auto days, parser.take());
    set.packs.emplace_hint(set.packs.end(), pack, std::move(days));
  }
  if (!from.left().empty()) {
    return broken("something follows it");
  }
  return set;
}

TouchSet touches_of(const Manifest& manifest) {
  const auto section = std::ranges::find(manifest.foreign, k_section, &ForeignSection::type);
  if (section == manifest.foreign.end()) {
    return {};
  }
  auto set = parse_touch_set(io::bytes_of(section->payload));
  return set ? *std::move(set) : TouchSet{};
}

void set_touches(Manifest& manifest, TouchSet set) {
  std::erase_if(set.packs, [&](const auto& entry) { return manifest.find(entry.first) == nullptr; });
  std::erase_if(manifest.foreign, [](const ForeignSection& section) { return section.type == k_section; });
  const auto place = std::ranges::lower_bound(manifest.foreign, k_section, {}, &ForeignSection::type);
  manifest.foreign.insert(place, {.type = k_section, .payload = encode(set)});
}

PackUse::PackUse(const TouchSet& set, const PackRecord& pack)
    : set_(set), made_(day_of(pack.created_ms)), known_(set.since != 0) {
  const auto found = set.packs.find(pack.digest);
  if (found != set.packs.end() && found->second.size() == pack.objects) {
    days_ = found->second;
  } else {
    known_ = known_ && found == set.packs.end() && !set.partial;
  }
}

Day PackUse::newest() const {
  return days_.empty() ? made_ : std::ranges::max(days_);
}

bool PackUse::is_idle(std::size_t object, Day today) const {
  const auto last = std::max(day(object), set_.since);
  const auto first = std::ranges::upper_bound(set_.recorded, last);
  return known_ && today >= last + k_idle_days &&
         static_cast<std::size_t>(set_.recorded.end() - first) >= k_days_of_use;
}

bool add_uses(TouchSet& set, const Manifest& manifest, const std::vector<UsedPack>& used, Day today) {
  bool changed = false;
  for (const auto& [digest, objects] : used) {
    const auto* const record = manifest.find(digest);
    if (record == nullptr || record->objects != objects.size()) {
      continue;
    }
    const PackUse known(set, *record);
    std::vector<Day> days(objects.size());
    bool newer = false;
    for (std::size_t i = 0; i < days.size(); ++i) {
      days[i] = known.day(i);
      if (objects[i] && days[i] < today) {
        days[i] = today;
        newer = true;
      }
    }
    if (newer) {
      set.packs.insert_or_assign(digest, std::move(days));
      changed = true;
    }
  }
  if (changed) {
    // What was left out is not known to be unused: time runs anew.
    set.since = set.since == 0 || std::exchange(set.partial, false) ? today : set.since;
    if (set.recorded.empty() || set.recorded.back() < today) {
      set.recorded.push_back(today);
    }
    const auto surplus = set.recorded.size() - std::min(set.recorded.size(), k_most_recorded);
    set.recorded.erase(set.recorded.begin(), set.recorded.begin() + static_cast<std::ptrdiff_t>(surplus));
  }
  return changed;
}

}  // namespace agent::publish
