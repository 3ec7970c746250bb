// How many tasks moon runs at once, in an execution plan: a JSON file that `moon exec --plan` and
// MOON_EXEC_PLAN read, from moon 2.1 on. .moon/workspace.yml has no such setting; older versions take
// MOON_CONCURRENCY or --concurrency only. Everything else in the file stays. Source: moonrepo/moon,
// website/docs/guides/exec-plan.mdx and crates/exec-plan/src/exec_plan.rs (pipeline.concurrency is eight
// bits); read 2026-11.
#pragma once

#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::plan {

constexpr std::string_view k_moon_plan = ".moon/exec-plan.json";

// The text with pipeline.concurrency set; an empty one is made. Errors: invalid (no JSON object).
Result<std::string> with_moon_concurrency(std::string_view text, unsigned tasks);

// The same for k_moon_plan in a workspace. Errors: as above; not_found (there is no .moon); io, denied.
Result<void> write_moon_concurrency(const io::fs::path& workspace, unsigned tasks);

}  // namespace agent::plan
