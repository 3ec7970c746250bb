// Which blobs of a workspace something refers to, and what is left over of uploads that never ended: read
// from its tags, key rows, entries and notes. A value. Errors: those of the storage, corrupt, unsupported;
// whoever removes then removes nothing.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/server/names.hpp"
#include "agent/server/retention.hpp"

namespace agent::server {

// Every "sha256:…" in a text: what a manifest refers to, in whatever form it says so.
std::vector<Digest> digests_in(std::string_view text);

class References final {
public:
  // Entries, notes and segments that were written after `young` count even where no tag leads to them.
  static Result<References> read(const Stores& stores, const Workspace& workspace, Wall young);

  bool contains(const Digest& digest) const;

  // Names of objects older than that to which nothing leads.
  const std::vector<std::string>& left_over() const { return left_over_; }

private:
  Result<void> read_tags(const Stores& stores, const Workspace& workspace);
  Result<void> read_manifest(const Stores& stores, const Workspace& workspace, const Blob& manifest);
  Result<void> read_entries(const Stores& stores, const Workspace& workspace, Wall young);
  Result<void> read_notes(const Stores& stores, const Workspace& workspace, Wall young);
  Result<void> read_rows(const Stores& stores, const Workspace& workspace, Wall young);

  std::vector<Digest> digests_;  // ascending
  std::set<std::string, std::less<>> entries_;
  std::vector<std::string> left_over_;
};

}  // namespace agent::server
