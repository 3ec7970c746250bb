// Reads many objects of a tag at once: those of packs that are open in place one by one, the others in large
// ranges that cover neighbours together, because a storage's answer costs more than its bytes. Blocks on the
// storage.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/publish/tag_view.hpp"

namespace agent::app {

struct TagReaders {
  // Bytes in place, not checked yet against their CRC-32C.
  std::function<void(std::string_view key, const io::FileSlice& slice, std::uint32_t crc32c)> in_place;
  // Bytes that were fetched, and checked.
  std::function<void(std::string_view key, std::string_view bytes)> fetched;
};

struct TagReadFigures {
  std::uint64_t corrupt = 0;     // fetched, but not what they should be; the tag distrusts them now
  std::uint64_t unreadable = 0;  // the storage could not give them
  std::optional<Error> error{};  // the first of those
};

// Every object whose key begins with `prefix`, in no order.
TagReadFigures read_entries(publish::TagView& tag, backends::ObjectStorage& storage, std::string_view prefix,
                            const TagReaders& readers);

}  // namespace agent::app
