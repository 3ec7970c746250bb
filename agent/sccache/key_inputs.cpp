#include "agent/sccache/key_inputs.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/sccache/command_line.hpp"
#include "agent/sccache/dependency_file.hpp"

namespace agent::sccache {

namespace {

using Numbers = std::vector<InputFiles::Number>;

// Where compilations of one name ran, in the order in which they were begun.
class Places {
public:
  explicit Places(std::string_view text) {
    for (const auto line : split(text.substr(0, k_max_place_bytes), '\n')) {
      const auto tab = line.rfind('\t');
      if (tab != std::string_view::npos && line.starts_with('/')) {
        by_name_[std::string(line.substr(tab + 1))].emplace_back(line.substr(0, tab));
      }
    }
  }

  // The likeliest first: that of the n-th compilation of a name for the n-th that the key log has.
  std::vector<std::string> of(const std::string& name) {
    const auto known = by_name_.find(name);
    if (known == by_name_.end()) {
      return {};
    }
    std::vector<std::string> folders = {known->second[taken_[name]++ % known->second.size()]};
    for (const auto& folder : known->second) {
      if (std::ranges::find(folders, folder) == folders.end()) {
        folders.push_back(folder);
      }
    }
    return folders;
  }

private:
  std::map<std::string, std::vector<std::string>, std::less<>> by_name_;
  std::map<std::string, std::size_t, std::less<>> taken_;
};

std::string below(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

std::vector<std::string> all_below(const std::string& folder, std::vector<std::string> paths) {
  for (auto& path : paths) {
    path = below(folder, path);
  }
  return paths;
}

// Empty where nothing was written down, or not of this source.
std::optional<Numbers> written_down(InputFiles& files, const CommandLine& line, const std::string& folder) {
  for (const auto& path : line.dependencies) {
    const auto text = io::read_file(below(folder, path), k_max_dependency_bytes);
    if (!text) {
      continue;
    }
    const auto dependencies = parse_dependencies(*text);
    // gcc leaves out "./".
    const auto bare = line.source.starts_with("./") ? line.source.substr(2) : line.source;
    if (std::ranges::find(dependencies.files, line.source) == dependencies.files.end() &&
        std::ranges::find(dependencies.files, bare) == dependencies.files.end()) {
      continue;
    }
    Numbers numbers;
    for (const auto& name : dependencies.files) {
      if (const auto number = files.file(below(folder, name))) {
        numbers.push_back(*number);
      }
    }
    for (const auto& [name, value] : dependencies.variables) {
      if (const auto number = files.variable(name, value)) {
        numbers.push_back(*number);
      }
    }
    std::ranges::sort(numbers);
    const auto doubled = std::ranges::unique(numbers);
    numbers.erase(doubled.begin(), doubled.end());
    return numbers;
  }
  return std::nullopt;
}

// Empty where there is no such source.
Numbers inputs_in(InputFiles& files, const CommandLine& line, const std::string& folder) {
  const auto source = files.file(below(folder, line.source));
  if (!source) {
    return {};
  }
  if (auto numbers = written_down(files, line, folder)) {
    return *std::move(numbers);
  }
  const SearchPath search{.quoted = all_below(folder, line.quoted), .all = all_below(folder, line.all)};
  Numbers from;
  for (const auto& forced : all_below(folder, line.forced)) {
    if (const auto number = files.file(forced)) {
      from.push_back(*number);
    }
  }
  from.push_back(*source);
  return files.reach(from, search);
}

}  // namespace

std::vector<InputFile> find_inputs(std::vector<KeyedCompilation>& compilations, std::string_view places) {
  InputFiles files;
  Places known(places);
  std::size_t total = 0;
  for (auto& compilation : compilations) {
    if (compilation.arguments.empty() || total >= k_max_inputs) {
      continue;
    }
    const auto line = read_command_line(compilation.arguments);
    auto folders = known.of(std::string(compilation.output()));
    if (folders.empty() && line.source.starts_with('/')) {
      folders.emplace_back("/");
    }
    for (const auto& folder : line.source.empty() ? std::vector<std::string>{} : folders) {
      compilation.inputs = inputs_in(files, line, folder);
      if (!compilation.inputs.empty()) {
        break;
      }
    }
    total += compilation.inputs.size();
  }
  return std::move(files).finish();
}

std::string ranges_of(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) {
      ++last;
    }
    text += text.empty() ? "" : " ";
    text += std::to_string(numbers[i]);
    if (last > i) {
      text += "-" + std::to_string(numbers[last]);
    }
    i = last + 1;
  }
  return text;
}

Result<std::vector<std::uint32_t>> parse_ranges(std::string_view text, std::size_t limit) {
  std::vector<std::uint32_t> numbers;
  const auto number = [&](std::string_view digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole && value < limit ? std::optional(value) : std::nullopt;
  };
  for (const auto range : split(text, ' ')) {
    if (range.empty()) {
      continue;
    }
    const auto dash = std::min(range.find('-'), range.size());
    const auto first = number(range.substr(0, dash));
    const auto last = dash < range.size() ? number(range.substr(dash + 1)) : first;
    const bool ascending = first && last && *first <= *last && (numbers.empty() || *first > numbers.back());
    if (!ascending) {
      return fail(Errc::invalid, "a list of numbers has {}", range);
    }
    for (auto value = *first; value <= *last; ++value) {
      numbers.push_back(value);
    }
  }
  return numbers;
}

}  // namespace agent::sccache
