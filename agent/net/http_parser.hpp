// The head of an HTTP/1.1 request, parsed strictly while it arrives: whatever two parsers might read in two
// ways is refused, because a proxy that disagrees with its neighbour about where a request ends can be made
// to answer the wrong one (request smuggling). RFC 9112; what is refused beyond it: any second Host,
// Content-Length or Transfer-Encoding, and "." or ".." segments.
// One parser per connection; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/net/http.hpp"

namespace agent::net {

struct HeadLimits {
  std::size_t bytes = std::size_t{64} * 1024;
  std::size_t fields = 100;
};

struct RequestHead {
  Request request;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
};

// Why a head is refused: the status to answer with, and the text.
struct Rejection {
  int status = 0;
  std::string_view why;
};

class HeadParser final {
public:
  enum class State : std::uint8_t { incomplete, complete, rejected };

  explicit HeadParser(HeadLimits limits = {}) : limits_(limits) {}

  // `bytes` is everything that arrived since the end of the previous request; call it again with the same
  // bytes and more behind them while it says incomplete. No byte is looked at twice.
  State parse(std::string_view bytes);

  // REQUIRES: complete. The head's length in bytes; a body, or the next head, follows it.
  std::size_t size() const { return scanned_; }
  RequestHead& head() { return head_; }

  // REQUIRES: rejected.
  const Rejection& rejection() const { return rejection_; }

  // Ready for the next request.
  void reset();

private:
  bool take_request_line(std::string_view line);
  bool take_target(std::string_view target);
  bool take_path(std::string_view path);
  bool take_field(std::string_view line);
  bool interpret(std::string_view name, std::string_view value);
  bool finish();
  bool reject(int status, std::string_view why);

  HeadLimits limits_;
  RequestHead head_;
  Rejection rejection_;
  std::string target_host_;  // of an absolute-form target: it replaces the Host field
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
  bool has_request_line_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_encoding_ = false;
};

}  // namespace agent::net
