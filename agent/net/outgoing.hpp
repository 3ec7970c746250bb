// The bytes of one response on their way out: head and small bodies in one send, large file bodies with
// sendfile(2). One per connection, reused; not thread-safe. Never blocks, never raises SIGPIPE where the
// calling thread blocks that signal (sendfile has no flag for it).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/net/http.hpp"

namespace agent::net {

// How a response is framed, beyond what it says itself.
struct ResponseFrame {
  std::string_view date;  // IMF-fixdate
  bool to_head = false;   // answers HEAD: the length of the body, not the body
  bool close = false;
  bool to_http_1_0 = false;
};

class Outgoing final {
public:
  enum class Progress : std::uint8_t {
    done,       // everything is with the kernel
    blocked,    // the socket takes no more for now
    yielded,    // more could go, but other connections have their turn
    failed,     // the connection is dead
    truncated,  // the file is shorter than its slice says, or cannot be read
  };

  // REQUIRES: the previous response is done. Errors: a small file body that cannot be read; nothing has
  // been queued then.
  Result<void> start(Response response, const ResponseFrame& frame);

  Progress flush(int socket);

  // Bytes given to the kernel since the last start.
  std::uint64_t sent() const { return sent_; }

private:
  Progress send_memory(int socket);
  Progress send_file(int socket);
  void reset();

  std::string buffer_;  // the head, and a small file's content
  std::string body_;
  std::size_t memory_sent_ = 0;  // of buffer_ and body_ together
  io::FileSlice file_;
  std::uint64_t file_sent_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace agent::net
