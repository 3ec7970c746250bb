#include "agent/bench/profile.hpp"

#include <array>

namespace agent::bench {

namespace {

struct Known {
  std::string_view name, file, build, clean;
};

// CMake takes the launchers from the environment when it configures, so its folder is made anew each time; a
// Makefile has no such variable, and CC is the one that every sensible one reads.
constexpr std::array<Known, 3> k_known{
    {{"cargo", "Cargo.toml", "cargo build --quiet", "rm -rf \"${CARGO_TARGET_DIR:-target}\""},
     {"cmake", "CMakeLists.txt",
      "cmake -S . -B build-hearth-bench -DCMAKE_BUILD_TYPE=Release >/dev/null && "
      "cmake --build build-hearth-bench --parallel \"$(nproc)\" >/dev/null",
      "rm -rf build-hearth-bench"},
     {"make", "Makefile", "make -s -j\"$(nproc)\" CC='sccache cc' CXX='sccache c++' >/dev/null",
      "make -s clean >/dev/null"}}};

}  // namespace

Result<Profile> profile_of(const std::string& name, const io::fs::path& project) {
  for (const auto& known : k_known) {
    std::error_code ignored;
    if (name == known.name || (name == "auto" && io::fs::exists(project / known.file, ignored))) {
      return Profile{.name = std::string(known.name),
                     .build = std::string(known.build),
                     .clean = std::string(known.clean)};
    }
  }
  if (name != "auto") {
    return fail(Errc::invalid, "profile '{}': there are cargo, cmake and make, or auto", name);
  }
  return fail(Errc::not_found,
              "{}: neither Cargo.toml nor CMakeLists.txt nor Makefile is there; say how it is built with "
              "--build 'COMMAND' and --clean 'COMMAND'",
              project.string());
}

}  // namespace agent::bench
