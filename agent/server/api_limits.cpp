// What a workspace may hold and for how long: the administrator says it, who has a token sees it.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "agent/server/call.hpp"
#include "agent/server/garbage.hpp"
#include "agent/server/limits.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_most_quota = std::uint64_t{1} << 50U;

// A member of body.limits: null takes a limit back, a missing one leaves it.
Result<void> take(const io::Json& limits, std::string_view name, std::uint64_t most,
                  std::optional<std::uint64_t>& into) {
  const auto* const members = limits.object();
  const auto found = members->find(name);
  if (found == members->end()) {
    return {};
  }
  const auto count = found->second.count();
  if ((!count && !found->second.is_null()) || count.value_or(0) > most) {
    return fail(Errc::invalid, "limits.{}: a number up to {}, or null, is expected", name, most);
  }
  into = count;
  return {};
}

Result<Answer> described(Context& context, const Call& call, const Limits& limits) {
  io::Json used;
  AGENT_TRY(const auto kept, context.storage.read(garbage_object(call.workspace)));
  if (kept) {
    AGENT_TRY(const auto state, parse_garbage_state(kept->content));
    used = state.used_bytes;
  }
  return Answer{.body = io::JsonObject{{"workspace", call.workspace.slug()},
                                       {"limits", io::JsonObject{{"quota_bytes", limits.quota_bytes},
                                                                 {"idle_days", limits.idle_days}}},
                                       {"used_bytes", std::move(used)}}};
}

// What is said of a workspace that nobody made: the administrator may name any, a misspelt one too.
Result<std::optional<Answer>> missing(Context& context, const Call& call) {
  if (!call.grant.is_root) {
    return std::nullopt;
  }
  AGENT_TRY(const auto made, context.storage.read(workspace_object(call.workspace)));
  if (made) {
    return std::nullopt;
  }
  return refusal(404, "not_found",
                 fmt::format("there is no workspace {}; its first token makes it", call.workspace.slug()));
}

}  // namespace

Result<Answer> show_limits(Context& context, const Call& call) {
  AGENT_TRY(auto nowhere, missing(context, call));
  if (nowhere) {
    return *std::move(nowhere);
  }
  AGENT_TRY(const auto limits, limits_of(context.storage, call.workspace));
  return described(context, call, limits);
}

Result<Answer> set_limits(Context& context, const Call& call) {
  if (!call.grant.is_root) {
    return refusal(403, "forbidden", "only the administrator's token sets limits");
  }
  const auto& wanted = call.body["limits"];
  if (!wanted.is_object()) {
    return refusal(400, "invalid_request", "limits: an object is expected");
  }
  Limits checked;
  AGENT_CHECK(take(wanted, "quota_bytes", k_most_quota, checked.quota_bytes));
  AGENT_CHECK(take(wanted, "idle_days", k_most_idle_days, checked.idle_days));
  AGENT_TRY(auto nowhere, missing(context, call));
  if (nowhere) {
    return *std::move(nowhere);
  }
  AGENT_TRY(const auto limits, change_limits(context.storage, call.workspace, [&](Limits& current) {
              const auto& members = *wanted.object();
              current.quota_bytes =
                  members.contains("quota_bytes") ? checked.quota_bytes : current.quota_bytes;
              current.idle_days = members.contains("idle_days") ? checked.idle_days : current.idle_days;
            }));
  return described(context, call, limits);
}

}  // namespace agent::server
