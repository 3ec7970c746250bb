// Object storage behind a BoringCache server, the hosted one or `hearth server`. Every object is a tag of the
// workspace (boringcache_names.hpp) that points at an entry of content-addressed storage:
//
//   small objects and pointers   the entry's manifest is the object
//   packs                        the entry has one blob, the object; its manifest names it
//
// so that everything a storage promises is one publish with If-Match: with the bootstrap version it creates,
// with a version that was read it replaces. docs/decisions/0013-a-server-without-state.md says why.
#include <algorithm>
#include <map>

#include "agent/backends/boringcache_answers.hpp"
#include "agent/backends/boringcache_client.hpp"
#include "agent/backends/boringcache_names.hpp"
#include "agent/backends/boringcache_writer.hpp"
#include "agent/backends/builtin.hpp"
#include "agent/backends/object_name.hpp"
#include "agent/backends/s3_fault.hpp"
#include "agent/backends/sigv4.hpp"
#include "agent/backends/source.hpp"
#include "agent/io/mapping.hpp"

namespace agent::backends {

namespace {

constexpr std::uint64_t k_piece_bytes = std::uint64_t{32} << 20U;
constexpr auto k_urls_believed = std::chrono::minutes(45);

// A source's bytes where they are.
struct Content {
  io::Mapping mapping;
  std::string_view bytes;
};

Result<Content> content_of(const Source& source) {
  if (const auto* const text = std::get_if<std::string_view>(&source)) {
    return Content{.mapping = {}, .bytes = *text};
  }
  AGENT_TRY(auto mapping, io::Mapping::of(std::get<io::FileSlice>(source)));
  const auto bytes = mapping.view();
  return Content{.mapping = std::move(mapping), .bytes = bytes};
}

// What came of a URL.
struct Fetched {
  std::optional<std::string> bytes;  // empty: it leads nowhere (any more)
  std::optional<Error> doubt;        // where it does, and nobody says that the object is gone
};

// Where an object's bytes are to be had.
struct Located {
  std::string url;
  std::uint64_t size = 0;
  std::string root_digest;
  Steady resolved{};
};

class Boringcache final : public ObjectStorage {
public:
  Boringcache(BoringcacheAddress address, BoringcacheTokens tokens, const StorageServices& services)
      : client_(std::move(address), std::move(tokens), services), clock_(services.clock) {}

  std::string describe() const override { return client_.address().describe(); }
  Result<Put> put_if_absent(std::string_view name, const Source& source) override;
  Result<std::optional<std::string>> get(std::string_view name, Range range) override;
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override;
  Result<std::optional<Versioned>> read(std::string_view name) override;
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override;

private:
  struct Remembered {
    std::string etag;
    Versioned value;
  };

  Result<std::optional<Located>> locate(std::string_view name);
  Result<std::optional<Located>> resolve(std::string_view name);
  Result<void> confirm_absent(std::string_view name, std::string_view operation,
                              const net::ClientResponse& answer);
  Result<Fetched> fetch(std::string_view name, const Located& located, Range range);
  void forget(std::string_view name);
  bool wants_signatures() const { return !client_.address().trusted_keys.empty(); }
  Result<void> verify(const EntrySignature& signature, const SignedEntry& said) const;
  Result<std::optional<Versioned>> content_of_pointer(std::string_view name, const TagPointer& pointer);

  BoringcacheClient client_;
  BoringcacheWriter writer_{client_};
  const Clock& clock_;
  Guarded<std::map<std::string, Located, std::less<>>> located_;      // of what never changes
  Guarded<std::map<std::string, Remembered, std::less<>>> pointers_;  // as last read
};

Result<Put> Boringcache::put_if_absent(std::string_view name, const Source& source) {
  AGENT_CHECK(check_object_name(name));
  AGENT_TRY(const auto content, content_of(source));
  AGENT_TRY(const auto expected, writer_.bootstrap());
  const auto version = writer_.publish(name, content.bytes, expected);
  if (version) {
    return Put::created;
  }
  auto error = version.error();
  if (error.code == Errc::conflict) {
    // Who hears "existed" throws away what he has: it must be there for all to read, not only on its way.
    AGENT_TRY(const auto there, resolve(name));
    if (there) {
      return Put::existed;
    }
    error.code = Errc::transient;
  }
  return std::unexpected(std::move(error));
}

Result<std::string> Boringcache::compare_and_swap(std::string_view name,
                                                  const std::optional<std::string>& expected,
                                                  std::string_view content) {
  AGENT_CHECK(check_swap(name, content));
  std::string if_match;
  if (expected) {
    if_match = *expected;
  } else {
    AGENT_TRY(if_match, writer_.bootstrap());
  }
  return writer_.publish(name, content, if_match);
}

// Where keys were named that are trusted, that one of them signed what the server says of a tag.
Result<void> Boringcache::verify(const EntrySignature& signature, const SignedEntry& said) const {
  if (!wants_signatures()) {
    return {};
  }
  auto verified = verify_entry(signature, said, client_.address().trusted_keys);
  if (!verified) {
    return with_context(fmt::format("tag {} at {} is not believed", said.tag, describe()), verified.error());
  }
  return {};
}

// Of a 404. An object that is wrongly taken for absent is lost: compaction takes it out of the tag for good,
// and a tag whose manifest is gone begins anew. So where the API does not say so itself, the listing has to.
Result<void> Boringcache::confirm_absent(std::string_view name, std::string_view operation,
                                         const net::ClientResponse& answer) {
  if (says_not_found(answer.body)) {
    return {};
  }
  AGENT_TRY(const auto listed, list(name));
  const bool is_there = std::ranges::find(listed, name, &ObjectInfo::name) != listed.end();
  return is_there ? std::unexpected(client_.not_now(operation, answer)) : Result<void>();
}

Result<std::optional<Located>> Boringcache::resolve(std::string_view name) {
  AGENT_TRY(const auto tag, tag_of_object(name));
  const ApiCall call{.operation = fmt::format("read {}", name),
                     .path = fmt::format("/caches?entries={}{}", uri_encoded(tag),
                                         wants_signatures() ? "&require_signed=1" : "")};
  AGENT_TRY(const auto answer, client_.call(call));
  if (answer.status == 404) {
    AGENT_CHECK(confirm_absent(name, call.operation, answer));
    return std::nullopt;
  }
  if (answer.status / 100 != 2) {
    return std::unexpected(client_.error_of(call.operation, answer));
  }
  AGENT_TRY(const auto hit, parse_restored(answer.body, tag));
  if (!hit) {
    return std::nullopt;
  }
  AGENT_CHECK(verify(hit->signature, {.entry = hit->entry, .tag = tag, .root_digest = hit->root_digest}));
  Located located{.url = hit->manifest_url,
                  .size = hit->object_bytes,
                  .root_digest = hit->root_digest,
                  .resolved = clock_.now()};
  if (hit->blob_count == 0) {
    return std::optional(std::move(located));
  }
  ApiCall urls{.operation = call.operation, .method = "POST", .path = "/caches/blobs/download-urls"};
  const io::Json blob(io::JsonObject{{"digest", hit->root_digest}, {"size_bytes", hit->object_bytes}});
  urls.body = io::JsonObject{{"cache_entry_id", hit->entry}, {"blobs", io::JsonArray{blob}}};
  AGENT_TRY(const auto places, client_.call(urls));
  if (places.status / 100 != 2) {
    return std::unexpected(client_.error_of(urls.operation, places));
  }
  AGENT_TRY(auto url, parse_download_url(places.body, hit->root_digest));
  if (!url) {
    return std::nullopt;  // the tag is there, its blob is gone: as good as no object
  }
  located.url = *std::move(url);
  return std::optional(std::move(located));
}

Result<std::optional<Located>> Boringcache::locate(std::string_view name) {
  const auto oldest = clock_.now() - k_urls_believed;
  auto known = located_.with([&](const auto& all) -> std::optional<Located> {
    const auto found = all.find(name);
    return found != all.end() && found->second.resolved > oldest ? std::optional(found->second)
                                                                 : std::nullopt;
  });
  if (known) {
    return known;
  }
  AGENT_TRY(auto located, resolve(name));
  if (located && !name.starts_with(k_moving_objects)) {
    located_.with([&](auto& all) { all.insert_or_assign(std::string(name), *located); });
  }
  return located;
}

void Boringcache::forget(std::string_view name) {
  located_.with([&](auto& all) {
    if (const auto found = all.find(name); found != all.end()) {
      all.erase(found);
    }
  });
}

// REQUIRES: the range is in the object.
Result<Fetched> Boringcache::fetch(std::string_view name, const Located& located, Range range) {
  std::string bytes;
  while (bytes.size() < range.size) {
    const auto begin = range.offset + bytes.size();
    const auto step = std::min<std::uint64_t>(k_piece_bytes, range.size - bytes.size());
    Transfer transfer{.operation = fmt::format("read {}", name), .method = "GET", .url = located.url};
    transfer.headers.add("Range", fmt::format("bytes={}-{}", begin, begin + step - 1));
    AGENT_TRY(auto answer, client_.transfer(transfer));
    if (answer.status == 403 || answer.status == 404) {
      // The hosted service's URLs lead to an S3 storage.
      const bool is_gone = answer.status == 404 && (says_not_found(answer.body) || is_missing_object(answer));
      return Fetched{
          .bytes = {},
          .doubt = is_gone ? std::nullopt : std::optional(client_.not_now(transfer.operation, answer))};
    }
    if (answer.status == 200 && answer.body.size() >= begin + step) {  // no ranges there: all of it
      answer.body = answer.body.substr(begin, step);
    } else if (answer.status != 206) {
      return std::unexpected(client_.error_of(transfer.operation, answer));
    }
    if (answer.body.size() != step) {
      return fail(Errc::corrupt, "read {} at {}: bytes {}+{} are beyond its end", name, describe(), begin,
                  step);
    }
    if (step == range.size) {
      return Fetched{.bytes = std::move(answer).body, .doubt = {}};
    }
    bytes += answer.body;
  }
  return Fetched{.bytes = std::move(bytes), .doubt = {}};
}

Result<std::optional<std::string>> Boringcache::get(std::string_view name, Range range) {
  AGENT_CHECK(check_object_name(name));
  constexpr int k_attempts = 2;  // the second one with a new URL
  std::optional<Error> doubt;
  for (int i = 0; i < k_attempts; ++i) {
    AGENT_TRY(const auto located, locate(name));
    if (!located) {
      return std::nullopt;
    }
    if (range.offset > located->size || range.size > located->size - range.offset) {
      return fail(Errc::corrupt, "read {} at {}: bytes {}+{} are beyond its end", name, describe(),
                  range.offset, range.size);
    }
    AGENT_TRY(auto fetched, fetch(name, *located, range));
    if (fetched.bytes) {
      return std::move(fetched.bytes);
    }
    doubt = std::move(fetched.doubt);
    forget(name);
  }
  if (doubt) {
    return std::unexpected(*std::move(doubt));
  }
  return std::nullopt;
}

Result<std::optional<io::FileSlice>> Boringcache::open_in_place(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  return fail(Errc::unsupported, "open {} at {}: a server has ranged reads only", name, describe());
}

// The object that a pointer names; empty where the tag has moved on since.
Result<std::optional<Versioned>> Boringcache::content_of_pointer(std::string_view name,
                                                                 const TagPointer& pointer) {
  std::optional<std::string> content;
  const bool is_signed = !pointer.signature.key.empty() || !wants_signatures();
  if (!pointer.manifest_url.empty() && is_signed && name.starts_with(k_moving_objects)) {
    AGENT_TRY(const auto tag, tag_of_object(name));
    AGENT_CHECK(
        verify(pointer.signature, {.entry = pointer.entry, .tag = tag, .root_digest = pointer.root_digest}));
    const Transfer transfer{
        .operation = fmt::format("read {}", name), .method = "GET", .url = pointer.manifest_url};
    AGENT_TRY(auto answer, client_.transfer(transfer));
    content = answer.status == 200 ? std::optional(std::move(answer).body) : std::nullopt;
  } else {
    AGENT_TRY(const auto located, resolve(name));
    if (located && located->size > k_small_object_bytes) {
      return fail(Errc::corrupt, "read {} at {}: {} bytes; at most {} are read", name, describe(),
                  located->size, k_small_object_bytes);
    }
    if (located && located->root_digest == pointer.root_digest) {
      AGENT_TRY(auto fetched, fetch(name, *located, {.offset = 0, .size = located->size}));
      content = std::move(fetched.bytes);
    }
  }
  if (!content || sha256_text(*content) != pointer.root_digest) {
    return std::nullopt;
  }
  return Versioned{.content = *std::move(content), .version = pointer.version};
}

Result<std::optional<Versioned>> Boringcache::read(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  AGENT_TRY(const auto tag, tag_of_object(name));
  constexpr int k_attempts = 8;
  for (int i = 0; i < k_attempts; ++i) {
    const auto known = pointers_.with([&](const auto& all) {
      const auto found = all.find(name);
      return found != all.end() ? std::optional(found->second) : std::nullopt;
    });
    ApiCall call{.operation = fmt::format("read {}", name),
                 .path = fmt::format("/caches/tags/{}/pointer{}", uri_encoded(tag),
                                     wants_signatures() ? "?require_signed=1" : "")};
    if (known) {
      call.headers.add("If-None-Match", known->etag);
    }
    AGENT_TRY(const auto answer, client_.call(call));
    if (answer.status == 304 && known) {
      return known->value;
    }
    if (answer.status == 404) {
      AGENT_CHECK(confirm_absent(name, call.operation, answer));
      return std::nullopt;
    }
    if (answer.status != 200) {
      return std::unexpected(client_.error_of(call.operation, answer));
    }
    AGENT_TRY(const auto pointer, parse_tag_pointer(answer.body));
    AGENT_TRY(auto value, content_of_pointer(name, pointer));
    if (value) {
      const auto etag = std::string(answer.headers.get("ETag"));
      pointers_.with([&](auto& all) {
        if (etag.empty()) {
          return;
        }
        all.insert_or_assign(std::string(name), Remembered{.etag = etag, .value = *value});
      });
      return value;
    }
  }
  return fail(Errc::transient, "read {} at {}: it changes faster than it can be read", name, describe());
}

Result<void> Boringcache::remove(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  AGENT_TRY(const auto tag, tag_of_object(name));
  ApiCall call{.operation = fmt::format("remove {}", name), .method = "DELETE", .path = "/caches"};
  call.purpose = Purpose::save;
  call.body = io::JsonObject{{"entries", io::JsonArray{tag}}};
  AGENT_TRY(const auto answer, client_.call(call));
  forget(name);
  if (answer.status == 404) {
    return confirm_absent(name, call.operation, answer);
  }
  return answer.status / 100 == 2 ? Result<void>()
                                  : std::unexpected(client_.error_of(call.operation, answer));
}

Result<std::vector<ObjectInfo>> Boringcache::list(std::string_view prefix) {
  AGENT_CHECK(check_object_prefix(prefix));
  constexpr std::size_t k_page = 1000;
  std::map<std::string, ObjectInfo> found;
  std::size_t offset = 0;
  bool has_more = true;
  while (has_more) {
    const ApiCall call{.operation = fmt::format("list {}", prefix),
                       .path = fmt::format("/tags?limit={}&offset={}&filter={}", k_page, offset,
                                           uri_encoded(tag_prefix_of(prefix)))};
    AGENT_TRY(const auto answer, client_.call(call));
    if (answer.status / 100 != 2) {
      return std::unexpected(client_.error_of(call.operation, answer));
    }
    AGENT_TRY(const auto page, parse_tag_page(answer.body));
    for (const auto& tag : page.tags) {
      const auto name = object_of_tag(tag.name);
      if (name && name->starts_with(prefix) && check_object_name(*name)) {
        found.insert_or_assign(*name,
                               ObjectInfo{.name = *name, .size = tag.size_bytes, .modified = tag.uploaded});
      }
    }
    offset += page.tags.size();
    has_more = page.has_more && !page.tags.empty();
  }
  std::vector<ObjectInfo> listed;
  std::ranges::transform(found, std::back_inserter(listed), [](const auto& at) { return at.second; });
  return listed;
}

}  // namespace

Result<std::unique_ptr<ObjectStorage>> make_boringcache(const StorageUrl& url,
                                                        const StorageServices& services) {
  AGENT_TRY(auto address, parse_boringcache_address(url, services.variables));
  AGENT_TRY(auto tokens, find_boringcache_tokens(services.variables));
  return std::make_unique<Boringcache>(std::move(address), std::move(tokens), services);
}

}  // namespace agent::backends
