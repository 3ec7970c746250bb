// Carries out one compaction of a tag: reads the live objects of the packs to be brought together, checks
// every one, uploads them as one pack and swaps the manifest. Synchronous; used by one thread at a time.
//
// Whatever stops it between two steps loses nothing: until the swap the tag is as it was, and what was
// uploaded by then is garbage that nobody refers to. Replaced packs stay in the storage for readers who still
// need them; agent/publish/retention.hpp removes them after a day. Objects whose bytes are wrong are left
// out: they become misses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/build_time.hpp"
#include "agent/publish/compaction.hpp"
#include "agent/publish/key_table.hpp"
#include "agent/publish/tag.hpp"
#include "agent/publish/tag_head.hpp"
#include "agent/publish/tag_survey.hpp"
#include "agent/store/pack_writer.hpp"

namespace agent::publish {

struct CompactorOptions {
  TagId tag;
  std::string producer;
  io::fs::path folder;  // for the pack being built; our own, emptied at start
  CompactionLimits limits;
};

struct CompactorServices {
  backends::ObjectStorage& storage;
  const Clock& clock;
  std::shared_ptr<PackCache> packs;
  std::function<bool()> go_on;  // asked between steps; false ends the run with `cancelled`
};

struct Compacted {
  std::size_t packs = 0;             // taken out of the tag
  std::uint64_t uploaded_bytes = 0;  // of the pack that replaced them
  bool anything() const { return packs > 0; }
};

class Compactor final {
public:
  Compactor(CompactorOptions options, CompactorServices services);

  // One step, or none where there is nothing to do. Errors: those of the storage; conflict (others changed
  // the tag in a way that the plan does not fit), cancelled.
  Result<Compacted> run(std::uint64_t allowance_bytes);

private:
  struct Survey {
    TagSurvey tag;
    std::vector<PackShare> gone;
  };
  // The pack that takes the place of others.
  struct Made {
    PackRecord record;
    std::vector<std::string> keys;  // ascending
    BuildTime built;
  };

  Result<void> check_go_on() const;
  Result<Survey> survey(const Manifest& manifest) const;
  std::vector<PackShare> unlisted(const std::vector<PackRecord>& missing) const;
  Result<std::optional<Made>> make(const TagSurvey& tag, const CompactionPlan& plan, const Head& head);
  Result<std::vector<store::PackItem>> collect(const TagSurvey& tag, const CompactionPlan& plan) const;
  Manifest next_of(const Head& head, const std::optional<Made>& made, const std::vector<Digest>& replaced,
                   const TagSurvey& tag) const;
  Result<void> swap(Head head, const std::optional<Made>& made, const std::vector<Digest>& replaced,
                    const TagSurvey& tag);

  CompactorOptions options_;
  CompactorServices services_;
  bool looked_ = false;  // for dead objects, which the sizes of packs do not show
};

}  // namespace agent::publish
