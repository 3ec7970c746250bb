// Archives: one file per entry, uploaded whole or in parts, whose digest is known only once it arrived. It is
// kept as the blob that it then is; a note of its entry says which. Parts are noted apart, and forgotten
// after a day. Functions over the stores; thread-safe as those are. Errors: those of the storage; invalid,
// conflict.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/server/blobs.hpp"
#include "agent/server/names.hpp"
#include "agent/server/tags.hpp"

namespace agent::server {

constexpr std::uint64_t k_largest_archive = std::uint64_t{16} << 30U;
constexpr std::uint64_t k_archive_part = std::uint64_t{64} << 20U;
constexpr unsigned k_most_parts = 256;
constexpr unsigned k_manifest_part = 0;
constexpr unsigned k_whole_part = 1'000;  // the archive in one piece

// "e_….7": one upload of an archive entry, as signed URLs name it.
struct ArchivePart {
  std::string entry;
  unsigned number = 0;
};
std::string part_text(const ArchivePart& part);
std::optional<ArchivePart> parse_part(std::string_view text);

// How many parts an archive of this size is uploaded in: 1 where it goes in one piece.
unsigned parts_of(std::uint64_t bytes);

// The blob has arrived. The archive itself is what publishing needs from now on.
Result<void> note_part(Tags& tags, const Workspace& workspace, const ArchivePart& part, const Blob& blob);

struct CompletedPart {
  unsigned number = 0;
  std::string etag;
};
// The body of POST W/caches/ID/multipart/complete. Errors: invalid.
Result<std::vector<CompletedPart>> parse_completion(const io::Json& body);

// Joins the parts to one blob and notes it. Errors: not_found (NoSuchUpload: a part did not arrive, or is
// another one than said).
Result<Blob> complete_parts(Tags& tags, Blobs& blobs, const Workspace& workspace, std::string_view entry,
                            const std::vector<CompletedPart>& parts);

}  // namespace agent::server
