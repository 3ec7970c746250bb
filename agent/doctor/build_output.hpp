// What a build left behind, and whether one run wrote it: the target folder is read when the command has
// ended, and only the times of its files tell what was there before from what the run compiled itself.
// Values; blocks on the disk, for a bounded number of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/io/file.hpp"

namespace agent::doctor {

// When a run began and ended, in milliseconds since 1970.
struct Span {
  std::int64_t began_ms = 0;  // 0: of no run
  std::int64_t ended_ms = 0;

  bool known() const { return began_ms > 0; }
  bool holds(std::int64_t at_ms) const { return known() && began_ms <= at_ms && at_ms <= ended_ms; }
};

// Of the profile that the run wrote most of, else of the one that has most.
struct CargoOutput {
  io::fs::path folder;              // <target>/<profile>
  std::size_t units = 0;            // what cargo called a compiler for, this time or before
  std::size_t written = 0;          // of those, during the run
  std::size_t packages_before = 0;  // that are there, and of which the run wrote nothing
};

CargoOutput cargo_output(const io::fs::path& target, const Span& run);

enum class Built : std::uint8_t {
  objects,  // *.o, *.obj
  any,      // libraries and programs too
};

// Some of what compilers wrote below `folder` during the run, sorted; cargo's target folders are left out.
// Empty where the run's time is not known.
std::vector<io::fs::path> written_in(const io::fs::path& folder, const Span& run, Built what);

}  // namespace agent::doctor
