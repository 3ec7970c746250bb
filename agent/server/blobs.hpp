// The blobs of all workspaces: immutable bytes under their SHA-256, each workspace by itself. Thread-safe;
// calls block on the storage. Errors: those of the storage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

class Blobs final {
public:
  // `spool` is a folder for what neither fits memory nor lies in an open file.
  Blobs(backends::ObjectStorage& storage, io::fs::path spool) : storage_(storage), spool_(std::move(spool)) {}

  // Whether open() answers at once, from a file of this machine.
  bool opens_in_place() const { return storage_.opens_in_place(); }

  // Its size; empty where the workspace does not have it.
  Result<std::optional<std::uint64_t>> size_of(const Workspace& workspace, const Digest& digest);

  // Whether the workspace has it, with exactly this size.
  Result<bool> has(const Workspace& workspace, const Blob& blob);

  // REQUIRES: the bytes were compared with the digest.
  Result<void> put(const Workspace& workspace, const Digest& digest, const backends::Source& bytes);

  // A range of it, which lies within its size; empty where the workspace does not have it.
  using Bytes = std::variant<std::string, io::FileSlice>;
  Result<std::optional<Bytes>> open(const Workspace& workspace, const Digest& digest, backends::Range range);

  // One blob of the bytes of several, in their order. Errors: not_found (one of them is gone).
  Result<Blob> join(const Workspace& workspace, const std::vector<Blob>& parts);

private:
  Result<std::optional<Bytes>> spooled(const std::string& name, backends::Range range);

  backends::ObjectStorage& storage_;
  io::fs::path spool_;
};

}  // namespace agent::server
