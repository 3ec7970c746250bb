// What of a tag counts: which objects no other has replaced, which somebody used lately, and which fit the
// tag's budget. A value over loaded packs; const methods are safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/publish/compaction.hpp"
#include "agent/publish/key_table.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

struct SurveyOptions {
  Day today = 0;
  std::uint64_t tag_bytes = 0;  // 0: any number
};

class TagSurvey final {
public:
  // `packs` are those of the manifest that could be loaded. Objects that are idle (PackUse::is_idle) do not
  // count, and beyond the budget those least recently used do not; where nothing was recorded, all do.
  TagSurvey(const Manifest& manifest, const std::vector<ScopedPack>& packs, const SurveyOptions& options);

  const KeyTable& table() const { return table_; }
  const std::vector<PackShare>& shares() const { return shares_; }  // in the order of the packs

  bool counts(const KeyTable::Found& object) const;

  // When the objects of these keys were last used, as `touches` has it, or today by this job.
  std::vector<Day> days_of(const std::vector<std::string>& keys, const TouchSet& touches) const;

private:
  struct Objects {
    std::size_t pack = 0;                // number in shares_
    std::vector<std::uint32_t> numbers;  // in the order of the footer, by LoadedPack::mark_of
    std::vector<Day> days;               // by number
    std::vector<bool> idle;              // by number
  };
  Day day_of(const KeyTable::Found& object) const;
  void keep_to(std::uint64_t tag_bytes);
  void count();

  Day today_;
  KeyTable table_;
  std::vector<PackShare> shares_;
  std::unordered_map<const LoadedPack*, Objects> objects_;
  Day first_day_ = 0;  // what was last used before does not fit
};

}  // namespace agent::publish
