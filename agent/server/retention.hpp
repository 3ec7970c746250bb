// What may go from a workspace, and its going: tags that nobody used for long, tags beyond the quota (those
// least recently used first), blobs that nothing has referred to for a day by the storage's clock, and what
// uploads that never ended left behind. Blobs are marked first and removed by a run a day later; the blobs
// of an upload in progress never are (garbage.hpp). Where anything cannot be read that might refer to
// something, nothing is removed. Hearth's own tags are not touched: `hearth gc` knows what is in them.
//
// Safe beside servers that serve and beside another run of itself, which gives way. Blocks on the storage.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

class ReportLog;
class Rows;
class Tags;

struct Stores {
  backends::ObjectStorage& storage;
  const Clock& clock;
  Tags& tags;
  Rows& rows;
  ReportLog& reports;
};

struct KeepOptions {
  // Of workspaces that have no limits of their own (limits.hpp).
  std::chrono::days idle{0};            // tags that nobody used for so long go; 0: none. At most 60
  std::uint64_t quota_bytes = 0;        // of all tags of a workspace; 0: any number
  std::chrono::hours unreferenced{24};  // how long a blob stays that nothing refers to
  std::chrono::days reports{90};        // how long reports are kept
  bool dry_run = false;                 // nothing is written or removed
  std::function<bool()> go_on = [] { return true; };  // false ends the run with `cancelled`
};

struct KeepFigures {
  std::uint64_t tags = 0;
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;  // of the blobs
  std::uint64_t idle_tags = 0;
  std::uint64_t quota_tags = 0;
  std::uint64_t removed_blobs = 0;
  std::uint64_t removed_bytes = 0;
  std::uint64_t removed_records = 0;  // entries, notes, segments and days of reports
  std::uint64_t waiting_blobs = 0;    // unreferenced, but not for long enough
  std::uint64_t waiting_bytes = 0;
  bool was_busy = false;  // another server is removing: nothing was removed here

  io::Json json() const;
};

// Errors: cancelled, corrupt or unsupported (a record that cannot be read, by name), those of the storage.
Result<KeepFigures> keep_workspace(const Stores& stores, const Workspace& workspace,
                                   const KeepOptions& options);

// All that the storage has.
Result<std::vector<Workspace>> workspaces_in(backends::ObjectStorage& storage);

}  // namespace agent::server
