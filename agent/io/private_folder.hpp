// A short-lived folder of mode 0700 with a short path (Unix sockets allow 107 bytes); removed with what is in
// it. What a killed process left behind is removed by the next one of this user, a day later: until then a
// build that outlived it may still use it. Used by one thread.
#pragma once

#include <optional>
#include <utility>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::io {

class PrivateFolder final {
public:
  // In $XDG_RUNTIME_DIR, else /tmp. Errors: io, full, denied.
  static Result<PrivateFolder> make();

  // Takes over the removal of a folder that somebody else made.
  static PrivateFolder adopt(fs::path path) { return {std::move(path), {}}; }

  PrivateFolder() = default;
  PrivateFolder(PrivateFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), used_(std::move(other.used_)) {}
  PrivateFolder& operator=(PrivateFolder&& other) noexcept;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() { remove(); }

  const fs::path& path() const { return path_; }

private:
  PrivateFolder(fs::path path, Fd used) : path_(std::move(path)), used_(std::move(used)) {}
  void remove();

  fs::path path_;
  Fd used_;  // locked for as long as this process uses the folder
};

// Whether only this user can have put anything into the folder: his, mode 0700, no link. Errors: denied,
// saying that it is not; not_found; io.
Result<void> check_private(const fs::path& folder);

// Removes folders of PrivateFolder::make() below `parent` that no process uses and nobody wrote to since
// `before`.
void remove_abandoned_folders(const fs::path& parent, fs::file_time_type before);

}  // namespace agent::io
