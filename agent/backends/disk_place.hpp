// How files come into a folder that several users, containers and hosts share: whole or not at all, durable,
// and with the owner and the readability of the folder itself (a container writes as root into the folder of
// the runner's user). Thread-safe; distinct PendingFiles are independent.
//
// Everything of ours that is no object lives in `.hearth~/` (the '~' keeps it out of the space of object
// names): `lock`, held with flock(2) while a pointer is swapped, and `tmp/`, where files are built.
#pragma once

#include <chrono>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::backends {

struct DiskPlace {
  io::fs::path folder;
  io::Owner owner;
  unsigned file_mode = 0644;
  unsigned folder_mode = 0755;
  std::chrono::milliseconds lock_wait{10'000};  // a holder needs milliseconds

  io::fs::path own_folder() const { return folder / ".hearth~"; }
  io::fs::path temporary_folder() const { return own_folder() / "tmp"; }
  io::fs::path lock_path() const { return own_folder() / "lock"; }
};

// Creates the folder where only its last component is missing, and learns its owner and mode.
// Errors: not_found (no parent either), invalid (a file), denied.
Result<DiskPlace> open_place(const io::fs::path& folder);

// The same of a folder that is there. Errors: not_found, invalid (a file), denied.
Result<DiskPlace> existing_place(const io::fs::path& folder);

// Makes `.hearth~/` where it is missing. Cheap when it is there. Errors: denied, full, io.
Result<void> prepare_place(const DiskPlace& place);

// Removes what crashed writers left: temporary files untouched for an hour.
void clean_place(const DiskPlace& place, const Clock& clock);

// Makes the missing folders between the place and `path` (a file below it), durably.
// Errors: invalid (an object stands where a folder is needed), denied, full, io.
Result<void> make_folders_for(const DiskPlace& place, const io::fs::path& path);

// A file being built in `tmp/`; destroying it unpublished deletes it.
class PendingFile final {
public:
  static Result<PendingFile> create(const DiskPlace& place);
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile();

  // Fills and syncs it; once.
  Result<void> write(const Source& source);

  // Gives it its name unless that is taken; the folder is synced either way.
  Result<Put> publish_new(const io::fs::path& path) &&;

  // Gives it its name, replacing what had it; the folder is synced.
  Result<void> publish_over(const io::fs::path& path) &&;

private:
  PendingFile(io::fs::path path, io::Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  io::fs::path path_;  // empty: nothing to delete
  io::Fd file_;
};

}  // namespace agent::backends
