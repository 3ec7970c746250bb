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
  figures.saved_seconds_estimate = 184.5;
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
  figures.preload_seconds = 0.42;
  figures.tag_objects = 453;
  figures.tag_bytes = 201234567;
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

}  // namespace agent::tests
