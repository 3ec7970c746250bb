// What this server can do, who is asking, which workspaces there are.
#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/server/call.hpp"

namespace agent::server {

namespace {

io::Json workspace_json(const Workspace& workspace, std::uint64_t created_ms) {
  return io::JsonObject{{"id", workspace.slug()},
                        {"slug", workspace.slug()},
                        {"name", workspace.name},
                        {"created_at", time_text(created_ms)},
                        {"updated_at", time_text(created_ms)}};
}

}  // namespace

Result<Answer> capabilities(Context& /*context*/, const Call& /*call*/) {
  return Answer{.body =
                    io::JsonObject{{"api_version", "2"},
                                   {"features", io::JsonObject{{"blob_stage_v2", true},
                                                               {"tag_publish_v2", true},
                                                               {"entry_create_v2", true},
                                                               {"upload_receipts_v2", true},
                                                               {"cache_kv_entries_v1", true},
                                                               {"cache_kv_entries_summary_v1", true},
                                                               {"cache_kv_entries_multi_tag_upsert_v1", true},
                                                               {"cache_kv_entries_current_version_v1", true},
                                                               {"finalize_only_v2", true},
                                                               {"cas_publish_bootstrap_if_match", "0"}}}}};
}

Result<Answer> session(Context& /*context*/, const Call& call) {
  const auto& token = call.grant.token;
  io::JsonArray prefixes;
  for (const auto& prefix : token.write_tag_prefixes) {
    prefixes.emplace_back(prefix);
  }
  io::JsonObject described{{"id", call.grant.is_root ? "root" : token.id},
                           {"name", token.name},
                           {"scope_type", call.grant.is_root ? "organization" : "workspace"},
                           {"access_level", name_of(token.level)},
                           {"write_tag_prefixes", std::move(prefixes)}};
  if (token.expires_ms) {
    described["expires_at"] = time_text(*token.expires_ms);
  }
  io::JsonObject body{{"valid", true},
                      {"user", io::JsonObject{{"id", described["id"]}, {"email", ""}, {"name", token.name}}},
                      {"token", std::move(described)}};
  if (!call.grant.is_root) {
    body["workspace"] = io::JsonObject{{"id", token.workspace},
                                       {"name", token.workspace.substr(token.workspace.find('/') + 1)},
                                       {"slug", token.workspace}};
  }
  return Answer{.body = std::move(body)};
}

Result<Answer> list_workspaces(Context& context, const Call& call) {
  constexpr std::string_view k_end = "/workspace";
  AGENT_TRY(const auto objects, context.storage.list("tags/"));
  io::JsonArray listed;
  for (const auto& object : objects) {
    const auto name = std::string_view(object.name).substr(5);
    const auto workspace =
        name.ends_with(k_end) ? parse_workspace(name.substr(0, name.size() - k_end.size())) : std::nullopt;
    if (workspace && call.grant.reaches(*workspace)) {
      listed.push_back(workspace_json(*workspace, milliseconds_of(object.modified)));
    }
  }
  return Answer{.body = std::move(listed)};
}

Result<Answer> create_workspace(Context& context, const Call& call) {
  if (!call.grant.is_root) {
    return refusal(403, "forbidden", "only the administrator's token creates workspaces");
  }
  const auto workspace = parse_workspace(call.body["workspace"].text("slug"));
  if (!workspace) {
    return refusal(400, "invalid_request",
                   "workspace.slug: OWNER/NAME is expected, each 1 to 64 of letters, digits, '.', '_', '-'");
  }
  const auto made =
      context.storage.compare_and_swap(workspace_object(*workspace), std::nullopt, "{\"format\":1}\n");
  if (!made && made.error().code != Errc::conflict) {
    return std::unexpected(made.error());
  }
  auto json = *workspace_json(*workspace, milliseconds_of(context.clock.wall())).object();
  json["provisioned"] = true;
  json["created"] = made.has_value();
  return Answer{.status = made ? 201 : 200, .body = std::move(json)};
}

// What clients are told to trust.
Result<Answer> show_signing_key(Context& context, const Call& call) {
  const auto key = context.signer.key_of(call.workspace);
  return Answer{.body = io::JsonObject{{"workspace", call.workspace.slug()},
                                       {"workspace_signing_public_key", key.text},
                                       {"workspace_signing_key_fingerprint", key.fingerprint}}};
}

}  // namespace agent::server
