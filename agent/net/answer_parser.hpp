// An HTTP/1.1 answer as a client receives it, head and body, with limits. RFC 9112. An answer that ends
// before its framing says so is an error, in chunks as well. Not thread-safe.
// Errors: corrupt (not HTTP, or framed in two ways), invalid (too large), unsupported (a transfer coding
// that was not asked for), transient (truncated).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/net/chunk_decoder.hpp"
#include "agent/net/http_client.hpp"

namespace agent::net {

class AnswerParser final {
public:
  // `to_head`: HEAD was asked, so that a Content-Length is followed by nothing.
  AnswerParser(bool to_head, std::uint64_t max_body_bytes)
      : to_head_(to_head), max_body_bytes_(max_body_bytes) {}

  // The next bytes from the connection. Bytes behind a complete answer make the connection unusable for
  // another one.
  Result<void> take(std::string_view bytes);

  // The connection ended.
  Result<void> end();

  bool started() const { return received_ > 0; }
  bool done() const { return phase_ == Phase::done; }

  // REQUIRES: done.
  bool keeps_connection() const { return keep_alive_ && !surplus_; }
  void forget_connection() { keep_alive_ = false; }
  ClientResponse release() { return std::move(response_); }

private:
  enum class Phase : std::uint8_t { head, sized_body, chunked_body, body_to_end, done };

  Result<void> take_head();
  Result<void> take_status_line(std::string_view line);
  Result<void> take_field(std::string_view line);
  Result<void> begin_body();
  Result<void> append(std::string_view content);
  Result<std::string_view> take_body(std::string_view bytes);

  bool to_head_;
  std::uint64_t max_body_bytes_;
  Phase phase_ = Phase::head;
  std::string head_;  // until it is complete
  std::size_t searched_ = 0;
  ClientResponse response_;
  ChunkDecoder chunks_;
  std::optional<std::uint64_t> length_;
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool surplus_ = false;
  std::uint64_t received_ = 0;
};

}  // namespace agent::net
