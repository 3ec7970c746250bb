// Objects at rest without a store: bytes in an unlinked file.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/store/store.hpp"

namespace agent::tests {

// `folder` must exist; nothing is left in it.
inline store::Stored stored_object(const std::filesystem::path& folder, std::string_view content) {
  auto file = std::make_shared<io::Fd>(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const auto bytes = io::bytes_of(content);
  if (!io::write_all_at(file->get(), bytes, 0, "object of a test")) {
    return {};
  }
  const int fd = file->get();
  return {.slice = {.fd = fd, .offset = 0, .size = content.size(), .pin = std::move(file)},
          .digest = io::sha256(bytes),
          .crc32c = io::crc32c(bytes)};
}

}  // namespace agent::tests
