#include "agent/net/answer_parser.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::net {

namespace {

constexpr std::size_t k_longest_head = std::size_t{64} * 1024;
constexpr std::size_t k_most_fields = 200;
constexpr std::string_view k_end_of_line = "\r\n";
constexpr std::string_view k_end_of_head = "\r\n\r\n";

}  // namespace

Result<void> AnswerParser::take(std::string_view bytes) {
  received_ += bytes.size();
  while (phase_ == Phase::head && !bytes.empty()) {
    head_ += bytes;
    bytes = {};
    const auto end = head_.find(k_end_of_head, searched_);
    if (end == std::string::npos) {
      searched_ = head_.size() - std::min(head_.size(), k_end_of_head.size() - 1);
    } else {
      bytes = std::string_view(head_).substr(end + k_end_of_head.size());
    }
    if (std::min(end, head_.size()) > k_longest_head) {
      return fail(Errc::invalid, "answer: its head is larger than {} bytes", k_longest_head);
    }
    if (end == std::string::npos) {
      return {};
    }
    const std::string rest(bytes);
    head_.resize(end + k_end_of_line.size());
    AGENT_CHECK(take_head());
    head_.clear();
    searched_ = 0;
    return rest.empty() ? Result<void>{} : take(rest);
  }
  AGENT_TRY(const auto surplus, take_body(bytes));
  surplus_ = surplus_ || !surplus.empty();
  return {};
}

Result<void> AnswerParser::take_head() {
  std::string_view lines = head_;
  response_ = {};
  length_.reset();
  chunked_ = false;
  bool first = true;
  while (!lines.empty()) {
    const auto end = lines.find(k_end_of_line);
    const auto line = lines.substr(0, end);
    lines.remove_prefix(end + k_end_of_line.size());
    AGENT_CHECK(first ? take_status_line(line) : take_field(line));
    first = false;
  }
  if (response_.status == 101 || response_.status < 100) {
    return fail(Errc::corrupt, "answer: status {}", response_.status);
  }
  return response_.status < 200 ? Result<void>{} : begin_body();  // 1xx: the real answer follows
}

Result<void> AnswerParser::take_status_line(std::string_view line) {
  constexpr std::string_view k_version = "HTTP/1.";
  constexpr std::size_t k_status_at = 9;
  const bool shaped = line.size() >= k_status_at + 3 && line.starts_with(k_version) &&
                      (line[7] == '0' || line[7] == '1') && line[8] == ' ' &&
                      (line.size() == k_status_at + 3 || line[k_status_at + 3] == ' ');
  const auto status = shaped ? parse_length(line.substr(k_status_at, 3)) : std::nullopt;
  if (!status || !is_field_value(line)) {
    return fail(Errc::corrupt, "answer: no HTTP status line");
  }
  response_.status = static_cast<int>(*status);
  keep_alive_ = line[7] == '1';
  return {};
}

Result<void> AnswerParser::take_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || !is_field_value(line)) {
    return fail(Errc::corrupt, "answer: malformed header");
  }
  if (response_.headers.all().size() >= k_most_fields) {
    return fail(Errc::invalid, "answer: more than {} headers", k_most_fields);
  }
  const auto name = line.substr(0, colon);
  const auto value = without_blanks(line.substr(colon + 1));
  if (equals_ignoring_case(name, "content-length")) {
    const auto length = parse_length(value);
    if (!length || length_) {
      return fail(Errc::corrupt, "answer: second or malformed Content-Length");
    }
    length_ = length;
  } else if (equals_ignoring_case(name, "transfer-encoding")) {
    if (!equals_ignoring_case(value, "chunked") || std::exchange(chunked_, true)) {
      return fail(Errc::unsupported, "answer: transfer coding '{}'", value);
    }
  } else if (equals_ignoring_case(name, "connection")) {
    keep_alive_ = (keep_alive_ || list_has(value, "keep-alive")) && !list_has(value, "close");
  }
  response_.headers.add(name, value);
  return {};
}

Result<void> AnswerParser::begin_body() {
  if (chunked_ && length_) {
    return fail(Errc::corrupt, "answer: both Content-Length and Transfer-Encoding");
  }
  if (to_head_ || response_.status == 204 || response_.status == 304) {
    phase_ = Phase::done;
  } else if (chunked_) {
    phase_ = Phase::chunked_body;
  } else if (!length_) {
    phase_ = Phase::body_to_end;
    keep_alive_ = false;
  } else if (*length_ > max_body_bytes_) {
    return fail(Errc::invalid, "answer: {} bytes; at most {} are taken", *length_, max_body_bytes_);
  } else {
    response_.body.reserve(static_cast<std::size_t>(*length_));
    phase_ = *length_ == 0 ? Phase::done : Phase::sized_body;
  }
  return {};
}

Result<void> AnswerParser::append(std::string_view content) {
  if (content.size() > max_body_bytes_ - response_.body.size()) {
    return fail(Errc::invalid, "answer: more than {} bytes", max_body_bytes_);
  }
  response_.body += content;
  return {};
}

// What it returns lies behind the answer.
Result<std::string_view> AnswerParser::take_body(std::string_view bytes) {
  if (phase_ == Phase::sized_body) {
    const auto left = static_cast<std::size_t>(*length_) - response_.body.size();
    response_.body += bytes.substr(0, left);
    bytes.remove_prefix(std::min(left, bytes.size()));
    phase_ = response_.body.size() == *length_ ? Phase::done : phase_;
  } else if (phase_ == Phase::body_to_end) {
    AGENT_CHECK(append(bytes));
    bytes = {};
  }
  while (phase_ == Phase::chunked_body && !bytes.empty()) {
    auto step = chunks_.next(std::as_bytes(std::span(bytes)));
    if (!step) {
      return fail(Errc::corrupt, "answer: {}", step.error().message);
    }
    bytes.remove_prefix(step->consumed);
    AGENT_CHECK(append({reinterpret_cast<const char*>(step->content.data()), step->content.size()}));
    phase_ = chunks_.done() ? Phase::done : phase_;
  }
  return bytes;
}

Result<void> AnswerParser::end() {
  if (phase_ == Phase::body_to_end) {
    phase_ = Phase::done;
  }
  if (phase_ != Phase::done) {
    return fail(Errc::transient, "answer: the connection ended {}",
                started() ? "in the middle of it" : "before it came");
  }
  return {};
}

}  // namespace agent::net
