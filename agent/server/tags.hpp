// The entries and tags of all workspaces. Whoever changes a tag says what he read; one of several wins, by a
// compare-and-swap of the storage, on whichever replica they are. Nothing is kept in memory. Thread-safe;
// calls block on the storage. Errors: those of the storage, and corrupt, unsupported (records.hpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/server/names.hpp"
#include "agent/server/records.hpp"

namespace agent::server {

class Tags final {
public:
  Tags(backends::ObjectStorage& storage, const Clock& clock) : storage_(storage), clock_(clock) {}

  // Gives it an id and a time, and keeps it.
  Result<Entry> create_entry(const Workspace& workspace, Entry entry);

  Result<std::optional<Entry>> find_entry(const Workspace& workspace, std::string_view id);

  // Notes which blobs an entry will need, so that it is not published without them, nor any of them removed
  // for a day. Without an entry only the latter. Repeating is harmless.
  Result<void> note_blobs(const Workspace& workspace, std::string_view entry, const std::vector<Blob>& blobs);
  // Notes all of them again, as of now.
  Result<void> renew_notes(const Workspace& workspace, std::string_view entry, std::vector<Blob> blobs);
  Result<std::vector<Blob>> blobs_of_note(const std::string& object);
  Result<std::vector<Blob>> noted_blobs(const Workspace& workspace, std::string_view entry);

  // The tag as it is; empty where it does not exist or was deleted.
  Result<std::optional<TagRecord>> find(const Workspace& workspace, std::string_view tag);

  // Decides from what is there (null: no such tag) what shall be; empty leaves it. Generation, version and
  // time are filled in here. Called again where somebody else was faster.
  using Decide = std::function<Result<std::optional<TagRecord>>(const TagRecord* current)>;

  // What the tag is afterwards; empty where `decide` left it.
  // Errors: those of `decide`; conflict where others are faster all the time.
  Result<std::optional<TagRecord>> change(const Workspace& workspace, std::string_view tag,
                                          const Decide& decide);

  // The same of what is found by its root digest alone.
  Result<std::optional<TagRecord>> find_root(const Workspace& workspace, std::string_view root_digest);
  Result<std::optional<TagRecord>> change_root(const Workspace& workspace, std::string_view root_digest,
                                               const Decide& decide);

  // False where there was none.
  Result<bool> remove(const Workspace& workspace, std::string_view tag);

  // What is found by its root digest alone.
  Result<std::vector<TagRecord>> list_roots(const Workspace& workspace);

  // Those whose names contain `part`, by name.
  Result<std::vector<TagRecord>> list(const Workspace& workspace, std::string_view part);

private:
  struct Current {
    std::optional<TagRecord> record;  // deleted ones too
    std::optional<std::string> version;
  };
  Result<Current> read(const std::string& object, std::string_view tag);
  Result<std::optional<TagRecord>> find_at(const std::string& object, std::string_view tag);
  Result<std::optional<TagRecord>> change_at(const std::string& object, std::string_view tag,
                                             const Decide& decide);

  backends::ObjectStorage& storage_;
  const Clock& clock_;
};

}  // namespace agent::server
