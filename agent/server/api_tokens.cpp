// Tokens of a workspace. Their texts are shown once, when they are made.
#include "agent/server/call.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

io::JsonObject token_json(const Token& token) {
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
                      {"revoked", token.is_revoked}};
  if (token.expires_ms) {
    json["expires_at"] = time_text(*token.expires_ms);
  }
  return json;
}

io::JsonObject issued_json(const IssuedToken& issued) {
  return {{"token", token_json(issued.token)}, {"value", issued.text.reveal()}};
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
    listed.emplace_back(token_json(token));
  }
  return Answer{.body = io::JsonObject{{"tokens", std::move(listed)}}};
}

Result<Answer> create_token(Context& context, const Call& call) {
  AGENT_TRY(const auto wanted, parse_new_token(call.body, call.workspace));
  AGENT_TRY(const auto issued, context.tokens.create(wanted));
  return Answer{.status = 201, .body = issued_json(issued)};
}

Result<Answer> create_token_pair(Context& context, const Call& call) {
  NewToken wanted{.name = "ci-restore", .workspace = call.workspace.slug()};
  AGENT_TRY(const auto restore, context.tokens.create(wanted));
  wanted.name = "ci-save";
  wanted.level = Level::save;
  AGENT_TRY(const auto save, context.tokens.create(wanted));
  return Answer{.status = 201,
                .body = io::JsonObject{{"workspace", call.workspace.slug()},
                                       {"restore", issued_json(restore)},
                                       {"save", issued_json(save)}}};
}

Result<Answer> show_token(Context& context, const Call& call) {
  AGENT_TRY(const auto token, context.tokens.find(call.workspace, call.name));
  return token ? Answer{.body = io::JsonObject{{"token", token_json(*token)}}} : no_such_token(call);
}

Result<Answer> revoke_token(Context& context, const Call& call) {
  AGENT_TRY(const auto token, context.tokens.revoke(call.workspace, call.name));
  return token ? Answer{.body = io::JsonObject{{"token", token_json(*token)}}} : no_such_token(call);
}

Result<Answer> rotate_token(Context& context, const Call& call) {
  AGENT_TRY(const auto issued, context.tokens.rotate(call.workspace, call.name));
  return issued ? Answer{.body = issued_json(*issued)} : no_such_token(call);
}

}  // namespace agent::server
