#include "agent/backends/source.hpp"

namespace agent::backends {

std::uint64_t size_of(const Source& source) {
  const auto* const text = std::get_if<std::string_view>(&source);
  return text != nullptr ? text->size() : std::get<io::FileSlice>(source).size;
}

Result<SourcePiece> piece_of(const Source& source, Range range) {
  if (const auto* const text = std::get_if<std::string_view>(&source)) {
    return SourcePiece{.copied = {}, .borrowed = text->substr(range.offset, range.size)};
  }
  auto slice = std::get<io::FileSlice>(source);
  slice.offset += range.offset;
  slice.size = range.size;
  SourcePiece piece;
  AGENT_TRY(piece.copied, io::read_slice(slice, range.size, "what is uploaded"));
  return piece;
}

}  // namespace agent::backends
