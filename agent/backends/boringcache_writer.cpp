#include "agent/backends/boringcache_writer.hpp"

#include "agent/backends/boringcache_names.hpp"
#include "agent/backends/sigv4.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::backends {

namespace {

constexpr std::uint64_t k_most_in_manifest = std::uint64_t{64} << 10U;
constexpr std::string_view k_usual_bootstrap = "0";

// Names the one blob of a large object, in the form that the API's own tools write.
std::string manifest_naming(std::string_view name, std::string_view digest, std::uint64_t size) {
  const io::Json blob(io::JsonObject{{"digest", digest}, {"size_bytes", size}});
  const io::Json file(
      io::JsonObject{{"path", name}, {"type", "file"}, {"size_bytes", size}, {"digest", digest}});
  return io::Json(io::JsonObject{{"format_version", 1},
                                 {"adapter", "file-v1"},
                                 {"entries", io::JsonArray{file}},
                                 {"blobs", io::JsonArray{blob}}})
      .dump();
}

}  // namespace

// One publish: the object, and how it is laid out on the server.
struct BoringcacheWriter::Wanted {
  std::string_view name;
  std::string_view bytes;
  std::string tag;
  std::string digest;  // of the object
  std::string naming;  // the manifest that names the blob; empty: the manifest is the object
  std::string_view manifest;

  std::uint64_t size() const { return bytes.size(); }
  bool has_blob() const { return !naming.empty(); }
  std::string operation() const { return fmt::format("write {}", name); }
};

// One request, and its other form for servers of the other generation.
struct BoringcacheWriter::Ways {
  ApiCall usual;
  ApiCall other;
  bool ServerFeatures::* feature = nullptr;  // whether the server takes the usual one
};

// The form that the server says it takes; the other one where it turns out not to know that path.
Result<net::ClientResponse> BoringcacheWriter::ask(const Ways& ways) {
  const auto is_unknown = [](const auto& answer) { return answer.status == 404 || answer.status == 405; };
  AGENT_TRY(auto features, client_.features());
  const bool is_usual = features.*ways.feature;
  AGENT_TRY(auto answer, client_.call(is_usual ? ways.usual : ways.other));
  if (!is_unknown(answer)) {
    return answer;
  }
  AGENT_TRY(auto second, client_.call(is_usual ? ways.other : ways.usual));
  if (is_unknown(second)) {
    return answer;  // it is something else that is not there
  }
  features.*ways.feature = !is_usual;
  client_.learn(features);
  return second;
}

// "Another upload in progress", "pending": they are about this entry or blob at this moment, while no version
// of the tag has been asked about yet. That one is at another version only `move` can tell.
Error BoringcacheWriter::refusal_of(const std::string& operation, const net::ClientResponse& answer) {
  auto error = client_.error_of(operation, answer);
  return error.code == Errc::conflict ? client_.not_now(operation, answer) : error;
}

std::string sha256_text(std::string_view bytes) {
  return "sha256:" + io::sha256(io::bytes_of(bytes)).hex();
}

Result<std::string> BoringcacheWriter::bootstrap() {
  AGENT_TRY(const auto features, client_.features());
  return features.bootstrap.empty() ? std::string(k_usual_bootstrap) : features.bootstrap;
}

Result<CreatedEntry> BoringcacheWriter::create(const Wanted& wanted) {
  ApiCall call{.operation = wanted.operation(), .method = "POST", .path = "/caches"};
  call.purpose = Purpose::save;
  // `force`: an entry of our own even where another one has the same content. Two writers who swap the same
  // bytes in must not take each other's publish for their own.
  call.body = io::JsonObject{
      {"cache", io::JsonObject{{"tag", wanted.tag},
                               {"manifest_root_digest", wanted.digest},
                               {"compression_algorithm", "zstd"},
                               {"total_size_bytes", wanted.size()},
                               {"storage_mode", "cas"},
                               {"blob_count", wanted.has_blob() ? 1 : 0},
                               {"blob_total_size_bytes", wanted.has_blob() ? wanted.size() : 0},
                               {"expected_manifest_digest", sha256_text(wanted.manifest)},
                               {"expected_manifest_size", std::uint64_t{wanted.manifest.size()}},
                               {"force", true}}}};
  AGENT_TRY(const auto answer, client_.call(call));
  if (answer.status / 100 != 2) {
    return std::unexpected(refusal_of(call.operation, answer));
  }
  return parse_created(answer.body);
}

Result<void> BoringcacheWriter::upload(const Wanted& wanted, const UploadPlace& place,
                                       std::string_view bytes) {
  Transfer put{.operation = wanted.operation(), .method = "PUT", .url = place.url};
  for (const auto& [name, value] : place.headers) {
    put.headers.set(name, value);
  }
  put.body = bytes;
  AGENT_TRY(const auto answer, client_.transfer(put));
  if (answer.status / 100 != 2) {
    return std::unexpected(refusal_of(put.operation, answer));
  }
  return {};
}

// Puts the object's bytes where the server wants them, unless it has them.
Result<void> BoringcacheWriter::stage(const Wanted& wanted, const std::string& entry) {
  ApiCall call{.operation = wanted.operation(), .method = "POST", .path = "/caches/blobs/stage"};
  call.purpose = Purpose::save;
  const io::Json blob(io::JsonObject{{"digest", wanted.digest}, {"size_bytes", wanted.size()}});
  call.body = io::JsonObject{{"cache_entry_id", entry}, {"blobs", io::JsonArray{blob}}};
  auto other = call;
  other.path = "/caches/blobs/upload-urls";
  AGENT_TRY(const auto answer,
            ask({.usual = call, .other = std::move(other), .feature = &ServerFeatures::stages_blobs}));
  if (answer.status / 100 != 2) {
    return std::unexpected(refusal_of(call.operation, answer));
  }
  AGENT_TRY(const auto place, parse_staged(answer.body, wanted.digest));
  return place ? upload(wanted, *place, wanted.bytes) : Result<void>();
}

// Moves the tag to the entry. Errors: conflict where it is not at `if_match`.
Result<std::string> BoringcacheWriter::move(const Wanted& wanted, const std::string& entry,
                                            const std::string& if_match) {
  ApiCall call{.operation = wanted.operation(),
               .method = "PUT",
               .path = fmt::format("/caches/tags/{}/publish", uri_encoded(wanted.tag))};
  call.purpose = Purpose::save;
  call.repeats = false;  // after a lost answer the caller looks what became of it
  call.headers.add("If-Match", if_match);
  const io::Json cache(io::JsonObject{{"manifest_digest", sha256_text(wanted.manifest)},
                                      {"manifest_size", std::uint64_t{wanted.manifest.size()}},
                                      {"blob_count", wanted.has_blob() ? 1 : 0},
                                      {"blob_total_size_bytes", wanted.has_blob() ? wanted.size() : 0}});
  auto other = call;
  other.method = "PATCH";
  other.path = fmt::format("/caches/{}", uri_encoded(entry));
  other.body = io::JsonObject{{"cache", cache}};
  call.body = io::JsonObject{{"cache_entry_id", entry}, {"publish_mode", "cas"}, {"cache", cache}};
  AGENT_TRY(const auto answer,
            ask({.usual = call, .other = std::move(other), .feature = &ServerFeatures::publishes_tags}));
  if (answer.status / 100 != 2) {
    // 409 is what a server says that has seen too many others move it meanwhile, and 412 what it says of one.
    const bool was_moved = answer.status == 409 || answer.status == 412;
    return std::unexpected(was_moved ? client_.error_of(call.operation, answer)
                                     : refusal_of(call.operation, answer));
  }
  return parse_published(answer.body);
}

// The new version.
Result<std::string> BoringcacheWriter::publish(std::string_view name, std::string_view bytes,
                                               const std::string& if_match) {
  Wanted wanted{
      .name = name, .bytes = bytes, .tag = {}, .digest = sha256_text(bytes), .naming = {}, .manifest = bytes};
  AGENT_TRY(wanted.tag, tag_of_object(name));
  if (!name.starts_with(k_moving_objects) && bytes.size() > k_most_in_manifest) {
    wanted.naming = manifest_naming(name, wanted.digest, bytes.size());
    wanted.manifest = wanted.naming;
  }
  AGENT_TRY(const auto entry, create(wanted));
  if (wanted.has_blob()) {
    AGENT_CHECK(stage(wanted, entry.id));
  }
  if (!entry.manifest_url.empty()) {
    AGENT_CHECK(upload(wanted, {.url = entry.manifest_url, .headers = {}}, wanted.manifest));
  }
  return move(wanted, entry.id, if_match);
}

}  // namespace agent::backends
