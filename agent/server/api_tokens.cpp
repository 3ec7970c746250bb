// Tokens of a workspace. Their texts are shown once, when they are made.
#include "agent/server/call.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

io::JsonObject token_json(const Token& token, std::uint64_t now_ms) {
  const bool has_ended = token.expires_ms && *token.expires_ms <= now_ms;
  io::JsonArray prefixes;
  for (const auto& prefix : token.write_tag_prefixes) {
    prefixes.emplace_back(prefix);
  }
  io::JsonObject json{{"id", token.id},
                      {"name", token.name},
                      {"scope_type", "workspace"},
                      {"access_level", name_of(token.level)},
                      {"write_tag_prefixes", std::move(prefixes)},
                      {"created_at", time_text(token.created_ms)},
                      {"state", token.is_revoked ? "revoked"
                                : has_ended      ? "expired"
                                                 : "active"},
                      {"active", !token.is_revoked && !has_ended},
                      {"revoked", token.is_revoked}};
  if (token.expires_ms) {
    json["expires_at"] = time_text(*token.expires_ms);
  }
  return json;
}

std::uint64_t now_of(const Context& context) {
  return milliseconds_of(context.clock.wall());
}

io::Json workspace_json(const Call& call) {
  return io::JsonObject{{"name", call.workspace.name}, {"slug", call.workspace.slug()}};
}

io::JsonObject issued_json(const Context& context, const IssuedToken& issued) {
  return {{"token", token_json(issued.token, now_of(context))}, {"value", issued.text.reveal()}};
}

Answer shown(const Context& context, const Call& call, const Token& token) {
  return {.body = io::JsonObject{{"workspace", workspace_json(call)},
                                 {"token", token_json(token, now_of(context))}}};
}

// One half of a pair, as if it had been asked for by itself: what is not understood is refused there.
Result<NewToken> half_of(const Call& call, std::string_view kind, Level level) {
  const auto& pair = call.body["token_pair"];
  const auto prefix = pair.text("name_prefix", "ci");
  io::JsonObject token{{"name", fmt::format("{}-{}", prefix, kind)}, {"access_level", name_of(level)}};
  for (const auto* const key : {"expiration_preset", "custom_expires_on", "expires_in_seconds"}) {
    token[key] = pair[key];
  }
  if (level == Level::save) {
    token["write_tag_prefixes"] = pair["save_tag_prefixes"];
  }
  return parse_new_token(io::JsonObject{{"token", std::move(token)}}, call.workspace);
}

Answer no_such_token(const Call& call) {
  return refusal(404, "not_found",
                 fmt::format("workspace {} has no token {}", call.workspace.slug(), call.name));
}

}  // namespace

Result<Answer> list_tokens(Context& context, const Call& call) {
  AGENT_TRY(const auto tokens, context.tokens.list(call.workspace));
  io::JsonArray listed;
  for (const auto& token : tokens) {
    listed.emplace_back(token_json(token, now_of(context)));
  }
  const std::uint64_t count = listed.size();
  return Answer{
      .body = io::JsonObject{
          {"workspace", workspace_json(call)},
          {"filter", io::JsonObject{{"include_inactive", true}}},
          {"pagination",
           io::JsonObject{
               {"limit", count}, {"offset", 0}, {"total", count}, {"returned", count}, {"has_more", false}}},
          {"tokens", std::move(listed)}}};
}

Result<Answer> create_token(Context& context, const Call& call) {
  AGENT_TRY(const auto wanted, parse_new_token(call.body, call.workspace));
  AGENT_TRY(const auto issued, context.tokens.create(wanted));
  auto body = issued_json(context, issued);
  body["workspace"] = workspace_json(call);
  return Answer{.status = 201, .body = std::move(body)};
}

Result<Answer> create_token_pair(Context& context, const Call& call) {
  AGENT_TRY(const auto reading, half_of(call, "restore", Level::restore));
  AGENT_TRY(const auto saving, half_of(call, "save", Level::save));
  AGENT_TRY(const auto restore, context.tokens.create(reading));
  AGENT_TRY(const auto save, context.tokens.create(saving));
  return Answer{.status = 201,
                .body = io::JsonObject{{"workspace", workspace_json(call)},
                                       {"restore", issued_json(context, restore)},
                                       {"save", issued_json(context, save)}}};
}

Result<Answer> show_token(Context& context, const Call& call) {
  AGENT_TRY(const auto token, context.tokens.find(call.workspace, call.name));
  return token ? shown(context, call, *token) : no_such_token(call);
}

Result<Answer> revoke_token(Context& context, const Call& call) {
  AGENT_TRY(const auto token, context.tokens.revoke(call.workspace, call.name));
  return token ? shown(context, call, *token) : no_such_token(call);
}

Result<Answer> rotate_token(Context& context, const Call& call) {
  for (const auto* const key : {"expiration_preset", "custom_expires_on"}) {
    if (!call.body["token"][key].is_null()) {  // ignoring it would make a token that lives longer
      return refusal(400, "invalid_request", "rotating keeps a token's end; create another token instead");
    }
  }
  AGENT_TRY(const auto issued, context.tokens.rotate(call.workspace, call.name));
  if (!issued) {
    return no_such_token(call);
  }
  auto body = issued_json(context, *issued);
  body["workspace"] = workspace_json(call);
  return Answer{.body = std::move(body)};
}

}  // namespace agent::server
