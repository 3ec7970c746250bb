// An object storage in a folder: no server, no account; runners on one machine, or on one network file
// system with working flock(2) and rename(2), exchange tags through it. Thread-safe, and safe between
// processes and hosts.
//
// An object is the file of its name, built aside, synced and given its name in one step, so that a reader
// sees all of it or nothing. Objects replaced by compare_and_swap are swapped under one lock file; their
// version is the SHA-256 of their content. Layout: docs/formats.md, "Names in a storage".
#pragma once

#include <memory>

#include "agent/backends/disk_place.hpp"
#include "agent/backends/object_storage.hpp"

namespace agent::backends {

class DiskDirectory final : public ObjectStorage {
public:
  // Creates the folder where its parent exists and `absent` wants it. A folder that cannot be written opens
  // all the same: writing fails later with `denied`. Errors: not_found, invalid, denied (cannot be read or
  // created).
  static Result<std::unique_ptr<DiskDirectory>> open(const io::fs::path& folder, const Clock& clock,
                                                     Absent absent = Absent::created);

  // How long a swap waits for another process's; afterwards it fails with `transient`.
  void wait_for_lock(std::chrono::milliseconds wait) { place_.lock_wait = wait; }

  std::string describe() const override;
  bool opens_in_place() const override { return true; }
  Result<Put> put_if_absent(std::string_view name, const Source& source) override;
  Result<std::optional<std::string>> get(std::string_view name, Range range) override;
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override;
  Result<std::optional<Versioned>> read(std::string_view name) override;
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override;

private:
  explicit DiskDirectory(DiskPlace place) : place_(std::move(place)) {}
  DiskPlace place_;
};

}  // namespace agent::backends
