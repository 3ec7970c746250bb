// What `hearth run` knows of the command that it starts, for the run's record. Used by one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/io/process.hpp"
#include "agent/sccache/statistics.hpp"

namespace agent::cli {

// Folder, command and environment; `removed` is what the command did not get of `outer`.
app::Surroundings surroundings_of(const std::vector<std::string>& command, const io::Environment& outer,
                                  const io::Environment& inner);

// What tells this run's compilers from others, for the languages that were compiled: cargo's own note of
// rustc, path, size and time of the C compiler. Starts no process.
void add_programs(app::Surroundings& surroundings, const std::optional<sccache::Statistics>& statistics);

}  // namespace agent::cli
