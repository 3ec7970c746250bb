#include "agent/backends/s3.hpp"

#include <algorithm>

#include "agent/backends/builtin.hpp"
#include "agent/backends/object_name.hpp"
#include "agent/backends/s3_fault.hpp"
#include "agent/backends/source.hpp"
#include "agent/core/log.hpp"
#include "agent/io/xml.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::backends {

namespace {

constexpr std::uint64_t k_single_put_bytes = std::uint64_t{64} << 20U;  // beyond it: in parts
constexpr std::uint64_t k_piece_bytes = std::uint64_t{32} << 20U;       // of one ranged request

std::unexpected<Error> beyond_the_end(const S3Client& client, std::string_view name, Range range) {
  return fail(Errc::corrupt, "read {} at {}: bytes {}+{} are beyond its end", name,
              client.address().describe(), range.offset, range.size);
}

// "bytes 0-99/1234"
struct ContentRange {
  std::uint64_t begin = 0;
  std::optional<std::uint64_t> total;
};

std::optional<ContentRange> content_range_of(const net::Headers& headers) {
  constexpr std::string_view k_unit = "bytes ";
  auto text = headers.get("Content-Range");
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (!text.starts_with(k_unit) || dash == std::string_view::npos || slash == std::string_view::npos ||
      slash < dash) {
    return std::nullopt;
  }
  const auto begin = net::parse_length(text.substr(k_unit.size(), dash - k_unit.size()));
  return begin ? std::optional(
                     ContentRange{.begin = *begin, .total = net::parse_length(text.substr(slash + 1))})
               : std::nullopt;
}

struct Page {
  std::vector<ObjectInfo> objects;
  std::string next;  // empty: the last one
};

// Keys below the prefix that are no names of ours are left out.
Result<Page> parse_page(const net::ClientResponse& answer, std::string_view prefix) {
  AGENT_TRY(const auto xml, io::parse_xml(answer.body, "list of objects"));
  if (xml.name != "ListBucketResult") {
    return fail(Errc::invalid, "list of objects: the answer is '{}'", xml.name.substr(0, 40));
  }
  Page page;
  for (const auto& entry : xml.children) {
    const auto key = entry.text_at("Key");
    if (entry.name != "Contents" || !key.starts_with(prefix) ||
        !check_object_name(key.substr(prefix.size()))) {
      continue;
    }
    const auto size = net::parse_length(entry.text_at("Size"));
    const auto modified = parse_iso_time(entry.text_at("LastModified"));
    if (!size || !modified) {
      return fail(Errc::invalid, "list of objects: an entry without size or time");
    }
    page.objects.push_back(
        {.name = std::string(key.substr(prefix.size())), .size = *size, .modified = *modified});
  }
  if (xml.text_at("IsTruncated") == "true") {
    page.next = xml.text_at("NextContinuationToken");
    if (page.next.empty()) {
      return fail(Errc::invalid, "list of objects: it goes on, but does not say where");
    }
  }
  return page;
}

}  // namespace

Result<std::unique_ptr<S3>> S3::open(S3Address address, const StorageServices& services,
                                     net::ClientOptions http) {
  std::unique_ptr<S3> storage(new S3(std::move(address), services, std::move(http)));
  if (auto probed = storage->writer_.probe(); !probed) {
    if (probed.error().code != Errc::transient) {
      return std::unexpected(std::move(probed).error());
    }
    log::warn("s3: {}; it is tried again when it is needed", probed.error().message);
  }
  return storage;
}

std::string S3::describe() const {
  const bool single = writer_.preconditions() == Preconditions::ignored;
  return client_.address().describe() + (single ? " (single writer: the store ignores preconditions)" : "");
}

Result<Put> S3::put_if_absent(std::string_view name, const Source& source) {
  AGENT_CHECK(check_object_name(name));
  if (size_of(source) > k_single_put_bytes) {
    AGENT_TRY(const bool created, writer_.upload(name, source));
    return created ? Put::created : Put::existed;
  }
  AGENT_TRY(const auto content, piece_of(source, {.offset = 0, .size = size_of(source)}));
  AGENT_TRY(const auto written, writer_.write({.name = name, .expected = std::nullopt}, content.view()));
  return written ? Put::created : Put::existed;
}

// The one thing a request for no bytes can tell: false where there is no such object. A 404 to a HEAD may
// come from in between; nobody gives a pack up over a range of no bytes.
Result<bool> S3::ends_at_or_after(std::string_view name, Range range) {
  const S3Call call{.operation = fmt::format("read {}", name), .method = "HEAD", .key = name};
  AGENT_TRY(const auto answer, client_.send(call));
  if (answer.status == 404) {
    return false;
  }
  if (answer.status != 200) {
    return std::unexpected(client_.error_of(call, answer));
  }
  const auto size = net::parse_length(answer.headers.get("Content-Length")).value_or(0);
  if (range.offset > size || range.size > size - range.offset) {
    return beyond_the_end(client_, name, range);
  }
  return true;
}

Result<std::optional<std::string>> S3::get_piece(std::string_view name, Range range) {
  S3Call call{.operation = fmt::format("read {}", name), .key = name};
  call.headers.add("Range", fmt::format("bytes={}-{}", range.offset, range.offset + range.size - 1));
  AGENT_TRY(auto answer, client_.send(call));
  if (is_missing_object(answer)) {
    return std::nullopt;
  }
  if (answer.status == 416) {
    return beyond_the_end(client_, name, range);
  }
  if (answer.status == 200) {  // the store does not do ranges: all of it
    if (range.offset > answer.body.size() || range.size > answer.body.size() - range.offset) {
      return beyond_the_end(client_, name, range);
    }
    return answer.body.substr(range.offset, range.size);
  }
  if (answer.status != 206) {
    return std::unexpected(client_.error_of(call, answer));
  }
  const auto where = content_range_of(answer.headers);
  if ((where && where->begin != range.offset) || answer.body.size() != range.size) {
    return beyond_the_end(client_, name, range);
  }
  return std::move(answer).body;
}

Result<std::optional<std::string>> S3::get(std::string_view name, Range range) {
  AGENT_CHECK(check_object_name(name));
  if (range.size == 0 || range.size > ~range.offset) {
    AGENT_TRY(const bool there, ends_at_or_after(name, range));
    return there ? std::optional<std::string>("") : std::nullopt;
  }
  std::string bytes;
  for (std::uint64_t done = 0; done < range.size;) {
    const auto step = std::min(k_piece_bytes, range.size - done);
    AGENT_TRY(auto piece, get_piece(name, {.offset = range.offset + done, .size = step}));
    if (!piece && done > 0) {
      return beyond_the_end(client_, name, range);  // it went away meanwhile
    }
    if (!piece) {
      return std::nullopt;
    }
    if (step == range.size) {
      return piece;
    }
    bytes += *piece;
    done += step;
  }
  return bytes;
}

Result<std::optional<io::FileSlice>> S3::open_in_place(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  return fail(Errc::unsupported, "open {} at {}: a bucket has ranged reads only", name, describe());
}

Result<std::optional<Versioned>> S3::read(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  S3Call call{.operation = fmt::format("read {}", name), .key = name};
  call.headers.add("Range", fmt::format("bytes=0-{}", k_small_object_bytes));
  AGENT_TRY(auto answer, client_.send(call));
  if (answer.status == 416) {  // of an empty object no byte can be had
    call.headers.clear();
    AGENT_TRY(answer, client_.send(call));
  }
  if (is_missing_object(answer)) {
    return std::nullopt;
  }
  if (answer.status != 200 && answer.status != 206) {
    return std::unexpected(client_.error_of(call, answer));
  }
  if (answer.body.size() > k_small_object_bytes) {
    return fail(Errc::corrupt, "read {} at {}: more than the {} bytes that were ever written", name,
                describe(), k_small_object_bytes);
  }
  const auto where = content_range_of(answer.headers);
  if (answer.status == 206 && (!where || where->begin != 0 || where->total != answer.body.size())) {
    return fail(Errc::corrupt, "read {} at {}: it came in part", name, describe());
  }
  std::string version(answer.headers.get("ETag"));
  return Versioned{.content = std::move(answer).body, .version = std::move(version)};
}

Result<std::string> S3::compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                         std::string_view content) {
  AGENT_CHECK(check_swap(name, content));
  AGENT_TRY(auto written, writer_.write({.name = name, .expected = expected}, content));
  if (!written) {
    return fail(Errc::conflict, "swap {}: somebody else moved it", name);
  }
  return *std::move(written);
}

Result<void> S3::remove(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  const S3Call call{.operation = fmt::format("remove {}", name), .method = "DELETE", .key = name};
  AGENT_TRY(const auto answer, client_.send(call));
  if (answer.status / 100 == 2 || is_missing_object(answer)) {
    return {};
  }
  return std::unexpected(client_.error_of(call, answer));
}

Result<std::vector<ObjectInfo>> S3::list(std::string_view prefix) {
  AGENT_CHECK(check_object_prefix(prefix));
  const auto& base = client_.address().prefix;
  S3Call call{.operation = fmt::format("list {}", prefix)};
  std::vector<ObjectInfo> objects;
  std::string token;
  do {
    call.query = {{"list-type", "2"}, {"prefix", base + std::string(prefix)}};
    if (!token.empty()) {
      call.query.emplace_back("continuation-token", token);
    }
    AGENT_TRY(const auto answer, client_.send(call));
    if (answer.status != 200) {
      return std::unexpected(client_.error_of(call, answer));
    }
    auto page = parse_page(answer, base);
    if (!page) {
      return with_context(fmt::format("{} at {}", call.operation, describe()), std::move(page).error());
    }
    if (page->next == token && !token.empty()) {
      return fail(Errc::corrupt, "{} at {}: the listing goes in circles", call.operation, describe());
    }
    token = std::move(page->next);
    std::ranges::move(page->objects, std::back_inserter(objects));
  } while (!token.empty());
  return objects;
}

Result<std::unique_ptr<ObjectStorage>> make_s3(const StorageUrl& url, const StorageServices& services) {
  AGENT_TRY(auto address, parse_s3_address(url, services.variables));
  return S3::open(std::move(address), services);
}

}  // namespace agent::backends
