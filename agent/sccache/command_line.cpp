#include "agent/sccache/command_line.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "agent/launcher/named_output.hpp"

namespace agent::sccache {

namespace {

bool has_ending(std::string_view word, const auto& endings) {
  const auto dot = word.rfind('.');
  return dot != std::string_view::npos && !word.starts_with('-') &&
         std::ranges::find(endings, word.substr(dot)) != endings.end();
}

bool is_source(std::string_view word) {
  constexpr std::array<std::string_view, 14> k_endings = {".c", ".cc", ".cpp", ".cxx", ".c++", ".C",   ".CPP",
                                                          ".m", ".mm", ".S",   ".sx",  ".cu",  ".hip", ".rs"};
  return has_ending(word, k_endings);
}

std::string_view without_ending(std::string_view path) {
  const auto slash = path.rfind('/');
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)
             ? path
             : path.substr(0, dot);
}

// Options and their values, written together or as two words.
class Options {
public:
  explicit Options(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  bool at_end() const { return at_ >= arguments_.size(); }
  std::string_view word() const { return arguments_[at_]; }
  void step() { ++at_; }

  // The value where this word is the option, which is then passed.
  std::optional<std::string> value_of(std::string_view option) {
    const std::string_view current = arguments_[at_];
    if (!current.starts_with(option)) {
      return std::nullopt;
    }
    if (current.size() > option.size()) {
      return std::string(current.substr(option.size()));
    }
    return at_ + 1 < arguments_.size() ? std::optional(arguments_[++at_]) : std::nullopt;
  }

private:
  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
};

CommandLine rust_command_line(const std::vector<std::string>& arguments, std::string_view crate) {
  CommandLine line;
  std::string folder = ".";
  std::string ending;
  for (Options options(arguments); !options.at_end(); options.step()) {
    if (auto out = options.value_of("--out-dir")) {
      folder = out->starts_with('=') ? out->substr(1) : *out;
    } else if (const auto codegen = options.value_of("-C")) {
      constexpr std::string_view k_ending = "extra-filename=";
      ending = codegen->starts_with(k_ending) ? codegen->substr(k_ending.size()) : ending;
    } else if (is_source(options.word()) && line.source.empty()) {
      line.source = options.word();
    }
  }
  line.dependencies = {folder + "/" + std::string(crate) + ending + ".d"};
  return line;
}

// automake lets the compiler write X.Tpo, which it then renames.
void add_dependency_file(CommandLine& line, const std::string& path) {
  line.dependencies.push_back(path);
  constexpr std::string_view k_temporary = ".Tpo";
  if (path.ends_with(k_temporary)) {
    const std::string stem(without_ending(path));
    line.dependencies.push_back(stem + ".Po");
    line.dependencies.push_back(stem + ".Plo");
  }
}

void take_dependency_option(CommandLine& line, Options& options, bool& writes) {
  for (const std::string_view option : {"-Wp,-MD,", "-Wp,-MMD,"}) {
    if (options.word().starts_with(option)) {
      add_dependency_file(line, std::string(options.word().substr(option.size())));
    }
  }
  if (options.word() == "-MD" || options.word() == "-MMD") {
    writes = true;
  } else if (const auto path = options.value_of("-MF")) {
    add_dependency_file(line, *path);
  }
}

}  // namespace

CommandLine read_command_line(const std::vector<std::string>& arguments) {
  const std::string output(launcher::named_output(arguments));
  if (std::ranges::find(arguments, "--crate-name") != arguments.end()) {
    return rust_command_line(arguments, output);
  }
  CommandLine line;
  std::vector<std::string> system;
  std::vector<std::string> after;
  bool writes = false;
  for (Options options(arguments); !options.at_end(); options.step()) {
    // What has a value comes before "-I", "-o" and the source, which would take its words for theirs.
    if (auto forced = options.value_of("-include")) {
      line.forced.push_back(*std::move(forced));
    } else if (auto macros = options.value_of("-imacros")) {
      line.forced.push_back(*std::move(macros));
    } else if (auto quoted = options.value_of("-iquote")) {
      line.quoted.push_back(*std::move(quoted));
    } else if (auto folder = options.value_of("-isystem")) {
      system.push_back(*std::move(folder));
    } else if (auto last = options.value_of("-idirafter")) {
      after.push_back(*std::move(last));
    } else if (auto usual = options.value_of("-I")) {
      line.all.push_back(*std::move(usual));
    } else if (options.word().starts_with("-M") || options.word().starts_with("-Wp,-M")) {
      take_dependency_option(line, options, writes);
    } else if (!options.value_of("-o") && is_source(options.word()) && line.source.empty()) {
      line.source = options.word();
    }
  }
  line.all.insert(line.all.end(), system.begin(), system.end());
  line.all.insert(line.all.end(), after.begin(), after.end());
  if (writes && line.dependencies.empty()) {
    const auto& stem = output.empty() ? line.source : output;
    line.dependencies.push_back(std::string(without_ending(stem)) + ".d");
  }
  return line;
}

}  // namespace agent::sccache
