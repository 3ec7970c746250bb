#include "agent/server/limits.hpp"

#include <fmt/format.h>

#include "agent/io/json.hpp"
#include "agent/server/garbage.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr std::size_t k_record_bytes = 4096;
constexpr int k_most_rounds = 16;

std::string limits_object(const Workspace& workspace) {
  return fmt::format("tags/{}/limits", workspace.slug());
}

// Changes an object by compare-and-swap; `next` gets null where there is none, and says what shall be there.
Result<void> change(backends::ObjectStorage& storage, const std::string& object,
                    const std::function<Result<std::optional<std::string>>(const std::string*)>& next) {
  for (int round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(const auto kept, storage.read(object));
    AGENT_TRY(const auto wanted, next(kept ? &kept->content : nullptr));
    if (!wanted) {
      return {};
    }
    const auto swapped =
        storage.compare_and_swap(object, kept ? std::optional(kept->version) : std::nullopt, *wanted);
    if (swapped) {
      return {};
    }
    if (swapped.error().code != Errc::conflict) {
      return std::unexpected(swapped.error());
    }
  }
  return fail(Errc::conflict, "{}: others keep changing it", object);
}

// What the last cleaning said of the workspace, with the new quota.
Result<void> tell_writers(backends::ObjectStorage& storage, const Workspace& workspace,
                          std::uint64_t quota_bytes) {
  return change(storage, garbage_object(workspace),
                [&](const std::string* kept) -> Result<std::optional<std::string>> {
                  if (kept == nullptr) {
                    return std::nullopt;  // nothing was counted yet
                  }
                  AGENT_TRY(auto state, parse_garbage_state(*kept));
                  state.limit_bytes = quota_bytes * k_quota_refused;
                  return std::optional(encode(state));
                });
}

}  // namespace

std::string encode(const Limits& limits) {
  return io::Json(io::JsonObject{{"format", k_format},
                                 {"quota_bytes", limits.quota_bytes},
                                 {"idle_days", limits.idle_days}})
             .dump() +
         "\n";
}

Result<Limits> parse_limits(std::string_view text) {
  const auto json = io::parse_json(text, "limits", {.bytes = k_record_bytes, .depth = 2});
  if (!json || !(*json)["format"].count()) {
    return fail(Errc::corrupt, "limits: {}", json ? "no format" : json.error().message);
  }
  if ((*json)["format"].count() != k_format) {
    return fail(Errc::unsupported, "limits: a newer format");
  }
  Limits limits{.quota_bytes = (*json)["quota_bytes"].count(), .idle_days = (*json)["idle_days"].count()};
  // What cannot be read may not become "any size", nor "everything is idle".
  if ((!limits.quota_bytes && !(*json)["quota_bytes"].is_null()) ||
      (!limits.idle_days && !(*json)["idle_days"].is_null()) ||
      limits.idle_days.value_or(0) > k_most_idle_days) {
    return fail(Errc::corrupt, "limits: a quota or a time that is none");
  }
  return limits;
}

Result<Limits> limits_of(backends::ObjectStorage& storage, const Workspace& workspace) {
  AGENT_TRY(const auto kept, storage.read(limits_object(workspace)));
  return kept ? parse_limits(kept->content) : Limits{};
}

Result<Limits> change_limits(backends::ObjectStorage& storage, const Workspace& workspace,
                             const std::function<void(Limits&)>& edit) {
  Limits limits;
  AGENT_CHECK(change(storage, limits_object(workspace),
                     [&](const std::string* kept) -> Result<std::optional<std::string>> {
                       limits = {};
                       if (kept != nullptr) {
                         AGENT_TRY(limits, parse_limits(*kept));
                       }
                       edit(limits);
                       return std::optional(encode(limits));
                     }));
  if (limits.quota_bytes) {
    AGENT_CHECK(tell_writers(storage, workspace, *limits.quota_bytes));
  }
  return limits;
}

}  // namespace agent::server
