#include "agent/server/tags.hpp"

#include <algorithm>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/random.hpp"

namespace agent::server {

namespace {

constexpr int k_most_rounds = 64;
constexpr std::size_t k_noted_bytes = std::size_t{1} << 20U;

std::string noted_text(const std::vector<Blob>& blobs) {
  io::JsonArray list;
  for (const auto& blob : blobs) {
    list.emplace_back(io::JsonObject{{"digest", digest_text(blob.digest)}, {"size_bytes", blob.size_bytes}});
  }
  return io::Json(std::move(list)).dump() + "\n";
}

Result<void> add_noted(std::string_view text, std::vector<Blob>& blobs) {
  AGENT_TRY(const auto json, io::parse_json(text, "staged blobs", {.bytes = k_noted_bytes, .depth = 4}));
  for (const auto& item : json.is_array() ? *json.array() : io::JsonArray()) {
    const auto digest = parse_digest(item.text("digest"));
    if (!digest) {
      return fail(Errc::corrupt, "staged blobs: a digest is missing");
    }
    blobs.push_back({.digest = *digest, .size_bytes = item["size_bytes"].count().value_or(0)});
  }
  return {};
}

}  // namespace

Result<Entry> Tags::create_entry(const Workspace& workspace, Entry entry) {
  entry.id = random_id('e');
  entry.created_ms = milliseconds_of(clock_.wall());
  const auto text = encode(entry);
  AGENT_TRY(const auto put,
            storage_.put_if_absent(entry_object(workspace, entry.id), std::string_view(text)));
  if (put == backends::Put::existed) {
    return fail(Errc::transient, "entry {} was there already", entry.id);
  }
  return entry;
}

Result<std::optional<Entry>> Tags::find_entry(const Workspace& workspace, std::string_view id) {
  if (!is_id(id, 'e')) {
    return std::nullopt;
  }
  AGENT_TRY(const auto object, storage_.read(entry_object(workspace, id)));
  if (!object) {
    return std::nullopt;
  }
  AGENT_TRY(auto entry, parse_entry(object->content));
  return std::optional(std::move(entry));
}

Result<void> Tags::note_blobs(const Workspace& workspace, std::string_view entry,
                              const std::vector<Blob>& blobs) {
  if (entry.empty()) {
    return renew_notes(workspace, "none", blobs);
  }
  const auto text = noted_text(blobs);
  const auto name = staged_prefix(workspace, entry) + io::sha256(io::bytes_of(text)).hex();
  AGENT_CHECK(storage_.put_if_absent(name, std::string_view(text)));
  return {};
}

Result<void> Tags::renew_notes(const Workspace& workspace, std::string_view entry, std::vector<Blob> blobs) {
  constexpr std::size_t k_most_of_a_note = 5'000;
  while (!blobs.empty()) {
    const auto count = std::min(k_most_of_a_note, blobs.size());
    const auto from = blobs.end() - static_cast<std::ptrdiff_t>(count);
    const auto text = noted_text({from, blobs.end()});
    blobs.erase(from, blobs.end());
    AGENT_CHECK(
        storage_.put_if_absent(staged_prefix(workspace, entry) + random_id('n'), std::string_view(text)));
  }
  return {};
}

Result<std::vector<Blob>> Tags::blobs_of_note(const std::string& object) {
  std::vector<Blob> blobs;
  AGENT_TRY(const auto text, storage_.read(object));
  if (text) {
    AGENT_CHECK(add_noted(text->content, blobs));
  }
  return blobs;
}

Result<std::vector<Blob>> Tags::noted_blobs(const Workspace& workspace, std::string_view entry) {
  AGENT_TRY(const auto objects, storage_.list(staged_prefix(workspace, entry)));
  std::vector<Blob> blobs;
  for (const auto& object : objects) {
    AGENT_TRY(const auto noted, blobs_of_note(object.name));
    blobs.insert(blobs.end(), noted.begin(), noted.end());
  }
  return blobs;
}

Result<Tags::Current> Tags::read(const std::string& object, std::string_view tag) {
  AGENT_TRY(auto found, storage_.read(object));
  if (!found) {
    return Current{};
  }
  AGENT_TRY(auto record, parse_tag_record(found->content));
  if (!tag.empty() && record.tag != tag) {
    return fail(Errc::corrupt, "tag {}: what is kept there is tag {}", tag, record.tag);
  }
  return Current{.record = std::move(record), .version = std::move(found->version)};
}

Result<std::optional<TagRecord>> Tags::find(const Workspace& workspace, std::string_view tag) {
  return find_at(tag_object(workspace, tag), tag);
}

Result<std::optional<TagRecord>> Tags::find_root(const Workspace& workspace, std::string_view root_digest) {
  const auto name = name_of_root(root_digest);
  return find_at(digests_prefix(workspace) + name, name);
}

Result<std::optional<TagRecord>> Tags::find_at(const std::string& object, std::string_view tag) {
  AGENT_TRY(auto current, read(object, tag));
  if (current.record && current.record->is_deleted) {
    current.record.reset();
  }
  return std::move(current.record);
}

Result<std::optional<TagRecord>> Tags::change(const Workspace& workspace, std::string_view tag,
                                              const Decide& decide) {
  return change_at(tag_object(workspace, tag), tag, decide);
}

Result<std::optional<TagRecord>> Tags::change_root(const Workspace& workspace, std::string_view root_digest,
                                                   const Decide& decide) {
  const auto name = name_of_root(root_digest);
  return change_at(digests_prefix(workspace) + name, name, decide);
}

Result<std::optional<TagRecord>> Tags::change_at(const std::string& object, std::string_view tag,
                                                 const Decide& decide) {
  for (int round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(const auto current, read(object, tag));
    const bool is_there = current.record && !current.record->is_deleted;
    AGENT_TRY(auto wanted, decide(is_there ? &*current.record : nullptr));
    if (!wanted) {
      return std::nullopt;
    }
    // Counting goes on over a deletion, and the random part makes a version unique, so that no version ever
    // means two things.
    wanted->tag = tag;
    wanted->generation = (current.record ? current.record->generation : 0) + 1;
    wanted->previous = is_there ? current.record->version : std::string();
    wanted->version = fmt::format("{}.{}", wanted->generation, io::random_mark());
    wanted->published_ms = milliseconds_of(clock_.wall());
    const auto swapped = storage_.compare_and_swap(object, current.version, encode(*wanted));
    if (swapped) {
      return wanted;
    }
    if (swapped.error().code != Errc::conflict) {
      return std::unexpected(swapped.error());
    }
  }
  return fail(Errc::conflict, "tag {}: others keep changing it", tag);
}

Result<bool> Tags::remove(const Workspace& workspace, std::string_view tag) {
  AGENT_TRY(const auto changed,
            change(workspace, tag, [](const TagRecord* current) -> Result<std::optional<TagRecord>> {
              if (current == nullptr) {
                return std::nullopt;
              }
              TagRecord gone;
              gone.is_deleted = true;
              return gone;
            }));
  return changed.has_value();
}

Result<std::vector<TagRecord>> Tags::list_roots(const Workspace& workspace) {
  AGENT_TRY(const auto objects, storage_.list(digests_prefix(workspace)));
  std::vector<TagRecord> found;
  for (const auto& object : objects) {
    AGENT_TRY(auto current, read(object.name, {}));
    if (current.record && !current.record->is_deleted) {
      found.push_back(*std::move(current.record));
    }
  }
  return found;
}

Result<std::vector<TagRecord>> Tags::list(const Workspace& workspace, std::string_view part) {
  const auto prefix = tags_prefix(workspace);
  AGENT_TRY(const auto objects, storage_.list(prefix));
  std::vector<TagRecord> found;
  for (const auto& object : objects) {
    const auto name = std::string_view(object.name).substr(prefix.size());
    if (!name.starts_with('.') && !name.contains(part)) {
      continue;
    }
    AGENT_TRY(auto current, read(object.name, {}));
    if (current.record && !current.record->is_deleted && current.record->tag.contains(part)) {
      found.push_back(*std::move(current.record));
    }
  }
  std::ranges::sort(found, {}, &TagRecord::tag);
  return found;
}

}  // namespace agent::server
