#include "agent/cli/config_file.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>
#include <utility>

#include "agent/io/file.hpp"

namespace agent::cli {

namespace {

constexpr std::uint64_t k_limit = std::uint64_t{1} << 20U;
constexpr std::string_view k_name = ".hearth.yml";

// What may stand in the file: long names of options of any command that make sense for a project.
constexpr std::array<std::string_view, 18> k_keys = {
    "backend",        "tag",          "prefix",         "toolchain",        "tag-scope",
    "repository",     "scope",        "mode",           "sccache-mode",     "store",
    "max-size",       "max-tag-size", "min-free-space", "preload-deadline", "preload-budget",
    "drain-deadline", "min-hit-rate", "summary-json"};

// Takes one document that is a mapping of scalars. Works on events, because the node API loops for ever over
// some texts once more than the first document is wanted (YAML::LoadAll, yaml-cpp 0.7).
class Reader final : public YAML::EventHandler {
public:
  std::map<std::string, ConfigEntry> entries;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      refuse(mark, "only one document is read");
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    if (in_map_) {
      refuse(key_ ? key_mark_ : mark, k_plain);
    }
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { refuse(mark, k_plain); }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    if (!in_map_) {
      refuse(mark, k_mapping);
    }
    if (!key_) {
      key_ = value;
      key_mark_ = mark;
      return;
    }
    const ConfigEntry entry{.value = value, .line = key_mark_.line + 1, .column = key_mark_.column + 1};
    if (!entries.emplace(*key_, entry).second) {
      refuse(key_mark_, "'" + *key_ + "' is given twice");
    }
    key_.reset();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    refuse(key_ ? key_mark_ : mark, in_map_ ? k_plain : k_mapping);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    if (in_map_) {
      refuse(key_ ? key_mark_ : mark, k_plain);
    }
    in_map_ = true;
  }
  void OnMapEnd() override {}

private:
  static constexpr const char* k_mapping = "must be a mapping of option names to values";
  static constexpr const char* k_plain = "every value must be a plain text, number or boolean";

  [[noreturn]] static void refuse(const YAML::Mark& mark, const std::string& why) {
    throw YAML::ParserException(mark, why);
  }

  int documents_ = 0;
  bool in_map_ = false;
  std::optional<std::string> key_;  // whose value comes next
  YAML::Mark key_mark_;
};

}  // namespace

Result<std::map<std::string, ConfigEntry>> parse_config(std::string_view text, std::string_view name) {
  if (text.size() > k_limit) {
    return fail(Errc::invalid, "{}: larger than {} bytes", name, k_limit);
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Reader reader;
    if (parser.HandleNextDocument(reader)) {
      parser.HandleNextDocument(reader);  // which refuses it, where there is one
    }
    return std::move(reader.entries);
  } catch (const YAML::Exception& error) {
    return fail(Errc::invalid, "{}:{}:{}: {}", name, error.mark.line + 1, error.mark.column + 1, error.msg);
  }
}

void name_variables(CLI::App& command) {
  for (auto* const option : command.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames().front() == "help") {
      continue;
    }
    std::string name = "HEARTH_";
    for (const char c : option->get_lnames().front()) {
      name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    option->envname(name);
  }
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
    if (std::ranges::find(k_keys, key) == k_keys.end()) {
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
