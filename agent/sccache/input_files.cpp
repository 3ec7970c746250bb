#include "agent/sccache/input_files.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "agent/io/checksum.hpp"
#include "agent/io/file.hpp"

namespace agent::sccache {

namespace {

constexpr std::size_t k_most_includes = 5'000;  // of one file
constexpr std::size_t k_most_steps = 200'000;   // of one compilation
constexpr unsigned k_search_shift = 32;

std::uint64_t digest_of(std::string_view text) {
  const auto digest = io::sha256(std::as_bytes(std::span(text)));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = (number << 8U) | digest.bytes.at(i);
  }
  return number;
}

std::string_view without_spaces(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

}  // namespace

std::vector<InputFiles::Include> InputFiles::includes_of(std::string_view text) {
  std::vector<Include> found;
  for (std::size_t at = text.find('#'); at != std::string_view::npos && found.size() < k_most_includes;
       at = text.find('#', at + 1)) {
    auto rest = without_spaces(text.substr(at + 1));
    constexpr std::string_view k_include = "include";
    constexpr std::string_view k_next = "_next";
    if (!rest.starts_with(k_include)) {
      continue;
    }
    rest.remove_prefix(k_include.size());
    if (rest.starts_with(k_next)) {
      rest.remove_prefix(k_next.size());
    }
    rest = without_spaces(rest);
    if (rest.empty() || (rest.front() != '"' && rest.front() != '<')) {
      continue;
    }
    const bool quoted = rest.front() == '"';
    const auto end = rest.find(quoted ? '"' : '>', 1);
    if (end == std::string_view::npos || end == 1 || rest.substr(0, end).contains('\n')) {
      continue;
    }
    found.push_back({.name = std::string(rest.substr(1, end - 1)), .quoted = quoted});
  }
  return found;
}

std::optional<InputFiles::Number> InputFiles::add(Known known) {
  if (files_.size() == k_max_input_files) {
    return std::nullopt;
  }
  files_.push_back(std::move(known));
  return static_cast<Number>(files_.size() - 1);
}

std::optional<InputFiles::Number> InputFiles::file(const std::string& path) {
  if (const auto known = by_path_.find(path); known != by_path_.end()) {
    return known->second;
  }
  const auto usual = io::fs::path(path).lexically_normal();
  std::optional<Number> number;
  if (const auto known = by_path_.find(usual.string()); known != by_path_.end()) {
    number = known->second;
  } else if (io::read_file_into(usual, k_max_input_bytes, text_)) {
    number = add({.file = {.path = usual.string(), .digest = digest_of(text_)},
                  .folder = usual.parent_path().string(),
                  .includes = includes_of(text_)});
  }
  by_path_.insert_or_assign(usual.string(), number);
  by_path_.insert_or_assign(path, number);
  return number;
}

std::optional<InputFiles::Number> InputFiles::variable(std::string_view name, std::string_view value) {
  const auto path = "env:" + std::string(name);
  const auto [known, is_new] = by_path_.try_emplace(path + "=" + std::string(value));
  if (is_new) {
    known->second = add({.file = {.path = path, .digest = digest_of(value)}, .folder = {}, .includes = {}});
  }
  return known->second;
}

std::optional<InputFiles::Number> InputFiles::resolve(Number from, std::size_t which,
                                                      const SearchPath& search) {
  // Copied, because the files move when one is added.
  const auto [name, quoted] = files_[from].includes[which];
  if (name.starts_with('/')) {
    return file(name);
  }
  std::vector<std::string> folders;
  if (quoted) {
    folders.push_back(files_[from].folder);
    folders.insert(folders.end(), search.quoted.begin(), search.quoted.end());
  }
  folders.insert(folders.end(), search.all.begin(), search.all.end());
  for (auto& folder : folders) {
    folder.append("/").append(name);
    if (const auto found = file(folder)) {
      return found;
    }
  }
  return std::nullopt;
}

std::uint64_t InputFiles::number_of(const SearchPath& search) {
  std::string text;
  for (const auto* list : {&search.quoted, &search.all}) {
    for (const auto& folder : *list) {
      text += folder;
      text += '\n';
    }
    text += '\n';
  }
  return searches_.try_emplace(std::move(text), searches_.size()).first->second;
}

// Depth first, as a preprocessor goes, so that files are numbered in the order in which it meets them.
std::vector<InputFiles::Number> InputFiles::reach(const std::vector<Number>& from, const SearchPath& search) {
  struct Step {
    Number file;
    std::size_t next = 0;
  };
  const auto context = number_of(search) << k_search_shift;
  std::vector<bool> met(files_.size());
  std::vector<Number> found;
  std::vector<Step> open;
  const auto meet = [&](Number number) {
    met.resize(std::max<std::size_t>(met.size(), number + std::size_t{1}));
    if (!met[number]) {
      met[number] = true;
      found.push_back(number);
      open.push_back({.file = number});
    }
  };
  std::size_t steps = 0;
  for (const auto number : from) {
    meet(number);
    while (!open.empty() && steps < k_most_steps) {
      auto& step = open.back();
      if (step.next == files_[step.file].includes.size()) {
        open.pop_back();
        continue;
      }
      ++steps;
      auto& list = resolved_[context | step.file];
      const auto at = step.next++;
      if (at == list.size()) {
        list.push_back(resolve(step.file, at, search));
      }
      if (list[at]) {
        meet(*list[at]);
      }
    }
  }
  std::ranges::sort(found);
  return found;
}

std::vector<InputFile> InputFiles::finish() && {
  std::vector<InputFile> list;
  list.reserve(files_.size());
  for (auto& known : files_) {
    list.push_back(std::move(known.file));
  }
  return list;
}

}  // namespace agent::sccache
