// Which storage sccache takes when its variables name several, as sccache itself decides it. Pure.
// Source: mozilla/sccache 0.16.0 src/config.rs, cache_type order; tried with the real one (tests/doctor).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor/chart.hpp"

namespace agent::doctor {

struct Backend {
  std::string_view name;      // as `cache_location` begins, in lower case
  std::string_view variable;  // that selects it
};

// In order of precedence; the local disk comes last and needs no variable.
inline constexpr std::array<Backend, 14> k_backends = {{
    {"s3", "SCCACHE_BUCKET"},
    {"redis", "SCCACHE_REDIS_ENDPOINT"},
    {"redis", "SCCACHE_REDIS_CLUSTER_ENDPOINTS"},
    {"redis", "SCCACHE_REDIS"},
    {"memcached", "SCCACHE_MEMCACHED_ENDPOINT"},
    {"memcached", "SCCACHE_MEMCACHED"},
    {"gcs", "SCCACHE_GCS_BUCKET"},
    {"ghac", "SCCACHE_GHA_ENABLED"},
    {"ghac", "SCCACHE_GHA_VERSION"},
    {"azblob", "SCCACHE_AZURE_BLOB_CONTAINER"},
    {"webdav", "SCCACHE_WEBDAV_ENDPOINT"},
    {"oss", "SCCACHE_OSS_BUCKET"},
    {"cos", "SCCACHE_COS_BUCKET"},
    {"disk", "SCCACHE_DIR"},
}};

// Those that the environment names, in order of precedence.
std::vector<Backend> named_backends(const Chart& chart);

// "webdav", "disk", "ghac", … of sccache's `cache_location`; empty where it is of no known form.
std::string backend_of(std::string_view cache_location);

// The host of the storage's address, where an address names it; empty otherwise.
std::string storage_host(const Chart& chart);

bool is_loopback(std::string_view host);

// Whether a NO_PROXY list exempts a host.
bool exempts(std::string_view no_proxy, std::string_view host);

}  // namespace agent::doctor
