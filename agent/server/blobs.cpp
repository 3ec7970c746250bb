#include "agent/server/blobs.hpp"

#include <algorithm>
#include <memory>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_in_memory_bytes = std::uint64_t{16} << 20U;

}  // namespace

Result<std::optional<std::uint64_t>> Blobs::size_of(const Workspace& workspace, const Digest& digest) {
  const auto name = blob_object(workspace, digest);
  if (storage_.opens_in_place()) {
    AGENT_TRY(const auto file, storage_.open_in_place(name));
    return file ? std::optional(file->size) : std::nullopt;
  }
  AGENT_TRY(const auto objects, storage_.list(name));
  const auto found = std::ranges::find(objects, name, &backends::ObjectInfo::name);
  return found != objects.end() ? std::optional(found->size) : std::nullopt;
}

Result<bool> Blobs::has(const Workspace& workspace, const Blob& blob) {
  AGENT_TRY(const auto size, size_of(workspace, blob.digest));
  return size == blob.size_bytes;
}

Result<void> Blobs::put(const Workspace& workspace, const Digest& digest, const backends::Source& bytes) {
  AGENT_CHECK(storage_.put_if_absent(blob_object(workspace, digest), bytes));
  return {};
}

Result<std::optional<Blobs::Bytes>> Blobs::open(const Workspace& workspace, const Digest& digest,
                                                backends::Range range) {
  const auto name = blob_object(workspace, digest);
  if (storage_.opens_in_place()) {
    AGENT_TRY(auto file, storage_.open_in_place(name));
    if (!file) {
      return std::nullopt;
    }
    if (range.offset > file->size || range.size > file->size - range.offset) {
      return fail(Errc::corrupt, "blob {} is shorter than it was", digest_text(digest));
    }
    file->offset += range.offset;
    file->size = range.size;
    return Bytes(*std::move(file));
  }
  if (range.size > k_in_memory_bytes) {
    return spooled(name, range);
  }
  AGENT_TRY(auto bytes, storage_.get(name, range));
  return bytes ? std::optional<Bytes>(*std::move(bytes)) : std::nullopt;
}

Result<std::optional<Blobs::Bytes>> Blobs::spooled(const std::string& name, backends::Range range) {
  AGENT_TRY(auto opened, io::unnamed_file(spool_));
  const auto file = std::make_shared<const io::Fd>(std::move(opened));
  for (std::uint64_t done = 0; done < range.size;) {
    const auto step = std::min(k_in_memory_bytes, range.size - done);
    AGENT_TRY(const auto bytes, storage_.get(name, {.offset = range.offset + done, .size = step}));
    if (!bytes) {
      return std::nullopt;
    }
    AGENT_CHECK(io::write_all_at(file->get(), io::bytes_of(*bytes), done, "spool file"));
    done += step;
  }
  return Bytes(io::FileSlice{.fd = file->get(), .offset = 0, .size = range.size, .pin = file});
}

Result<Blob> Blobs::join(const Workspace& workspace, const std::vector<Blob>& parts) {
  AGENT_TRY(auto opened, io::unnamed_file(spool_));
  const auto file = std::make_shared<const io::Fd>(std::move(opened));
  io::Sha256 hash;
  Blob whole;
  for (const auto& part : parts) {
    for (std::uint64_t done = 0; done < part.size_bytes;) {
      const auto step = std::min(k_in_memory_bytes, part.size_bytes - done);
      AGENT_TRY(const auto bytes,
                storage_.get(blob_object(workspace, part.digest), {.offset = done, .size = step}));
      if (!bytes) {
        return fail(Errc::not_found, "NoSuchUpload: {} is gone", digest_text(part.digest));
      }
      AGENT_CHECK(io::write_all_at(file->get(), io::bytes_of(*bytes), whole.size_bytes, "spool file"));
      hash.update(io::bytes_of(*bytes));
      whole.size_bytes += step;
      done += step;
    }
  }
  whole.digest = hash.finish();
  AGENT_CHECK(put(workspace, whole.digest,
                  io::FileSlice{.fd = file->get(), .offset = 0, .size = whole.size_bytes, .pin = file}));
  return whole;
}

}  // namespace agent::server
