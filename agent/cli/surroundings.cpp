#include "agent/cli/surroundings.hpp"

#include <sys/stat.h>

#include "agent/core/text.hpp"
#include "agent/doctor/project.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/sccache/build_variables.hpp"

namespace agent::cli {

namespace {

// "/usr/bin/x86_64-linux-gnu-gcc-12, 1113000 bytes, changed 1690000000"; empty where it is not found.
std::string identity_of(std::string_view program, const io::Environment& environment) {
  const auto found = io::find_program(program, environment);
  std::error_code error;
  const auto path = found ? io::fs::canonical(*found, error) : io::fs::path();
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) {
    return {};
  }
  return fmt::format("{}, {} bytes, changed {}", path.string(), status.st_size, status.st_mtim.tv_sec);
}

// The first word that is no wrapper: "sccache gcc -m32" is gcc.
std::string compiler_in(const io::Environment& environment, std::string_view name,
                        std::string_view otherwise) {
  const auto value = io::variable_in(environment, name);
  for (const auto word : split(value, ' ')) {
    if (!word.empty() && !word.ends_with("sccache")) {
      return std::string(word);
    }
  }
  return std::string(otherwise);
}

}  // namespace

app::Surroundings surroundings_of(const std::vector<std::string>& command, const io::Environment& outer,
                                  const io::Environment& inner) {
  app::Surroundings surroundings;
  std::error_code error;
  surroundings.folder = io::fs::current_path(error).string();
  // A digest tells one command from another; its arguments may hold anything.
  const auto digest = io::sha256(io::bytes_of(fmt::format("{}", fmt::join(command, "\n")))).hex();
  surroundings.command =
      fmt::format("{} ({})", io::fs::path(command.front()).filename().string(), digest.substr(0, 8));
  surroundings.environment = sccache::kept_variables(inner);
  for (const auto& [name, value] : sccache::kept_variables(outer)) {
    if (io::variable_in(surroundings.environment, name) != value) {
      surroundings.removed.emplace_back(name, value);
    }
  }
  return surroundings;
}

void add_programs(app::Surroundings& surroundings, const std::optional<sccache::Statistics>& statistics) {
  if (!statistics) {
    return;
  }
  auto environment = io::current_environment();
  if (statistics->languages.contains("Rust")) {
    auto target = io::variable_in(environment, "CARGO_TARGET_DIR");
    surroundings.programs["rustc"] =
        doctor::remembered_rustc(io::fs::path(surroundings.folder) / (target.empty() ? "target" : target));
  }
  if (statistics->languages.contains("C/C++")) {
    surroundings.programs["cc"] = identity_of(compiler_in(environment, "CC", "cc"), environment);
    surroundings.programs["c++"] = identity_of(compiler_in(environment, "CXX", "c++"), environment);
  }
}

}  // namespace agent::cli
