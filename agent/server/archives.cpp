#include "agent/server/archives.hpp"

#include <algorithm>
#include <map>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::server {

namespace {

// Where the notes of an entry's parts stand: apart from those of what publishing needs.
std::string parts_of_entry(std::string_view entry) {
  return fmt::format("{}.parts", entry);
}

}  // namespace

std::string part_text(const ArchivePart& part) {
  return fmt::format("{}.{}", part.entry, part.number);
}

std::optional<ArchivePart> parse_part(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || !is_id(text.substr(0, dot), 'e')) {
    return std::nullopt;
  }
  const auto number = net::parse_length(text.substr(dot + 1));
  if (!number || *number > k_whole_part) {
    return std::nullopt;
  }
  return ArchivePart{.entry = std::string(text.substr(0, dot)), .number = static_cast<unsigned>(*number)};
}

unsigned parts_of(std::uint64_t bytes) {
  const auto parts = (bytes + k_archive_part - 1) / k_archive_part;
  return static_cast<unsigned>(std::clamp<std::uint64_t>(parts, 1, k_most_parts));
}

Result<void> note_part(Tags& tags, const Workspace& workspace, const ArchivePart& part, const Blob& blob) {
  return part.number == k_whole_part ? tags.note_blobs(workspace, part.entry, {blob})
                                     : tags.note_blobs(workspace, parts_of_entry(part.entry), {blob});
}

Result<std::vector<CompletedPart>> parse_completion(const io::Json& body) {
  const auto* const array = body["multipart"]["parts"].array();
  if (array == nullptr || array->empty() || array->size() > k_most_parts) {
    return fail(Errc::invalid, "multipart.parts: an array of 1 to {} is expected", k_most_parts);
  }
  std::vector<CompletedPart> parts;
  for (const auto& item : *array) {
    const auto number = item["part_number"].count();
    if (!number || *number != parts.size() + 1) {
      return fail(Errc::invalid, "multipart.parts: they are numbered from 1, in order");
    }
    auto etag = item.text("etag");
    std::erase(etag, '"');
    parts.push_back({.number = static_cast<unsigned>(*number), .etag = std::move(etag)});
  }
  return parts;
}

Result<Blob> complete_parts(Tags& tags, Blobs& blobs, const Workspace& workspace, std::string_view entry,
                            const std::vector<CompletedPart>& parts) {
  AGENT_TRY(const auto noted, tags.noted_blobs(workspace, parts_of_entry(entry)));
  std::vector<Blob> pieces;
  for (const auto& part : parts) {  // the ETag of a part is the digest of its bytes
    const auto found =
        std::ranges::find_if(noted, [&](const auto& blob) { return blob.digest.hex() == part.etag; });
    if (found == noted.end()) {
      return fail(Errc::not_found, "NoSuchUpload: part {} of {} did not arrive", part.number, entry);
    }
    pieces.push_back(*found);
  }
  AGENT_TRY(const auto whole, blobs.join(workspace, pieces));
  AGENT_CHECK(tags.note_blobs(workspace, entry, {whole}));
  return whole;
}

}  // namespace agent::server
