#include "agent/cli/config_file.hpp"

#include <yaml-cpp/yaml.h>

#include <array>

#include "agent/io/file.hpp"

namespace agent::cli {

namespace {

constexpr std::uint64_t k_limit = std::uint64_t{1} << 20U;
constexpr std::string_view k_name = ".hearth.yml";

// What may stand in the file: long names of options of any command that make sense for a project.
constexpr std::array<std::string_view, 14> k_keys = {
    "backend",        "tag",    "mode",      "store", "max-size",   "min-free-space", "preload-deadline",
    "preload-budget", "prefix", "toolchain", "scope", "repository", "drain-deadline", "summary-json"};

}  // namespace

Result<std::map<std::string, ConfigEntry>> parse_config(std::string_view text, std::string_view name) {
  if (text.size() > k_limit) {
    return fail(Errc::invalid, "{}: larger than {} bytes", name, k_limit);
  }
  std::map<std::string, ConfigEntry> entries;
  try {
    const auto documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      return fail(Errc::invalid, "{}: holds {} documents; only one is read", name, documents.size());
    }
    if (documents.empty() || documents.front().IsNull()) {
      return entries;
    }
    const auto& document = documents.front();
    if (!document.IsMap()) {
      return fail(Errc::invalid, "{}: must be a mapping of option names to values", name);
    }
    for (const auto& pair : document) {
      const auto mark = pair.first.Mark();
      const ConfigEntry entry{.value = pair.second.IsScalar() ? pair.second.Scalar() : "",
                              .line = mark.line + 1,
                              .column = mark.column + 1};
      if (!pair.first.IsScalar() || !pair.second.IsScalar()) {
        return fail(Errc::invalid, "{}:{}:{}: every value must be a plain text, number or boolean", name,
                    entry.line, entry.column);
      }
      if (!entries.emplace(pair.first.Scalar(), entry).second) {
        return fail(Errc::invalid, "{}:{}:{}: '{}' is given twice", name, entry.line, entry.column,
                    pair.first.Scalar());
      }
    }
  } catch (const YAML::Exception& error) {
    return fail(Errc::invalid, "{}:{}:{}: {}", name, error.mark.line + 1, error.mark.column + 1, error.msg);
  }
  return entries;
}

Result<void> apply_config_file(CLI::App& command) {
  const auto text = io::read_file(k_name, k_limit);
  if (!text) {
    if (text.error().code == Errc::not_found) {
      return {};
    }
    return std::unexpected(text.error());
  }
  AGENT_TRY(const auto entries, parse_config(*text, k_name));
  for (const auto& [key, entry] : entries) {
    if (std::find(k_keys.begin(), k_keys.end(), key) == k_keys.end()) {
      return fail(Errc::invalid, "{}:{}:{}: unknown key '{}'; known are {}", k_name, entry.line, entry.column,
                  key, fmt::join(k_keys, ", "));
    }
    auto* const option = command.get_option_no_throw("--" + key);
    if (option == nullptr || option->count() > 0) {
      continue;
    }
    try {
      option->add_result(entry.value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      return fail(Errc::invalid, "{}:{}:{}: {}: {}", k_name, entry.line, entry.column, key, error.what());
    }
  }
  return {};
}

}  // namespace agent::cli
