#include "agent/keys/scopes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::keys {

namespace {

constexpr std::string_view k_branches = "refs/heads/";

std::string value_in(const io::Environment& environment, std::string_view name) {
  std::string value;
  for (const auto& [key, text] : environment) {
    if (key == name) {
      value = text;
    }
  }
  return std::string(trimmed(value));
}

// Owner/name of the repository that the pull request's commits come from, against the one that runs. The
// `fork` flag of head.repo is no use: it is also set where both are the same repository, itself a fork.
Origin origin_of(const io::Json& event, std::string_view repository) {
  const auto& pull_request = event["pull_request"];
  if (!pull_request.is_object()) {
    return Origin::unknown;
  }
  const auto head = pull_request["head"]["repo"].text("full_name");
  if (head.empty() || repository.empty()) {  // null once the fork has been deleted
    return Origin::unknown;
  }
  return equals_ignoring_case(head, repository) ? Origin::same_repository : Origin::fork;
}

Visibility visibility_of(const io::Json& repository) {
  if (const auto word = repository.text("visibility"); !word.empty()) {
    return word == "public" ? Visibility::open : Visibility::closed;
  }
  const auto closed = repository["private"].boolean();
  if (!closed) {
    return Visibility::unknown;
  }
  return *closed ? Visibility::closed : Visibility::open;
}

std::string full_branch(std::string_view name) {
  if (name.empty() || name.starts_with("refs/")) {
    return std::string(name);
  }
  return std::string(k_branches) + std::string(name);
}

bool runs_on_pull_request(const GithubContext& context) {
  return context.event_name.starts_with("pull_request") || context.ref.starts_with("refs/pull/");
}

// What a job may do, and why.
struct Allowed {
  bool read = true;
  bool write = true;
  std::string reason;
  bool settled = false;  // a `mode` input cannot lift it
};

// These run with the default branch's rights on what somebody outside may have written.
constexpr std::array<std::string_view, 3> k_untrusted_events = {"pull_request_target", "workflow_run",
                                                                "issue_comment"};

Allowed allowed_by_trigger(const GithubContext& context) {
  if (context.event_name.empty()) {
    return {.reason = "not in a GitHub job"};
  }
  if (std::ranges::find(k_untrusted_events, context.event_name) != k_untrusted_events.end()) {
    return {.write = false,
            .reason = fmt::format("{} runs with the rights of a branch on what outsiders may have written",
                                  context.event_name)};
  }
  if (context.ref.empty()) {
    return {.write = false, .reason = "GITHUB_REF is not set", .settled = true};
  }
  if (!runs_on_pull_request(context) || context.origin == Origin::same_repository) {
    return {.reason = fmt::format("{} on {}", context.event_name, context.ref)};
  }
  // The workflow file, and so its `mode` input, comes from the fork too.
  return {.write = false,
          .reason = context.origin == Origin::fork
                        ? "the pull request comes from a fork"
                        : "it is not known whether the pull request comes from a fork",
          .settled = true};
}

Allowed allowed_by_cache_mode(std::string_view mode) {
  const auto word = lowered(mode);
  const auto reason = "ACTIONS_CACHE_MODE is " + word.substr(0, 40);
  if (word.empty() || word == "write" || word == "read-write") {
    return {};
  }
  if (word == "write-only") {
    return {.read = false, .reason = reason};
  }
  if (word == "none") {
    return {.read = false, .write = false, .reason = reason};
  }
  return {.write = false, .reason = word == "read" ? reason : reason + ", which this version does not know"};
}

Permission permission_of(const Allowed& allowed) {
  if (allowed.read) {
    return allowed.write ? Permission::read_write : Permission::read_only;
  }
  return allowed.write ? Permission::write_only : Permission::off;
}

Allowed decide(const GithubContext& context, RequestedMode requested) {
  auto allowed = allowed_by_trigger(context);
  if (requested == RequestedMode::read_write && !allowed.write && !allowed.settled) {
    allowed.write = true;
    allowed.reason = "mode is read-write, although " + allowed.reason;
  }
  const auto ceiling = allowed_by_cache_mode(context.cache_mode);
  if ((allowed.read && !ceiling.read) || (allowed.write && !ceiling.write)) {
    allowed.read = allowed.read && ceiling.read;
    allowed.write = allowed.write && ceiling.write;
    allowed.reason = ceiling.reason;
  }
  if (requested == RequestedMode::off) {
    return {.read = false, .write = false, .reason = "mode is off"};
  }
  if (requested == RequestedMode::read_only && allowed.write) {
    allowed.write = false;
    allowed.reason = "mode is read-only";
  }
  if (requested == RequestedMode::read_write && !allowed.write) {
    allowed.reason = "mode is read-write, but " + allowed.reason;
  }
  return allowed;
}

}  // namespace

std::string_view name_of(Permission permission) {
  switch (permission) {
    case Permission::read_write:
      return "read-write";
    case Permission::read_only:
      return "read-only";
    case Permission::write_only:
      return "write-only";
    case Permission::off:
      return "off";
  }
  return "off";
}

Result<RequestedMode> parse_mode(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, RequestedMode>, 5> k_modes = {{
      {"", RequestedMode::automatic},
      {"auto", RequestedMode::automatic},
      {"read-write", RequestedMode::read_write},
      {"read-only", RequestedMode::read_only},
      {"off", RequestedMode::off},
  }};
  const auto* const found =
      std::ranges::find(k_modes, trimmed(text), &std::pair<std::string_view, RequestedMode>::first);
  if (found == k_modes.end()) {
    return fail(Errc::invalid, "mode: '{}' is none of auto, read-write, read-only, off", text);
  }
  return found->second;
}

GithubContext github_context(const io::Environment& environment, std::string_view event_json) {
  GithubContext context;
  context.repository = value_in(environment, "GITHUB_REPOSITORY");
  context.event_name = value_in(environment, "GITHUB_EVENT_NAME");
  context.ref = value_in(environment, "GITHUB_REF");
  context.base_ref = full_branch(value_in(environment, "GITHUB_BASE_REF"));
  context.cache_mode = value_in(environment, "ACTIONS_CACHE_MODE");
  const auto event = io::parse_json(event_json, "event");
  if (!event) {
    return context;
  }
  const auto& repository = (*event)["repository"];
  context.default_branch = repository.text("default_branch");
  context.visibility = visibility_of(repository);
  context.origin = origin_of(*event, context.repository);
  if (context.base_ref.empty()) {
    context.base_ref = full_branch((*event)["merge_group"].text("base_ref"));
  }
  return context;
}

Scopes scopes_of(const GithubContext& context, RequestedMode requested) {
  auto allowed = decide(context, requested);
  Scopes scopes{
      .repository = context.repository.empty() ? "local" : context.repository,
      .own = context.ref.empty() ? "local" : context.ref,
      .also = {},
      .permission = permission_of(allowed),
      .reason = std::move(allowed.reason),
      .trigger = runs_on_pull_request(context) ? Scopes::Trigger::pull_request : Scopes::Trigger::other,
      .visibility = context.visibility};
  if (context.event_name.empty()) {
    scopes.repository = scopes.own = "local";
    return scopes;
  }
  for (const auto& ref : {context.base_ref, full_branch(context.default_branch)}) {
    if (!ref.empty() && ref != scopes.own && std::ranges::find(scopes.also, ref) == scopes.also.end()) {
      scopes.also.push_back(ref);
    }
  }
  return scopes;
}

}  // namespace agent::keys
