// A short-lived folder of mode 0700 with a short path (Unix sockets allow 107 bytes); removed with what is in
// it.
#pragma once

#include <string>
#include <utility>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::cli {

class PrivateFolder final {
public:
  // In $XDG_RUNTIME_DIR, else /tmp. Errors: io, full, denied.
  static Result<PrivateFolder> make();

  // Takes over the removal of a folder that somebody else made.
  static PrivateFolder adopt(io::fs::path path) { return PrivateFolder(std::move(path)); }

  PrivateFolder() = default;
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFolder& operator=(PrivateFolder&& other) noexcept;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() { remove(); }

  const io::fs::path& path() const { return path_; }

private:
  explicit PrivateFolder(io::fs::path path) : path_(std::move(path)) {}
  void remove();
  io::fs::path path_;
};

}  // namespace agent::cli
