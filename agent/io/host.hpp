// Memory of this host and how short it is. Free functions; safe from any thread. Sizes in bytes.
// Sources: proc(5) (meminfo), Documentation/accounting/psi.rst of Linux 6.1; read 2026-11.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::io {

struct Memory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // what can be had without swapping
};

// Errors: io; not_found where the file does not say it.
Result<Memory> host_memory();
std::optional<Memory> parse_meminfo(std::string_view text);

struct MemoryPressure {
  double some_percent = 0;         // of the last 10 s, in which something waited for memory
  double all_stalled_seconds = 0;  // since the start of the host, in which everything did
};

// Empty where the kernel offers none.
std::optional<MemoryPressure> memory_pressure();
std::optional<MemoryPressure> parse_memory_pressure(std::string_view text);

}  // namespace agent::io
