// Who may write what others read: from the facts of a GitHub job to its scopes and its permission.
//   scope       a git ref. A job reads its own, then its base's, then the default branch's; it writes its
//   own. permission  untrusted triggers only read; ACTIONS_CACHE_MODE is a ceiling; `mode` may lower it
//   further.
// Pure functions; safe from any thread.
// Sources: GitHub docs, "Dependency caching reference" (restrictions for accessing a cache) and "Events that
// trigger workflows"; ACTIONS_CACHE_MODE as actions/toolkit 6.3 reads it; all read 2026-11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/process.hpp"

namespace agent::keys {

enum class Permission : std::uint8_t { read_write, read_only, write_only, off };

// "read-write", "read-only", "write-only", "off": as in configuration, status and summary.
std::string_view name_of(Permission permission);

// The `mode` input.
enum class RequestedMode : std::uint8_t { automatic, read_write, read_only, off };

// "auto" or nothing, "read-write", "read-only", "off". Errors: invalid for anything else, naming the input:
// a typing error must not open or close a cache silently.
Result<RequestedMode> parse_mode(std::string_view text);

enum class Origin : std::uint8_t { unknown, same_repository, fork };
enum class Visibility : std::uint8_t { unknown, open, closed };

struct GithubContext {
  std::string repository;      // "owner/name"
  std::string event_name;      // empty: not in a GitHub job
  std::string ref;             // "refs/heads/main", "refs/pull/7/merge", "refs/tags/v1"
  std::string base_ref;        // the full ref that a pull request or merge group wants into; may be empty
  std::string default_branch;  // "main"; empty where unknown
  Origin origin = Origin::unknown;
  Visibility visibility = Visibility::unknown;
  std::string cache_mode;  // ACTIONS_CACHE_MODE
};

// From the variables of the job and the text of the file GITHUB_EVENT_PATH names. An event that does not
// parse, or is of another shape, leaves its facts unknown; what is unknown is never trusted.
GithubContext github_context(const io::Environment& environment, std::string_view event_json);

struct Scopes {
  std::string repository;         // "local" outside GitHub
  std::string own;                // "local" outside GitHub
  std::vector<std::string> also;  // read after `own`, in this order; never `own` itself, no duplicates
  Permission permission = Permission::read_only;
  std::string reason;  // of the permission, in plain words
  enum class Trigger : std::uint8_t { other, pull_request } trigger = Trigger::other;
  Visibility visibility = Visibility::unknown;
};

Scopes scopes_of(const GithubContext& context, RequestedMode requested);

}  // namespace agent::keys
