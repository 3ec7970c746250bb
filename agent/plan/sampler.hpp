// Measures what one build takes: memory of its processes, processor time, pressure on the host. One build at
// a time in a process (processor time is that of all its children); blocks until the build ends. Sources:
// proc(5) (status: VmHWM, RssAnon; stat), Documentation/accounting/psi.rst of Linux 6.1; read 2026-11.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/process.hpp"
#include "agent/plan/memory.hpp"

namespace agent::plan {

struct Measured {
  double seconds = 0;
  double cpu_seconds = 0;                // of the build and all it started
  std::uint64_t compiler_bytes = 0;      // the largest resident set of a compiler
  std::uint64_t peak_bytes = 0;          // all processes at once, what they share counted once at most
  unsigned most_compilers = 0;           // that ran at once; with what one starts itself it is one
  std::optional<double> memory_stalled;  // seconds in which everything waited for memory; empty: no PSI
  std::vector<Stretch> stretches;        // how the memory of all processes went
  std::uint64_t samples = 0;
};

// One process as /proc/<pid>/status tells; sizes in bytes.
struct ProcessStatus {
  std::string name;
  int parent = 0;
  std::uint64_t peak_bytes = 0;       // VmHWM
  std::uint64_t anonymous_bytes = 0;  // RssAnon and RssShmem
};

// Empty where the text is no such file (kernel threads have no memory lines: their sizes are 0).
std::optional<ProcessStatus> parse_status(std::string_view text);

// rustc, cc1, cc1plus, clang, ld, …
bool is_compiler(std::string_view name);

// By pid.
using Processes = std::unordered_map<int, ProcessStatus>;

// Compilations that run at once: a compiler together with all it starts (collect2, ld, as, lto1, the compiler
// behind a wrapper of the same name) is one, and so are the steps of one gcc.
unsigned compilations_in(const Processes& processes);

// Runs the command to its end and watches it and everything it starts, every 20 ms. Errors: io where it
// fails, with its exit code; cancelled by `stop`.
Result<Measured> measure(const io::Command& command, const std::stop_token& stop);

}  // namespace agent::plan
