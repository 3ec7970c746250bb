#include "agent/bench/profile.hpp"

#include <array>

namespace agent::bench {

namespace {

struct Known {
  Cached cached;
  std::string_view name, file, build, clean;
};

// CMake takes the launchers from the environment when it configures, so its folder is made anew each time; a
// Makefile has no such variable, and CC is the one that every sensible one reads. Without a cache CC is said
// too: the environment's, or the Makefile's own, may be one with sccache in it.
constexpr std::array<Known, 6> k_known{
    {{Cached::yes, "cargo", "Cargo.toml", "cargo build --quiet", "rm -rf \"${CARGO_TARGET_DIR:-target}\""},
     {Cached::yes, "cmake", "CMakeLists.txt",
      "cmake -S . -B build-hearth-bench -DCMAKE_BUILD_TYPE=Release >/dev/null && "
      "cmake --build build-hearth-bench --parallel \"$(nproc)\" >/dev/null",
      "rm -rf build-hearth-bench"},
     {Cached::yes, "make", "Makefile", "make -s -j\"$(nproc)\" CC='sccache cc' CXX='sccache c++' >/dev/null",
      "make -s clean >/dev/null"},
     {Cached::no, "cargo", "Cargo.toml", "cargo build --quiet", "rm -rf \"${CARGO_TARGET_DIR:-target}\""},
     {Cached::no, "cmake", "CMakeLists.txt",
      "folder=$(mktemp -d) || exit\n"
      "trap 'rm -rf \"$folder\"' EXIT\n"
      "trap 'exit 130' INT\n"
      "trap 'exit 143' TERM\n"
      "cmake -S . -B \"$folder\" -DCMAKE_BUILD_TYPE=Release >/dev/null && "
      "cmake --build \"$folder\" --parallel \"$(nproc)\" >/dev/null",
      "true"},
     {Cached::no, "make", "Makefile", "make -s -j\"$(nproc)\" CC=cc CXX=c++ >/dev/null",
      "make -s clean >/dev/null"}}};

}  // namespace

Result<Profile> profile_of(const std::string& name, const io::fs::path& project, Cached cached) {
  for (const auto& known : k_known) {
    std::error_code ignored;
    if (known.cached != cached) {
      continue;
    }
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
