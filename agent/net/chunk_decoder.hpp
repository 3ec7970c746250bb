// The chunked transfer coding, decoded strictly while it arrives. Chunk extensions and trailers are bounded,
// checked and dropped. RFC 9112 section 7.1. Value type; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "agent/core/result.hpp"

namespace agent::net {

class ChunkDecoder final {
public:
  struct Step {
    std::size_t consumed = 0;            // bytes to drop from the input
    std::span<const std::byte> content;  // content among them; may be empty
  };

  // Takes bytes up to and with the next piece of content, or all that are there. Call again with what was
  // not consumed. Errors: invalid; the connection is useless from then on.
  Result<Step> next(std::span<const std::byte> input);

  bool done() const { return state_ == State::done; }

private:
  enum class State : std::uint8_t {
    size_first,  // at least one digit must come
    size,        // more digits, an extension or CR
    extension,   // up to CR
    size_lf,     // LF behind the size
    content,
    content_cr,
    content_lf,
    line_start,  // of a trailer, or of the empty line at the end
    trailer,
    trailer_lf,
    last_lf,
    done,
  };

  Result<void> take(char c);
  Result<void> take_size(char c);
  Result<void> take_line(char c);

  State state_ = State::size_first;
  std::uint64_t left_ = 0;    // of the chunk
  std::size_t overhead_ = 0;  // bytes of the extension or the trailers
};

}  // namespace agent::net
