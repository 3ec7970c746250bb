// `jobs` in the [build] table of a .cargo/config.toml. Only that line changes; everything else stays as it
// is. Source: The Cargo Book, "Configuration", build.jobs; read 2026-11.
#pragma once

#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::plan {

// The text with build.jobs set. Errors: invalid where [build] is written in a way that a line cannot be set
// in
// (`build = { … }`, `build.jobs = …` at the top), saying what to write by hand.
Result<std::string> with_cargo_jobs(std::string_view text, unsigned jobs);

// The same for a file, which is made when it is missing. Errors: as above; io, denied.
Result<void> write_cargo_jobs(const io::fs::path& path, unsigned jobs);

}  // namespace agent::plan
