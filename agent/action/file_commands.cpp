#include "agent/action/file_commands.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "agent/action/inputs.hpp"
#include "agent/io/random.hpp"

namespace agent::action {

namespace {

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '.';
  });
}

}  // namespace

std::string random_hex(std::size_t bytes) {
  auto random = io::random_hex(bytes);
  if (!random) {
    std::abort();  // without random numbers a bearer could be guessed
  }
  return *std::move(random);
}

Result<io::fs::path> FileCommands::file(const char* name) const {
  const auto path = io::variable_in(environment_, name);
  if (path.empty()) {
    return fail(Errc::not_found, "{} is not set: the runner takes no such commands", name);
  }
  return io::fs::path(path);
}

Result<void> FileCommands::write_entry(const char* file_name, std::string_view name,
                                       std::string_view value) const {
  AGENT_TRY(const auto path, file(file_name));
  if (!is_name(name)) {
    return fail(Errc::invalid, "{}: '{}' is no name", file_name, name);
  }
  const auto delimiter = "hearth_" + random_hex(16);
  return io::append_file(path, fmt::format("{0}<<{1}\n{2}\n{1}\n", name, delimiter, value));
}

Result<void> FileCommands::set_variable(std::string_view name, std::string_view value) const {
  return write_entry("GITHUB_ENV", name, value);
}

Result<void> FileCommands::set_output(std::string_view name, std::string_view value) const {
  return write_entry("GITHUB_OUTPUT", name, value);
}

Result<void> FileCommands::save_state(std::string_view name, std::string_view value) const {
  return write_entry("GITHUB_STATE", name, value);
}

Result<void> FileCommands::prepend_path(std::string_view folder) const {
  if (folder.empty() || folder.find_first_of("\r\n") != std::string_view::npos) {
    return fail(Errc::invalid, "GITHUB_PATH: '{}' is no folder", folder);
  }
  AGENT_TRY(const auto path, file("GITHUB_PATH"));
  return io::append_file(path, fmt::format("{}\n", folder));
}

Result<void> FileCommands::append_summary(std::string_view markdown) const {
  if (markdown.size() > k_summary_limit) {
    return fail(Errc::invalid, "a summary of {} bytes is more than the runner takes", markdown.size());
  }
  AGENT_TRY(const auto path, file("GITHUB_STEP_SUMMARY"));
  return io::append_file(path, fmt::format("{}\n", markdown));
}

}  // namespace agent::action
