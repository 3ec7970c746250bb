#include "agent/net/http_parser.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::net {

namespace {

constexpr std::size_t k_longest_method = 32;

// What may stand in a Host: a name, an address, a bracketed IPv6 address, and a port.
bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == ':' || c == '[' || c == ']' || c == '%';
  });
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") {
      return true;
    }
    path.remove_prefix(segment.size());
  }
  return false;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code < 0x20 || code == 0x7f;
  });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

}  // namespace

void HeadParser::reset() {
  head_.request.method.clear();
  head_.request.path.clear();
  head_.request.query.clear();
  head_.request.headers.clear();
  head_.request.content_length.reset();
  head_.http_1_0 = false;
  head_.keep_alive = true;
  head_.expects_continue = false;
  target_host_.clear();
  scanned_ = 0;
  line_start_ = 0;
  has_request_line_ = false;
  has_host_ = false;
  has_length_ = false;
  has_encoding_ = false;
}

bool HeadParser::reject(int status, std::string_view why) {
  rejection_ = {.status = status, .why = why};
  return false;
}

HeadParser::State HeadParser::parse(std::string_view bytes) {
  while (true) {
    const auto newline = bytes.find('\n', scanned_);
    if (std::min(newline, bytes.size() - 1) >= limits_.bytes && !bytes.empty()) {
      reject(431, "the head is too large");
      return State::rejected;
    }
    if (newline == std::string_view::npos) {
      scanned_ = bytes.size();
      return State::incomplete;
    }
    if (newline == line_start_ || bytes[newline - 1] != '\r') {
      reject(400, "a line ends without CR");
      return State::rejected;
    }
    const auto line = bytes.substr(line_start_, newline - 1 - line_start_);
    scanned_ = newline + 1;
    const bool first = line_start_ == 0;
    line_start_ = scanned_;
    if (!line.empty()) {
      if (!(has_request_line_ ? take_field(line) : take_request_line(line))) {
        return State::rejected;
      }
    } else if (has_request_line_) {
      return finish() ? State::complete : State::rejected;
    } else if (!first) {  // one empty line before a request is tolerated: RFC 9112 section 2.2
      reject(400, "empty lines before the request");
      return State::rejected;
    }
  }
}

bool HeadParser::take_request_line(std::string_view line) {
  has_request_line_ = true;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return reject(400, "malformed request line");
  }
  const auto method = line.substr(0, first);
  const auto version = line.substr(last + 1);
  if (!is_token(method) || method.size() > k_longest_method) {
    return reject(400, "malformed method");
  }
  constexpr std::string_view k_protocol = "HTTP/";
  if (version.size() != 8 || !version.starts_with(k_protocol) || version[6] != '.' ||
      !hex_digit(version[5]) || !hex_digit(version[7]) || *hex_digit(version[5]) > 9 ||
      *hex_digit(version[7]) > 9) {
    return reject(400, "malformed HTTP version");
  }
  head_.http_1_0 = version == "HTTP/1.0";
  if (!head_.http_1_0 && version != "HTTP/1.1") {
    return reject(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  head_.keep_alive = !head_.http_1_0;
  head_.request.method = method;
  return take_target(line.substr(first + 1, last - first - 1));
}

bool HeadParser::take_target(std::string_view target) {
  if (target.empty() || !is_target(target)) {
    return reject(400, "malformed request target");
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (starts_with_ignoring_case(target, scheme)) {
      target.remove_prefix(scheme.size());
      const auto authority = target.substr(0, target.find_first_of("/?"));
      if (authority.empty() || !is_host(authority)) {
        return reject(400, "malformed request target");
      }
      target_host_ = authority;
      target.remove_prefix(authority.size());
      break;
    }
  }
  const auto question = target.find('?');
  if (question != std::string_view::npos) {
    head_.request.query = target.substr(question + 1);
    if (!percent_decoded(head_.request.query)) {
      return reject(400, "invalid percent escape");
    }
  }
  const auto path = target.substr(0, question);
  return take_path(path.empty() && !target_host_.empty() ? "/" : path);
}

bool HeadParser::take_path(std::string_view path) {
  if (!path.starts_with('/')) {
    return reject(400, "malformed request target");
  }
  if (!path.contains('%')) {
    head_.request.path = path;
  } else {
    auto decoded = percent_decoded(path);
    if (!decoded) {
      return reject(400, "invalid percent escape");
    }
    if (has_control(*decoded)) {
      return reject(400, "control character in the request target");
    }
    head_.request.path = *std::move(decoded);
  }
  return !has_dot_segment(head_.request.path) || reject(400, "the path has a '.' or '..' segment");
}

bool HeadParser::take_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    return reject(400, "folded header");
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return reject(400, "malformed header name");
  }
  const auto name = line.substr(0, colon);
  const auto value = without_blanks(line.substr(colon + 1));
  if (!is_field_value(value)) {
    return reject(400, "control character in a header");
  }
  if (head_.request.headers.all().size() >= limits_.fields) {
    return reject(431, "too many headers");
  }
  if (!interpret(name, value)) {
    return false;
  }
  head_.request.headers.add(name, value);
  return true;
}

bool HeadParser::interpret(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "host")) {
    if (std::exchange(has_host_, true) || !is_host(value)) {
      return reject(400, "second or malformed Host");
    }
  } else if (equals_ignoring_case(name, "content-length")) {
    head_.request.content_length = parse_length(value);
    if (std::exchange(has_length_, true) || !head_.request.content_length) {
      return reject(400, "second or malformed Content-Length");
    }
  } else if (equals_ignoring_case(name, "transfer-encoding")) {
    if (std::exchange(has_encoding_, true) || head_.http_1_0) {
      return reject(400, "second Transfer-Encoding, or one with HTTP/1.0");
    }
    if (!equals_ignoring_case(value, "chunked")) {
      return reject(501, "the only transfer coding is chunked");
    }
  } else if (equals_ignoring_case(name, "connection")) {
    if (list_has(value, "close")) {
      head_.keep_alive = false;
    } else if (head_.http_1_0 && list_has(value, "keep-alive")) {
      head_.keep_alive = true;
    }
  } else if (equals_ignoring_case(name, "expect")) {
    if (!equals_ignoring_case(value, "100-continue")) {
      return reject(417, "the only expectation is 100-continue");
    }
    head_.expects_continue = !head_.http_1_0;
  }
  return true;
}

bool HeadParser::finish() {
  if (!has_host_ && !head_.http_1_0) {
    return reject(400, "no Host");
  }
  if (has_encoding_ && has_length_) {
    return reject(400, "both Content-Length and Transfer-Encoding");
  }
  if (!has_encoding_ && !has_length_) {
    head_.request.content_length = 0;
  }
  if (!target_host_.empty()) {
    head_.request.headers.set("Host", target_host_);
  }
  return true;
}

}  // namespace agent::net
