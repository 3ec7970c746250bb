// Heads, chunks and answers, each fed at once and in pieces: the outcome may not depend on how bytes arrive.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "agent/net/answer_parser.hpp"
#include "agent/net/chunk_decoder.hpp"
#include "agent/net/http_parser.hpp"

namespace {

using namespace agent;
using namespace agent::net;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void fuzz_head(std::string_view bytes) {
  constexpr HeadLimits k_limits{.bytes = 512, .fields = 8};
  HeadParser whole(k_limits);
  HeadParser pieces(k_limits);
  const auto state = whole.parse(bytes);
  auto last = HeadParser::State::incomplete;
  for (std::size_t size = 1; size <= bytes.size() && last == HeadParser::State::incomplete; ++size) {
    last = pieces.parse(bytes.substr(0, size));
  }
  require(state == last);
  if (state == HeadParser::State::complete) {
    const auto& request = whole.head().request;
    require(whole.size() == pieces.size() && whole.size() <= bytes.size());
    require(request.path == pieces.head().request.path && request.path.starts_with('/'));
    require((request.path + "/").find("/../") == std::string::npos);
    require(!request.path.contains('\0'));
    require(request.headers.all().size() <= k_limits.fields + 1);
  }
}

void fuzz_chunks(std::span<const std::byte> bytes) {
  ChunkDecoder decoder;
  std::size_t content = 0;
  const auto size = bytes.size();
  while (!bytes.empty() && !decoder.done()) {
    const auto step = decoder.next(bytes.first(bytes.size() > 3 ? 3 : bytes.size()));
    if (!step) {
      return;
    }
    require(step->consumed > 0 && step->consumed <= bytes.size());
    bytes = bytes.subspan(step->consumed);
    content += step->content.size();
  }
  require(content <= size);
}

void fuzz_answer(std::string_view bytes) {
  constexpr std::uint64_t k_limit = 256;
  AnswerParser parser(false, k_limit);
  while (!bytes.empty() && !parser.done()) {
    const auto piece = bytes.substr(0, 5);
    if (!parser.take(piece)) {
      return;
    }
    bytes.remove_prefix(piece.size());
  }
  if (parser.end()) {
    require(parser.release().body.size() <= k_limit);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_head(text);
  fuzz_chunks(std::as_bytes(std::span(data, size)));
  fuzz_answer(text);
  return 0;
}
