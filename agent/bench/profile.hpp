// How a project is built and cleaned when nobody says so. Reads the project's folder; safe from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::bench {

struct Profile {
  std::string name;   // cargo, cmake, make
  std::string build;  // for `sh -c`, in the project's folder
  std::string clean;
};

enum class Cached : std::uint8_t {
  yes,  // through sccache, where the environment does not see to that
  no,   // by the compilers themselves, and outside the project where its build system can
};

// By name, or "auto": by what lies in the folder. Errors: not_found where nothing is known (saying how to
// give the commands), invalid for an unknown name.
Result<Profile> profile_of(const std::string& name, const io::fs::path& project, Cached cached = Cached::yes);

}  // namespace agent::bench
