// What the cleaning of a workspace tells those who write to it: which blobs it is about to remove, and
// whether there is room. And what it tells itself: since when blobs are known to be referred to by nothing.
// Values with their JSON forms (docs/formats.md, "What a server keeps"). Errors: corrupt, unsupported.
//
// Whoever is going to refer to blobs writes down first that he does (an entry, a note of staged blobs, a
// segment of rows), then looks whether they are there, then asks may_refer(). The cleaning says first which
// blobs it removes, then reads what everybody wrote down, then removes. So one of the two sees the other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

struct GarbageState {
  std::vector<Digest> doomed;     // ascending; empty: nothing is being removed
  std::uint64_t used_bytes = 0;   // of all blobs, when they were counted last
  std::uint64_t limit_bytes = 0;  // with so many the workspace takes no more; 0: any number
  bool operator==(const GarbageState&) const = default;
};

constexpr std::uint64_t k_quota_refused = 2;  // times its quota, a workspace takes no more
constexpr std::size_t k_most_doomed = 10'000;
constexpr std::size_t k_most_marked_blobs = 100'000;

using GarbageMarks = std::map<Digest, std::uint64_t>;  // since when, milliseconds since 1970

std::string encode(const GarbageState& state);
std::string encode(const GarbageMarks& marks);
Result<GarbageState> parse_garbage_state(std::string_view text);
Result<GarbageMarks> parse_garbage_marks(std::string_view text);

std::string garbage_object(const Workspace& workspace);
std::string garbage_marks_object(const Workspace& workspace);

// Errors: transient (one of them is being removed: try again), full (the workspace's quota is exceeded).
Result<void> may_refer(backends::ObjectStorage& storage, const Workspace& workspace,
                       std::span<const Blob> blobs);

}  // namespace agent::server
