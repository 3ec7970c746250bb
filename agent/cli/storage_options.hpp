// The flags of the commands that look into a storage without an agent: ls, inspect, rm, check.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/tag.hpp"

namespace agent::cli {

struct StorageOptions {
  std::string backend;
  std::string repository = "local";
  std::string scope = "local";
  std::string tag;
  bool json = false;

  publish::TagId id() const { return {.repository = repository, .scope = scope, .tag = tag}; }
};

enum class Names : std::uint8_t { storage, tag };

// --backend and --json; for one tag also TAG, --repository and --scope.
void add_storage_options(CLI::App& command, StorageOptions& options, Names names);

// --repository and --scope alone.
void add_scope_options(CLI::App& command, StorageOptions& options);

// An open storage and what it needs to live.
struct OpenStorage {
  SystemClock clock;
  metrics::Registry registry;
  std::unique_ptr<backends::ObjectStorage> storage;
};

// Creates nothing; a default backend that no run has created yet is empty. Errors: those of
// backends::open_storage; not_found where a named folder does not exist.
Result<std::unique_ptr<OpenStorage>> open_storage(const StorageOptions& options);

// "no tag rust-1.95 of local in scope local; `hearth ls` shows what there is"
Error no_such_tag(const StorageOptions& options);

// 2026-11-21T18:30:00Z
std::string time_of(std::uint64_t milliseconds_since_1970);

}  // namespace agent::cli
