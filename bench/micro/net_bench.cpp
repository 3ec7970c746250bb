// What a request costs before anybody looks at it.
#include <benchmark/benchmark.h>

#include <string>

#include "agent/net/chunk_decoder.hpp"
#include "agent/net/http_parser.hpp"

namespace {

using namespace agent::net;

// As sccache 0.16 sends it through opendal, with a bearer.
constexpr std::string_view k_sccache_get =
    "GET /sccache/a/b/c/abc0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc HTTP/1.1\r\n"
    "authorization: Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"
    "user-agent: sccache/0.16.0\r\naccept: */*\r\nhost: 127.0.0.1:7420\r\n\r\n";

void parse_head(benchmark::State& state) {
  HeadParser parser;
  for ([[maybe_unused]] const auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(k_sccache_get));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k_sccache_get.size()));
}
BENCHMARK(parse_head);

void decode_chunks(benchmark::State& state) {
  const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  const std::string body = chunk + chunk + chunk + chunk + "0\r\n\r\n";
  for ([[maybe_unused]] const auto _ : state) {
    ChunkDecoder decoder;
    auto left = std::as_bytes(std::span(body));
    while (!decoder.done()) {
      left = left.subspan(decoder.next(left).value().consumed);
    }
  }
}
BENCHMARK(decode_chunks);

}  // namespace

BENCHMARK_MAIN();
