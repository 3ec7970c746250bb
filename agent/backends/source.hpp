// What is uploaded, a piece at a time. Free functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

std::uint64_t size_of(const Source& source);

// A piece of a source: what lies in memory is viewed where it is, what lies in a file is copied.
struct SourcePiece {
  std::string copied;
  std::string_view borrowed;

  std::string_view view() const { return copied.empty() ? borrowed : std::string_view(copied); }
};
Result<SourcePiece> piece_of(const Source& source, Range range);

}  // namespace agent::backends
