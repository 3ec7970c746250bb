// Random bytes of the kernel. Free functions; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/core/result.hpp"

namespace agent::io {

// For keys and tokens. Errors: io, where the kernel gives none.
Result<std::string> random_bytes(std::size_t count);

// So many bytes of them, as twice as many hexadecimal digits. Errors: as random_bytes.
Result<std::string> random_hex(std::size_t count);

// Where the kernel gives none these two go by process and clock: for pauses and names, never for secrets.
std::uint64_t random_number();

// 24 hexadecimal digits that no other process, container or host has made.
std::string random_mark();

}  // namespace agent::io
