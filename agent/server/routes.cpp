#include "agent/server/routes.hpp"

#include <array>

#include "agent/core/text.hpp"

namespace agent::server {

namespace {

constexpr std::string_view k_owner = ":ns";
constexpr std::string_view k_workspace = ":ws";
constexpr std::string_view k_name = ":name";

constexpr auto k_audited = Route::Audit::everything;

#define W "/v2/workspaces/:ns/:ws"
constexpr std::array k_routes = {
    Route{"GET", "/v2/capabilities", std::nullopt, capabilities},
    Route{"GET", "/v2/session", Level::restore, session},
    Route{"GET", "/v2/workspaces", Level::restore, list_workspaces},
    Route{"POST", "/v2/workspaces", Level::admin, create_workspace, k_audited},
    Route{"GET", W "/signing-key", Level::restore, show_signing_key},
    Route{"GET", W "/limits", Level::restore, show_limits},
    Route{"PUT", W "/limits", Level::admin, set_limits, k_audited},
    Route{"GET", W "/tokens", Level::admin, list_tokens},
    Route{"POST", W "/tokens", Level::admin, create_token, k_audited},
    Route{"POST", W "/tokens/ci-pair", Level::admin, create_token_pair, k_audited},
    Route{"GET", W "/tokens/:name", Level::admin, show_token},
    Route{"POST", W "/tokens/:name/revoke", Level::admin, revoke_token, k_audited},
    Route{"POST", W "/tokens/:name/rotate", Level::admin, rotate_token, k_audited},
    Route{"POST", W "/caches/blobs/stage", Level::save, stage_blobs},
    Route{"POST", W "/caches/blobs/check", Level::restore, check_blobs},
    Route{"POST", W "/caches/blobs/download-urls", Level::restore, blob_urls},
    Route{"POST", W "/caches/check", Level::restore, check_entries},
    Route{"POST", W "/caches", Level::save, create_entry},
    Route{"GET", W "/caches", Level::restore, restore_or_list},
    Route{"DELETE", W "/caches", Level::save, delete_tags, k_audited},
    Route{"PUT", W "/caches/tags/:name/publish", Level::save, publish_tag, k_audited},
    Route{"POST", W "/caches/:name/multipart/complete", Level::save, complete_multipart},
    Route{"PUT", W "/caches/:name/finalize", Level::save, finalize_entry, k_audited},
    Route{"PATCH", W "/caches/:name", Level::save, publish_entry, k_audited},
    Route{"POST", W "/caches/blobs/upload-urls", Level::save, stage_blobs},
    Route{"GET", W "/caches/tags/:name/pointer", Level::restore, tag_pointer},
    Route{"GET", W "/caches/inspect/:name", Level::restore, inspect},
    Route{"GET", W "/cache-kv-entries", Level::restore, list_rows},
    Route{"POST", W "/cache-kv-entries", Level::save, upsert_rows, k_audited},
    Route{"POST", W "/cache-kv-entries/download-urls", Level::restore, blob_urls},
    Route{"POST", W "/cache-kv-entries/current-version", Level::save, mark_current_rows},
    Route{"POST", W "/upload-sessions/:name/blobs/commit", Level::save, commit_blobs},
    Route{"POST", W "/upload-sessions/:name/manifest/commit", Level::save, commit_manifest},
    Route{"POST", W "/cache-rollups", Level::restore, add_rollups},
    Route{"GET", W "/status", Level::restore, status},
    Route{"GET", W "/sessions", Level::restore, list_sessions},
    Route{"GET", W "/misses", Level::restore, list_misses},
    Route{"GET", W "/usage", Level::restore, workspace_usage},
    Route{"GET", W "/tags", Level::restore, list_tags},
};
#undef W

// Fills in what the pattern leaves open; false where the path is another one.
bool matches(std::string_view pattern, const std::vector<std::string_view>& path, Match& match) {
  const auto parts = split(pattern, '/');
  if (parts.size() != path.size()) {
    return false;
  }
  std::string_view owner;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == k_owner) {
      owner = path[i];
    } else if (parts[i] == k_workspace) {
      match.workspace = make_workspace(owner, path[i]);
      if (!match.workspace) {
        return false;
      }
    } else if (parts[i] == k_name) {
      match.name = path[i];
    } else if (parts[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

Match find_route(std::string_view method, std::string_view path) {
  const auto parts = split(path, '/');
  Match found;
  for (const auto& route : k_routes) {
    Match match;
    if (!matches(route.pattern, parts, match)) {
      continue;
    }
    found.is_path_known = true;
    if (route.method == method) {
      match.is_path_known = true;
      match.route = &route;
      return match;
    }
  }
  return found;
}

}  // namespace agent::server
