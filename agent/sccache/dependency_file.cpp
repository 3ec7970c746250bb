#include "agent/sccache/dependency_file.hpp"

#include <algorithm>
#include <unordered_set>

namespace agent::sccache {

namespace {

constexpr std::string_view k_variable = "# env-dep:";

// One logical line: physical lines that end with a backslash go on with the next.
std::string_view take_line(std::string_view& text) {
  std::size_t end = text.find('\n');
  while (end != std::string_view::npos && end > 0 && text[end - 1] == '\\') {
    end = text.find('\n', end + 1);
  }
  end = std::min(end, text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Words as Make reads them: "\ " is a space of the name, "\#" a hash, "$$" a dollar; a backslash before the
// end of a line parts words.
class Words {
public:
  explicit Words(std::string_view line) : rest_(line) {}

  // Empty: there are no more.
  std::string next() {
    while (!rest_.empty() && (is_space(rest_.front()) || goes_on())) {
      rest_.remove_prefix(1);
    }
    std::string word;
    while (!rest_.empty() && !is_space(rest_.front()) && !goes_on()) {
      const bool quotes = rest_.size() > 1 && ((rest_[0] == '\\' && (rest_[1] == ' ' || rest_[1] == '#')) ||
                                               (rest_[0] == '$' && rest_[1] == '$'));
      word += rest_[quotes ? 1 : 0];
      rest_.remove_prefix(quotes ? 2 : 1);
    }
    return word;
  }

private:
  static bool is_space(char character) {
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
  }
  bool goes_on() const {
    return rest_.front() == '\\' && rest_.size() > 1 && (rest_[1] == '\n' || rest_[1] == '\r');
  }

  std::string_view rest_;
};

// Where the targets end: a colon before a space or the line's end, which drive letters and "a::b" have not.
std::size_t end_of_targets(std::string_view line) {
  for (std::size_t at = line.find(':'); at != std::string_view::npos; at = line.find(':', at + 1)) {
    if (at + 1 == line.size() || line[at + 1] == ' ' || line[at + 1] == '\t' || line[at + 1] == '\\' ||
        line[at + 1] == '\r') {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Dependencies parse_dependencies(std::string_view text) {
  Dependencies found;
  std::unordered_set<std::string> seen;
  text = text.substr(0, k_max_dependency_bytes);
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.starts_with(k_variable)) {
      const auto told = line.substr(k_variable.size());
      const auto equals = std::min(told.find('='), told.size());
      const auto value = told.substr(std::min(equals + 1, told.size()));
      if (found.variables.size() < k_max_dependencies) {
        found.variables.emplace_back(told.substr(0, equals), value);
      }
      continue;
    }
    const auto colon = line.starts_with('#') ? std::string_view::npos : end_of_targets(line);
    if (colon == std::string_view::npos) {
      continue;
    }
    Words words(line.substr(colon + 1));
    for (auto word = words.next(); !word.empty(); word = words.next()) {
      if (found.files.size() < k_max_dependencies && seen.insert(word).second) {
        found.files.push_back(std::move(word));
      }
    }
  }
  return found;
}

}  // namespace agent::sccache
