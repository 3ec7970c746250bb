#include "agent/net/chunk_decoder.hpp"

#include <algorithm>
#include <limits>

#include "agent/net/http_syntax.hpp"

namespace agent::net {

namespace {

constexpr std::size_t k_longest_extension = 256;
constexpr std::size_t k_longest_trailers = std::size_t{8} * 1024;

bool is_control(char c) {
  const auto code = static_cast<unsigned char>(c);
  return (code < 0x20 && c != '\t') || code == 0x7f;
}

}  // namespace

Result<ChunkDecoder::Step> ChunkDecoder::next(std::span<const std::byte> input) {
  Step step;
  while (step.consumed < input.size() && state_ != State::done) {
    if (state_ == State::content) {
      const auto rest = input.subspan(step.consumed);
      step.content = rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left_)));
      step.consumed += step.content.size();
      left_ -= step.content.size();
      state_ = left_ == 0 ? State::content_cr : State::content;
      return step;
    }
    AGENT_CHECK(take(static_cast<char>(input[step.consumed])));
    ++step.consumed;
  }
  return step;
}

Result<void> ChunkDecoder::take(char c) {
  switch (state_) {
    case State::size_first:
    case State::size:
    case State::extension:
    case State::size_lf:
      return take_size(c);
    case State::content_cr:
      if (c != '\r') {
        return fail(Errc::invalid, "chunk: content longer than its size");
      }
      state_ = State::content_lf;
      return {};
    case State::content_lf:
      if (c != '\n') {
        return fail(Errc::invalid, "chunk: CR without LF");
      }
      state_ = State::size_first;
      return {};
    default:
      return take_line(c);
  }
}

Result<void> ChunkDecoder::take_size(char c) {
  if (state_ == State::size_lf) {
    if (c != '\n') {
      return fail(Errc::invalid, "chunk: CR without LF");
    }
    overhead_ = 0;
    state_ = left_ == 0 ? State::line_start : State::content;
    return {};
  }
  if (state_ != State::extension) {
    if (const auto digit = hex_digit(c)) {
      if (left_ > (std::numeric_limits<std::uint64_t>::max() >> 8U)) {
        return fail(Errc::invalid, "chunk: size too large");
      }
      left_ = (left_ << 4U) | *digit;
      state_ = State::size;
      if (++overhead_ > k_longest_extension) {
        return fail(Errc::invalid, "chunk: size with too many digits");
      }
      return {};
    }
    if (state_ == State::size_first) {
      return fail(Errc::invalid, "chunk: no size");
    }
  }
  if (c == '\r') {
    state_ = State::size_lf;
    return {};
  }
  if (state_ == State::size && c != ';') {
    return fail(Errc::invalid, "chunk: malformed size");
  }
  state_ = State::extension;
  if (is_control(c) || ++overhead_ > k_longest_extension) {
    return fail(Errc::invalid, "chunk: malformed or long extension");
  }
  return {};
}

Result<void> ChunkDecoder::take_line(char c) {
  if (++overhead_ > k_longest_trailers) {
    return fail(Errc::invalid, "chunk: long trailers");
  }
  if (state_ == State::trailer_lf || state_ == State::last_lf) {
    if (c != '\n') {
      return fail(Errc::invalid, "chunk: CR without LF");
    }
    state_ = state_ == State::last_lf ? State::done : State::line_start;
  } else if (c == '\r') {
    state_ = state_ == State::line_start ? State::last_lf : State::trailer_lf;
  } else if (is_control(c) || (state_ == State::line_start && (c == ' ' || c == '\t'))) {
    return fail(Errc::invalid, "chunk: malformed trailer");
  } else {
    state_ = State::trailer;
  }
  return {};
}

}  // namespace agent::net
