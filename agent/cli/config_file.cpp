#include "agent/cli/config_file.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <ranges>
#include <sstream>
#include <utility>

#include "agent/app/sccache_mode.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"
#include "agent/publish/tag.hpp"

namespace agent::cli {

namespace {

constexpr std::uint64_t k_limit = std::uint64_t{1} << 20U;
constexpr std::string_view k_name = ".hearth.yml";

// Errors: invalid, beginning with `what`.
using Check = Result<void> (*)(std::string_view value, std::string_view what);

Result<void> any(std::string_view /*value*/, std::string_view /*what*/) {
  return {};
}

template <auto parse>
Result<void> amount(std::string_view value, std::string_view what) {
  AGENT_CHECK(parse(value, what));
  return {};
}

template <auto parse>
Result<void> word(std::string_view value, std::string_view what) {
  auto parsed = parse(value);
  return parsed ? Result<void>() : with_context(what, std::move(parsed).error());
}

struct Key {
  std::string_view name;
  Check check;
};

constexpr auto k_size = amount<parse_size>;
constexpr auto k_duration = amount<parse_duration>;

// What may stand in the file: long names of options of any command that make sense for a project. Values that
// are parsed when a command runs are looked at before, so that an error names the place that they are from.
constexpr std::array<Key, 18> k_keys = {{{"backend", any},
                                         {"tag", any},
                                         {"prefix", any},
                                         {"toolchain", any},
                                         {"tag-scope", any},
                                         {"repository", any},
                                         {"scope", any},
                                         {"mode", word<publish::parse_mode>},
                                         {"sccache-mode", word<app::parse_sccache_mode>},
                                         {"store", any},
                                         {"max-size", k_size},
                                         {"max-tag-size", k_size},
                                         {"min-free-space", k_size},
                                         {"preload-deadline", k_duration},
                                         {"preload-budget", k_size},
                                         {"drain-deadline", k_duration},
                                         {"min-hit-rate", any},
                                         {"summary-json", any}}};

// Of options that have their value from their variable; with a flag that says the same, it is as wrong.
Result<void> check_variables(const CLI::App& command) {
  for (const auto& key : k_keys) {
    const auto* const option = command.get_option_no_throw(fmt::format("--{}", key.name));
    if (option == nullptr || option->get_envname().empty() || option->count() == 0) {
      continue;
    }
    const auto value = io::environment_value(option->get_envname().c_str());
    if (option->results().front() == value) {
      AGENT_CHECK(key.check(value, option->get_envname()));
    }
  }
  return {};
}

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
  AGENT_CHECK(check_variables(command));
  const auto text = io::read_file(k_name, k_limit);
  if (!text) {
    if (text.error().code == Errc::not_found) {
      return {};
    }
    return std::unexpected(text.error());
  }
  AGENT_TRY(const auto entries, parse_config(*text, k_name));
  for (const auto& [key, entry] : entries) {
    const auto place = fmt::format("{}:{}:{}", k_name, entry.line, entry.column);
    const auto* const known = std::ranges::find(k_keys, key, &Key::name);
    if (known == k_keys.end()) {
      return fail(Errc::invalid, "{}: unknown key '{}'; known are {}", place, key,
                  fmt::join(k_keys | std::views::transform(&Key::name), ", "));
    }
    auto* const option = command.get_option_no_throw("--" + key);
    if (option == nullptr || option->count() > 0) {
      continue;
    }
    AGENT_CHECK(known->check(entry.value, fmt::format("{}: {}", place, key)));
    try {
      option->add_result(entry.value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      return fail(Errc::invalid, "{}: {}: {}", place, key, error.what());
    }
  }
  return {};
}

}  // namespace agent::cli
