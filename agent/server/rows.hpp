// The key rows of tags: what a key of a build tool stands for. A tag's rows are a list of immutable segments
// in one record that is swapped, so an upsert is seen whole or not at all, and by everybody from its answer
// on. Segments are brought together as they grow in number. Thread-safe; calls block on the storage. Keeps
// what it has read in memory, up to a limit; never what a tag's record says. Errors: those of the storage,
// and corrupt, unsupported, transient (others changed a tag so often that nobody knows whether we did).
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/server/names.hpp"
#include "agent/server/row_segment.hpp"

namespace agent::server {

constexpr std::size_t k_merge_rows_from = 24;  // segments; then the small ones become one
constexpr std::uint64_t k_largest_row_segment = std::uint64_t{1} << 30U;
constexpr int k_most_row_swaps = 256;
constexpr std::size_t k_remembered_row_versions = 256;  // as many changes are told from one's own

class Rows final {
public:
  Rows(backends::ObjectStorage& storage, const Clock& clock) : storage_(storage), clock_(clock) {}

  // A tag as it was at one moment.
  struct View {
    std::vector<std::shared_ptr<const RowSegment>> segments;
    std::string version;                        // empty: the tag has no rows
    std::vector<std::string> ids;               // of the segments, and of what is marked as current
    std::shared_ptr<const RowSegment> current;  // the keys that are marked as current; null: none are
  };
  Result<View> view(const Workspace& workspace, std::string_view tag);

  // The row of a key as it is now.
  static std::optional<Row> find(const View& view, std::string_view key);

  // Marks these keys of the tag as its current version, in the place of those that were; keys without a row
  // are left out and named by their index. Errors: conflict (others are faster all the time).
  struct Marked {
    std::string version;
    std::vector<std::size_t> missing;
  };
  Result<Marked> mark_current(const Workspace& workspace, std::string_view tag,
                              const std::vector<std::string>& keys);

  // What a tag has: its rows, and bytes with each blob once.
  struct Summary {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };
  Result<Summary> summary(const Workspace& workspace, std::string_view tag);

  // The tags that have rows, by name, with the time of their last change by the storage's clock.
  struct ListedTag {
    std::string tag;
    std::string version;
    std::uint64_t modified_ms = 0;
  };
  Result<std::vector<ListedTag>> list(const Workspace& workspace);

  // Writes rows down that a tag shall have: from now on their blobs are referred to. Their times are filled
  // in. For one upsert() only.
  struct Listed {
    std::string id;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    Digest digest;
    bool operator==(const Listed&) const = default;
  };
  Result<Listed> prepare(const Workspace& workspace, std::vector<Row> rows);

  // Adds them, replacing those with their keys. Errors: conflict (others are faster all the time).
  Result<void> upsert(const Workspace& workspace, std::string_view tag, const Listed& prepared);

  // False where there were none, or where the tag is not at `version` any more (empty: at any).
  Result<bool> remove(const Workspace& workspace, std::string_view tag, std::string_view version = {});

private:
  struct Head {
    std::vector<Listed> segments;
    std::optional<Listed> current;       // a segment of the rows that are marked
    std::string version;                 // of the record itself; empty: none
    std::vector<std::string> before;     // the versions before that one, the last one last
    std::optional<std::string> storage;  // its version in the storage

    // As far as is remembered.
    bool has_been(std::string_view at) const {
      return version == at || std::ranges::find(before, at) != before.end();
    }
  };

  static io::Json json_of(const Listed& segment);
  static Result<Listed> listed_of(const io::Json& json, std::string_view tag);
  Result<Head> read(const Workspace& workspace, std::string_view tag);
  Result<bool> swap(const Workspace& workspace, std::string_view tag, Head& head,
                    const std::vector<Listed>& segments);
  Result<Listed> write(const Workspace& workspace, const std::string& text, std::uint64_t rows);
  Result<std::shared_ptr<const RowSegment>> load(const Workspace& workspace, const Listed& listed);
  static std::size_t first_to_merge(const std::vector<Listed>& segments);
  Result<void> merge(const Workspace& workspace, std::string_view tag);
  Result<void> merge_now(const Workspace& workspace, std::string_view tag);
  Result<Listed> write_merged(const Workspace& workspace,
                              std::span<const std::shared_ptr<const RowSegment>> sources);
  void forget(std::span<const Listed> segments);
  struct Replacement {
    std::size_t first = 0;
    std::span<const Listed> run;
    Listed by;
  };
  Result<bool> replace(const Workspace& workspace, std::string_view tag, const Replacement& wanted);

  // What was read, dropped altogether when it is too much.
  struct Cache {
    std::map<std::string, std::shared_ptr<const RowSegment>, std::less<>> segments;
    std::size_t bytes = 0;
  };

  backends::ObjectStorage& storage_;
  const Clock& clock_;
  Guarded<Cache> cache_;
  Guarded<std::map<std::string, std::pair<std::string, Summary>, std::less<>>> summaries_;  // with versions
  Guarded<std::set<std::string>> merging_;  // tags, by the names of their records
};

// The record of a tag's segments, for its fuzz target: whether it can be read.
bool is_rows_record(std::string_view text);

}  // namespace agent::server
