// Which files two recorded runs read in different versions: the header behind a key that is another one now.
// Paths are compared relative to the folder of each run, so that checkouts may lie elsewhere.
// Const methods are safe from any thread. The records outlive the object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/app/run_record.hpp"

namespace agent::doctor {

enum class FileChange : std::uint8_t { none, changed, appeared, vanished };

struct ChangedFile {
  std::string path;  // relative to the run's folder where it is below it; "env!(NAME)" for a variable
  FileChange change = FileChange::none;
  std::uint64_t then = 0;  // digests; 0 where there was none
  std::uint64_t now = 0;
};

class FileChanges final {
public:
  FileChanges(const app::RunRecord& then, const app::RunRecord& now);

  // The first file that is another one now, in the order in which the later run met its files; else one that
  // only one of the runs read. Empty where all are the same, or none are on record.
  std::optional<ChangedFile> first(const sccache::KeyedCompilation& then,
                                   const sccache::KeyedCompilation& now) const;

private:
  std::vector<ChangedFile> then_;  // by number
  std::vector<ChangedFile> now_;
};

}  // namespace agent::doctor
