// Bytes behind signed URLs: block blobs of Azure, as GitHub's cache service hands them out. Free functions;
// safe from any thread; block as net::HttpClient does.
// Source: Azure Blob service REST API, Put Blob, Put Block, Put Block List, Get Blob; read 2026-11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/backends/github_calls.hpp"
#include "agent/backends/github_service.hpp"
#include "agent/backends/source.hpp"

namespace agent::backends {

constexpr std::uint64_t k_single_upload_bytes = std::uint64_t{64} << 20U;
constexpr std::uint64_t k_block_bytes = std::uint64_t{32} << 20U;

Result<void> upload_blob(GithubCalls& calls, const std::string& url, const Source& source);

// As ActionsCache::download.
Result<std::optional<Piece>> download_blob(GithubCalls& calls, const std::string& url, Range range);

}  // namespace agent::backends
