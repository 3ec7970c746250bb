#include "agent/backends/github_blobs.hpp"

#include <algorithm>

#include "agent/io/base64.hpp"
#include "agent/io/fd.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::backends {

namespace {

constexpr int k_created = 201;
constexpr int k_whole = 200;
constexpr int k_partial = 206;
constexpr int k_not_a_range = 416;
constexpr int k_forbidden = 403;
constexpr int k_not_found = 404;

// Block ids of one blob have one length.
std::string block_id(std::size_t number) {
  return io::to_base64(io::bytes_of(fmt::format("{:09}", number)));
}

// In a query '+' would be read as a blank.
std::string escaped(std::string_view id) {
  std::string text;
  for (const char letter : id) {
    text += letter == '+' ? "%2B" : letter == '/' ? "%2F" : std::string(1, letter);
  }
  return text;
}

Result<void> put(GithubCalls& calls, const std::string& url, net::ClientRequest request,
                 std::string_view body) {
  request.method = "PUT";
  AGENT_TRY(const auto answer, calls.send_blob("upload", url, std::move(request), body));
  if (answer.status == k_created) {
    return {};
  }
  auto error = calls.blob_error_of("upload", answer);
  if (answer.status / 100 == 4 && error.code != Errc::transient) {  // expired, or not meant for this
    error.code = Errc::not_found;
  }
  return std::unexpected(std::move(error));
}

Result<void> upload_blocks(GithubCalls& calls, const std::string& url, const Source& source) {
  std::string list = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
  std::size_t number = 0;
  for (std::uint64_t at = 0; at < size_of(source); at += k_block_bytes) {
    const auto size = std::min(k_block_bytes, size_of(source) - at);
    AGENT_TRY(const auto piece, piece_of(source, {.offset = at, .size = size}));
    const auto id = block_id(number++);
    AGENT_CHECK(put(calls, fmt::format("{}&comp=block&blockid={}", url, escaped(id)), {}, piece.view()));
    list += fmt::format("<Latest>{}</Latest>", id);
  }
  net::ClientRequest request;
  request.headers.set("Content-Type", "application/xml");
  return put(calls, url + "&comp=blocklist", std::move(request), list + "</BlockList>");
}

// "bytes 0-99/1234": the number behind the slash; "bytes */1234" as well.
std::optional<std::uint64_t> total_of(const net::ClientResponse& answer) {
  const auto text = answer.headers.get("Content-Range");
  const auto slash = text.find('/');
  return slash == std::string_view::npos ? std::nullopt : net::parse_length(text.substr(slash + 1));
}

}  // namespace

Result<void> upload_blob(GithubCalls& calls, const std::string& url, const Source& source) {
  const auto size = size_of(source);
  if (size > k_single_upload_bytes) {
    return upload_blocks(calls, url, source);
  }
  AGENT_TRY(const auto piece, piece_of(source, {.offset = 0, .size = size}));
  net::ClientRequest request;
  request.headers.set("x-ms-blob-type", "BlockBlob");
  request.headers.set("Content-Type", "application/octet-stream");
  return put(calls, url, std::move(request), piece.view());
}

Result<std::optional<Piece>> download_blob(GithubCalls& calls, const std::string& url, Range range) {
  const auto last = range.size > ~range.offset ? ~std::uint64_t{0} >> 1U : range.offset + range.size - 1;
  net::ClientRequest request;
  request.headers.set("Range", fmt::format("bytes={}-{}", range.offset, last));
  AGENT_TRY(auto answer, calls.send_blob("download", url, std::move(request)));
  if (answer.status == k_forbidden || answer.status == k_not_found) {
    return std::optional<Piece>{};
  }
  if (answer.status == k_not_a_range) {
    return std::optional(Piece{.bytes = {}, .total = total_of(answer).value_or(0)});
  }
  if (answer.status == k_partial) {
    const auto total = total_of(answer);
    const auto first = fmt::format("bytes {}-", range.offset);
    if (!total || !answer.headers.get("Content-Range").starts_with(first) ||
        answer.body.size() > range.size) {
      return fail(Errc::transient, "download: the answer is of another range than was asked for");
    }
    return std::optional(Piece{.bytes = std::move(answer.body), .total = *total});
  }
  if (answer.status == k_whole) {  // whoever answers does not know ranges
    const auto total = answer.body.size();
    const auto from = std::min<std::uint64_t>(range.offset, total);
    return std::optional(Piece{.bytes = answer.body.substr(from, range.size), .total = total});
  }
  return std::unexpected(calls.blob_error_of("download", answer));
}

}  // namespace agent::backends
