// Finds what a tool has added to its cache folder since the last look, by comparing names and inodes: the
// tool writes a temporary file and renames it, so an entry with a new name or another inode is new and
// complete, and touching one changes neither. Nothing is ever removed here. Used by one thread; blocks on the
// disk.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/core/result.hpp"
#include "agent/folders/cache_folder.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::folders {

struct Collected {
  std::uint64_t files = 0;
  std::uint64_t vanished = 0;  // evicted by the tool between our looking and our opening it
  std::uint64_t failed = 0;    // not taken; they are offered again next time
  std::optional<Error> error;  // the first of those
};

// What filled the folder, kept for whoever goes on collecting from it.
struct FilledWith {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Reads the list that Collector::remember writes; calls `known` for every entry that was there, with what
// told it from another of that name. Lines that are no entry are passed over. Errors: corrupt (it is not
// ours).
Result<FilledWith> parse_list(const CacheFolder& rules, std::string_view text,
                              const std::function<void(std::string_view path, std::uint64_t mark)>& known);

class Collector final {
public:
  Collector(const CacheFolder& rules, io::fs::path folder) : rules_(rules), folder_(std::move(folder)) {}

  // Takes note of what is there: it need not be collected. The list beside the folder lets another process go
  // on from here. Errors: io, full, denied.
  Result<void> remember(const FilledWith& filled);

  // Goes on from the list that an earlier process wrote. Errors: not_found; corrupt (it is not ours).
  Result<FilledWith> recall();

  // Gives every new entry to `take`: its path below the folder, and its bytes, which stay what they are while
  // the slice's pin lives. Errors: not_found where the folder is gone; io, denied.
  using Take = std::function<Result<void>(std::string_view path, const io::FileSlice& file)>;
  Result<Collected> collect(const Take& take);

private:
  const CacheFolder& rules_;
  io::fs::path folder_;
  // By hash of the path: eight bytes instead of eighty. Two paths with one hash, one in 10^8 folders of a
  // million entries, cost the later one its place in the tag.
  std::unordered_map<std::uint64_t, std::uint64_t> known_;
};

}  // namespace agent::folders
