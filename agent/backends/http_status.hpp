// What an HTTP answer that is no success means to a storage: the one table from status to Errc, Retry-After,
// and a text that names the call and the way out. Pure functions; safe from any thread. RFC 9110 sections
// 10.2.3 and 15, RFC 6585, RFC 4918.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/net/http_client.hpp"

namespace agent::backends {

// transient: 408, 425, 429, 5xx but 501, 505 and 507; denied: 401, 403, 407; conflict: 409, 412, 423;
// unsupported: 405, 501, 505; full: 507; everything else, redirections too, is invalid. A 404 is invalid as
// well: where an absent object is no failure, the storage says so before it asks here.
Errc code_of_status(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT", the only form that may be sent today (RFC 9110 section 5.6.7).
std::optional<Wall> parse_http_date(std::string_view text);

// How long Retry-After asks to wait, in seconds or until a date; at least 0, at most one hour.
std::optional<std::chrono::milliseconds> retry_after_of(const net::Headers& headers, Wall now);

// The beginning of a body for a message: one line, printable, and nothing that follows a '?': it may be a
// signature.
std::string excerpt_of(std::string_view body);

struct FailedCall {
  std::string_view operation;  // "write packs/ab/1"
  std::string_view where;      // the host, or the storage's own description
  std::string_view detail;     // what the service said; empty: an excerpt of the body
  std::string_view way_out;    // what can be done about it; empty: the usual advice of the status
};

// "OPERATION at WHERE: 403: DETAIL; WAY OUT". A 429 that names no time asks for a second.
Error error_of_answer(const FailedCall& call, const net::ClientResponse& answer, Wall now);

}  // namespace agent::backends
