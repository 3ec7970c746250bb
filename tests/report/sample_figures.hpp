// Figures of made-up runs, one for each thing a summary must get right.
#pragma once

#include "agent/report/figures.hpp"

namespace agent::tests {

inline report::Figures warm_figures() {
  report::Figures figures;
  figures.tag = "rust-1.95.0-sccache-linux-x86_64";
  figures.scope = "refs/heads/main";
  figures.generation = 17;
  figures.backend = "disk:///srv/_hearth";
  figures.mode = "read-write";
  figures.sccache_mode = "proxy";
  figures.hit_rate = 100.0;
  figures.languages = {{"Rust", {.hits = 402, .misses = 0}}, {"C/C++", {.hits = 10, .misses = 0}}};
  figures.hits = 412;
  figures.misses = 0;
  figures.errors = 0;
  figures.compile_requests = 470;
  figures.non_cacheable = {{"crate-type", 41}, {"-", 3}};
  figures.saved_seconds_estimate = 184.0;
  figures.restarts = 0;
  figures.latency = {.mean = 0.9, .p50 = 0.75, .p95 = 2.75, .p99 = 4.5};
  figures.lookups_hit = 412;
  figures.lookups_missed = 0;
  figures.bytes_read = 187654321;
  figures.bytes_written = 0;
  figures.stores = 0;
  figures.published = 0;
  figures.pending = 0;
  figures.backend_calls = 9;
  figures.http_429 = 0;
  figures.conflicts = 0;
  figures.retries = 0;
  figures.breaker_openings = 0;
  figures.compacted_packs = 0;
  figures.preload_seconds = 0.42;
  figures.tag_objects = 453;
  figures.tag_bytes = 201234567;
  return figures;
}

// As warm_figures, of a tag that has runs on record.
inline report::Figures trend_figures() {
  auto figures = warm_figures();
  figures.seconds = 41.5;
  figures.earlier_runs = {
      {.run = "1230-1", .ended_ms = 1'763'700'000'000, .hits = 0, .misses = 412, .seconds = 214.0},
      {.run = "1231-1",
       .ended_ms = 1'763'700'600'000,
       .hits = 300,
       .misses = 112,
       .seconds = 96.0,
       .saved_seconds = 120.0},
      {.run = "1232-1",
       .ended_ms = 1'763'701'200'000,
       .hits = 410,
       .misses = 2,
       .seconds = 43.0,
       .saved_seconds = 181.5}};
  return figures;
}

inline report::Figures cold_figures() {
  auto figures = warm_figures();
  figures.generation = 1;
  figures.hit_rate = 0.0;
  figures.languages = {{"Rust", {.hits = 0, .misses = 402}}, {"C/C++", {.hits = 0, .misses = 10}}};
  figures.hits = 0;
  figures.misses = 412;
  figures.saved_seconds_estimate.reset();
  figures.latency = {};
  figures.lookups_hit = 0;
  figures.lookups_missed = 412;
  figures.miss_reasons = {{"absent", 412}};
  figures.bytes_read = 0;
  figures.bytes_written = 187654321;
  figures.stores = 412;
  figures.published = 412;
  figures.preload_seconds = 0.01;
  figures.tag_objects = 412;
  figures.tag_bytes = 187654321;
  return figures;
}

inline report::Figures read_only_figures() {
  auto figures = warm_figures();
  figures.scope = "refs/pull/7/merge";
  figures.mode = "read-only";
  figures.hit_rate = 100.0 * 360 / 412;
  figures.languages = {{"Rust", {.hits = 360, .misses = 52}}};
  figures.hits = 360;
  figures.misses = 52;
  figures.lookups_hit = 360;
  figures.lookups_missed = 52;
  figures.miss_reasons = {{"absent", 52}};
  figures.bytes_written = 23456789;
  figures.stores = 52;
  figures.refused = {{"read-only", 52}};
  return figures;
}

inline report::Figures nothing_compiled_figures() {
  auto figures = warm_figures();
  figures.hit_rate.reset();
  figures.languages.clear();
  figures.hits = 0;
  figures.compile_requests = 0;
  figures.non_cacheable.clear();
  figures.saved_seconds_estimate.reset();
  figures.latency = {};
  figures.lookups_hit = 0;
  figures.bytes_read = 0;
  return figures;
}

inline report::Figures nothing_cacheable_figures() {
  auto figures = nothing_compiled_figures();
  figures.compile_requests = 5;
  figures.non_cacheable = {{"incremental", 4}, {"crate-type", 1}};
  return figures;
}

// sccache's server was killed before anything could be read from it.
inline report::Figures no_statistics_figures() {
  auto figures = warm_figures();
  figures.hit_rate.reset();
  figures.languages.clear();
  figures.hits.reset();
  figures.misses.reset();
  figures.errors.reset();
  figures.compile_requests.reset();
  figures.non_cacheable.clear();
  figures.saved_seconds_estimate.reset();
  figures.restarts = 2;
  figures.lookups_missed = 7;
  figures.miss_reasons = {{"absent", 7}};
  return figures;
}

inline report::Figures troubled_figures() {
  auto figures = warm_figures();
  figures.hit_rate = 100.0 * 411 / 1223;
  figures.languages = {{"Rust", {.hits = 410, .misses = 2}}, {"C/C++", {.hits = 1, .misses = 810}}};
  figures.hits = 411;
  figures.misses = 812;
  figures.errors = 3;
  figures.fallbacks = {{"server gone", 4}};
  figures.restarts = 1;
  figures.lookups_hit = 411;
  figures.lookups_missed = 812;
  figures.miss_reasons = {{"absent", 700}, {"backend error", 110}, {"corrupt", 2}};
  figures.top_misses = {{.name = "serde", .key = "00000000000000aa", .reason = "corrupt"},
                        {.key = "00000000000000bb", .reason = "backend error"},
                        {.name = "a0.o", .key = "00000000000000cc", .reason = "absent"}};
  figures.bytes_written = 1234567890;
  figures.stores = 812;
  figures.published = 600;
  figures.pending = 200;
  figures.refused = {{"store full", 12}};
  figures.http_429 = 14;
  figures.conflicts = 3;
  figures.retries = 17;
  figures.breaker_openings = 2;
  figures.compacted_packs = 11;
  figures.notes = {"the disk held less than 1 GiB free space when the job began"};
  return figures;
}

// Names that try to format, link, mention, break out of tables, code and commands.
inline report::Figures hostile_figures() {
  auto figures = warm_figures();
  figures.tag = "a|b`c`<script>alert(1)</script>\n| x | y |\n::error::owned";
  figures.scope = "refs/heads/**bold** [link](http://evil.example) @everyone #1";
  figures.backend = "disk:///x\x1b[31m\xff\xfe " + std::string{'\xE2', '\x80', '\xAE'} + " reversed";
  figures.languages = {{"C|C++</td>", {.hits = 9999, .misses = 1}}, {"", {.hits = 1, .misses = 99999}}};
  figures.hits = 10000;
  figures.misses = 100000;
  figures.non_cacheable = {
      {"-E | `x`", 2}, {"</details><h1>hi</h1>", 1}, {"$x^2$ :smile: www.evil.example", 1}};
  figures.top_misses = {{.name = "a|b`c`<script>", .key = "0", .reason = "| x |\n::error::owned"}};
  figures.notes = {"line one\nline two\r\n::set-env name=A::b", "50%0A25 % <b>&amp;</b>"};
  return figures;
}

}  // namespace agent::tests
