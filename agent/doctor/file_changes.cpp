#include "agent/doctor/file_changes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace agent::doctor {

namespace {

std::string shown_path(const std::string& path, const std::string& folder) {
  constexpr std::string_view k_variable = "env:";
  if (path.starts_with(k_variable)) {
    return "env!(" + path.substr(k_variable.size()) + ")";
  }
  const bool inside = !folder.empty() && path.starts_with(folder) && path.size() > folder.size() + 1 &&
                      path[folder.size()] == '/';
  return inside ? path.substr(folder.size() + 1) : path;
}

std::vector<ChangedFile> shown_files(const app::RunRecord& record) {
  std::vector<ChangedFile> files;
  files.reserve(record.keys.files.size());
  for (const auto& file : record.keys.files) {
    files.push_back({.path = shown_path(file.path, record.surroundings.folder)});
  }
  return files;
}

// A variable has as many values as crates were given.
std::map<std::string, std::set<std::uint64_t>> digests_of(const std::vector<ChangedFile>& shown,
                                                          const app::RunRecord& record) {
  std::map<std::string, std::set<std::uint64_t>> digests;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    digests[shown[i].path].insert(record.keys.files[i].digest);
  }
  return digests;
}

const ChangedFile* first_of(const std::vector<ChangedFile>& files, const std::vector<std::uint32_t>& numbers,
                            FileChange change) {
  const auto found = std::ranges::find_if(
      numbers, [&](std::uint32_t number) { return number < files.size() && files[number].change == change; });
  return found == numbers.end() ? nullptr : &files[*found];
}

}  // namespace

FileChanges::FileChanges(const app::RunRecord& then, const app::RunRecord& now)
    : then_(shown_files(then)), now_(shown_files(now)) {
  const auto before = digests_of(then_, then);
  const auto after = digests_of(now_, now);
  for (std::size_t i = 0; i < now_.size(); ++i) {
    const auto known = before.find(now_[i].path);
    now_[i].now = now.keys.files[i].digest;
    if (known == before.end()) {
      now_[i].change = FileChange::appeared;
    } else if (!known->second.contains(now_[i].now)) {
      now_[i].change = FileChange::changed;
      now_[i].then = *known->second.begin();
    }
  }
  for (std::size_t i = 0; i < then_.size(); ++i) {
    then_[i].then = then.keys.files[i].digest;
    then_[i].change = after.contains(then_[i].path) ? FileChange::none : FileChange::vanished;
  }
}

std::optional<ChangedFile> FileChanges::first(const sccache::KeyedCompilation& then,
                                              const sccache::KeyedCompilation& now) const {
  if (then.inputs.empty() || now.inputs.empty()) {
    return std::nullopt;
  }
  const auto* found = first_of(now_, now.inputs, FileChange::changed);
  if (found == nullptr) {
    found = first_of(now_, now.inputs, FileChange::appeared);
  }
  if (found == nullptr) {
    found = first_of(then_, then.inputs, FileChange::vanished);
  }
  return found == nullptr ? std::nullopt : std::optional(*found);
}

}  // namespace agent::doctor
