#include "agent/plan/moon_plan.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::plan {

namespace {

constexpr std::size_t k_file_limit = std::size_t{1} << 20U;
constexpr unsigned k_most_tasks = 255;

Result<io::JsonObject> object_of(const io::Json& json, std::string_view what) {
  if (json.is_null()) {
    return io::JsonObject{};
  }
  if (!json.is_object()) {
    return fail(Errc::invalid, "{}: {} is no object", k_moon_plan, what);
  }
  return *json.object();
}

}  // namespace

Result<std::string> with_moon_concurrency(std::string_view text, unsigned tasks) {
  io::Json json;
  if (!trimmed(text).empty()) {
    AGENT_TRY(json, io::parse_json(text, k_moon_plan, {.bytes = k_file_limit, .depth = 16}));
  }
  AGENT_TRY(auto plan, object_of(json, "it"));
  AGENT_TRY(auto pipeline, object_of(json["pipeline"], "pipeline"));
  pipeline.insert_or_assign("concurrency", std::min(tasks, k_most_tasks));
  plan.insert_or_assign("pipeline", std::move(pipeline));
  return io::Json(std::move(plan)).dump(2) + "\n";
}

Result<void> write_moon_concurrency(const io::fs::path& workspace, unsigned tasks) {
  const auto path = workspace / k_moon_plan;
  std::error_code error;
  if (!io::fs::is_directory(path.parent_path(), error)) {
    return fail(Errc::not_found, "{} is no moon workspace: it has no .moon", workspace.string());
  }
  auto text = io::read_file(path, k_file_limit);
  if (!text && text.error().code != Errc::not_found) {
    return std::unexpected(std::move(text).error());
  }
  AGENT_TRY(const auto changed, with_moon_concurrency(text.value_or(""), tasks));
  AGENT_TRY(const auto owner, io::owner_of(path.parent_path()));
  AGENT_CHECK(io::write_file(path, changed));
  return io::give_to(path, owner);
}

}  // namespace agent::plan
