// One request of the API, already authenticated and parsed, and its answer: what the handlers of api_*.cpp
// are functions of. Values, and a Context of what they work on, which is thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http.hpp"
#include "agent/server/blobs.hpp"
#include "agent/server/names.hpp"
#include "agent/server/report_log.hpp"
#include "agent/server/rows.hpp"
#include "agent/server/signed_urls.hpp"
#include "agent/server/signer.hpp"
#include "agent/server/tags.hpp"
#include "agent/server/tokens.hpp"

namespace agent::server {

struct Call {
  std::string method;
  std::string path;   // decoded
  std::string query;  // as sent
  net::Headers headers;
  std::string base;  // how this client reaches the server: "http://127.0.0.1:7430"
  io::Json body;     // null where there is none
  Grant grant;
  Workspace workspace;  // of routes below /v2/workspaces/OWNER/NAME
  std::string name;     // the one further name of the route: a tag, an entry, a token
};

struct Answer {
  int status = 200;
  io::Json body = io::JsonObject();  // never sent with 304
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct Context {
  backends::ObjectStorage& storage;
  const Clock& clock;
  Blobs& blobs;
  Tags& tags;
  Rows& rows;
  Tokens& tokens;
  ReportLog& reports;
  const SignedUrls& urls;
  const Signer& signer;

  std::string url_of(const Call& call, Access access, const Blob& blob) const {
    return urls.make(call.base, {.access = access, .workspace = call.workspace, .blob = blob});
  }
};

using Handle = Result<Answer> (*)(Context& context, const Call& call);

// {"error": …, "code": …, "success": false}
Answer refusal(int status, std::string_view code, std::string_view text);

// What a failed operation is to a client: 400, 409, 503 with Retry-After, 507, or 500 that says why.
Answer answer_of(const Error& error);

// RFC 3339, as the API writes times.
std::string time_text(std::uint64_t milliseconds_since_1970);

// Capabilities and session.
Result<Answer> capabilities(Context& context, const Call& call);
Result<Answer> session(Context& context, const Call& call);
Result<Answer> list_workspaces(Context& context, const Call& call);
Result<Answer> create_workspace(Context& context, const Call& call);
Result<Answer> show_signing_key(Context& context, const Call& call);  // ours, as the next two
Result<Answer> show_limits(Context& context, const Call& call);
Result<Answer> set_limits(Context& context, const Call& call);

// Tokens.
Result<Answer> list_tokens(Context& context, const Call& call);
Result<Answer> create_token(Context& context, const Call& call);
Result<Answer> create_token_pair(Context& context, const Call& call);
Result<Answer> show_token(Context& context, const Call& call);
Result<Answer> revoke_token(Context& context, const Call& call);
Result<Answer> rotate_token(Context& context, const Call& call);

// Blobs.
Result<Answer> stage_blobs(Context& context, const Call& call);
Result<Answer> check_blobs(Context& context, const Call& call);
Result<Answer> blob_urls(Context& context, const Call& call);

// Key rows.
Result<Answer> list_rows(Context& context, const Call& call);
Result<Answer> upsert_rows(Context& context, const Call& call);
Result<Answer> mark_current_rows(Context& context, const Call& call);

// What clients report.
Result<Answer> commit_blobs(Context& context, const Call& call);
Result<Answer> commit_manifest(Context& context, const Call& call);
Result<Answer> add_rollups(Context& context, const Call& call);

// What there is to see of a workspace.
Result<Answer> status(Context& context, const Call& call);
Result<Answer> list_sessions(Context& context, const Call& call);
Result<Answer> list_misses(Context& context, const Call& call);
Result<Answer> workspace_usage(Context& context, const Call& call);  // for the page; ours, not the API's

// Entries and tags.
Result<Answer> create_entry(Context& context, const Call& call);
Result<Answer> check_entries(Context& context, const Call& call);
Result<Answer> complete_multipart(Context& context, const Call& call);
Result<Answer> publish_tag(Context& context, const Call& call);
Result<Answer> finalize_entry(Context& context, const Call& call);
Result<Answer> publish_entry(Context& context, const Call& call);
Result<Answer> tag_pointer(Context& context, const Call& call);
Result<Answer> restore_or_list(Context& context, const Call& call);
Result<Answer> delete_tags(Context& context, const Call& call);
Result<Answer> list_tags(Context& context, const Call& call);
Result<Answer> inspect(Context& context, const Call& call);

}  // namespace agent::server
