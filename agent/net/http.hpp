// What HTTP/1.1 messages are to our fronts and clients: values without sockets. RFC 9110, RFC 9112.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::net {

// Names are compared without case; order is kept.
class Headers final {
public:
  // The first value of this name; empty where there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }
  void clear() { fields_.clear(); }

private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// The head of a request as a server sees it.
struct Request {
  std::string method;
  std::string path;   // percent-decoded, starts with '/', no "." or ".." segment, no NUL
  std::string query;  // without '?', as sent
  Headers headers;
  std::optional<std::uint64_t> content_length;  // empty: chunked
  bool over_unix_socket = false;
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Date and Connection are the server's
  std::variant<std::string, io::FileSlice> body;
};

Response text_response(int status, std::string_view text,
                       std::string_view type = "text/plain; charset=utf-8");

// Answers one request, once, from any thread. Dropping it unanswered closes the connection.
class Responder final {
public:
  explicit Responder(std::move_only_function<void(Response)> send) : send_(std::move(send)) {}
  void operator()(Response response) {
    if (auto send = std::exchange(send_, nullptr)) {
      send(std::move(response));
    }
  }

private:
  std::move_only_function<void(Response)> send_;
};

// Takes a request's body as it arrives, on the connection's event loop: must not block for long. It is
// destroyed after `finish` returned, or without it when the client vanished or sent too much: what outlives
// the call is moved into what answers.
class BodySink {
public:
  virtual ~BodySink() = default;
  // An error is answered at once (full: 507, invalid: 400, else 500) and the connection closes.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  virtual void finish(Responder respond) = 0;  // the body is complete
};

// What a handler decides from the head alone: an answer (the body, if any, is read and dropped), a sink for
// the body, an asynchronous answer that it took the Responder for, or the connection itself.
struct Accepted {};

// For answers without an end: the server writes nothing, forgets the connection (it no longer counts against
// max_connections) and gives its socket, non-blocking, to `take` on the event loop's thread, which must not
// block. What the client sent ahead is dropped. A request that has a body is refused instead (400).
struct Takeover {
  std::move_only_function<void(io::Fd socket)> take;
};
using Decision = std::variant<Response, std::unique_ptr<BodySink>, Accepted, Takeover>;

// Called on an event loop thread with a bodiless view of the request; `respond` may be moved from only when
// Accepted is returned.
using Handler = std::function<Decision(const Request&, Responder& respond)>;

}  // namespace agent::net
