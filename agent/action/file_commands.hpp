// What the runner reads back after a stage: GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE, GITHUB_PATH,
// GITHUB_STEP_SUMMARY. Used by one thread.
// Every value goes in as NAME<<DELIMITER with a delimiter nobody can guess, because the first of '=' and '<<'
// decides and a value may hold anything (actions/runner, src/Runner.Worker/FileCommandManager.cs, read
// 2026-11). Nothing written here is path-translated by the runner: write paths as the host sees them. Errors:
// not_found where the runner gave no such file; invalid for a name or path that cannot be written; as
// io::append_file.
#pragma once

#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/process.hpp"

namespace agent::action {

class FileCommands final {
public:
  explicit FileCommands(io::Environment environment) : environment_(std::move(environment)) {}

  Result<void> set_variable(std::string_view name, std::string_view value) const;
  Result<void> set_output(std::string_view name, std::string_view value) const;
  // Comes back to this step's post stage as STATE_<name>.
  Result<void> save_state(std::string_view name, std::string_view value) const;
  // In front of PATH for the steps that follow, container actions excepted.
  Result<void> prepend_path(std::string_view folder) const;
  // At most k_summary_limit bytes; a longer text is refused (invalid), because the runner would drop it
  // whole.
  Result<void> append_summary(std::string_view markdown) const;

private:
  Result<void> write_entry(const char* file, std::string_view name, std::string_view value) const;
  Result<io::fs::path> file(const char* name) const;

  io::Environment environment_;
};

constexpr std::size_t k_summary_limit = 1'048'576;

// Lower-case hexadecimal of `bytes` random bytes from the kernel.
std::string random_hex(std::size_t bytes);

}  // namespace agent::action
