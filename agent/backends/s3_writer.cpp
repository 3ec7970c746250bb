#include "agent/backends/s3_writer.hpp"

#include <algorithm>

#include "agent/backends/s3_fault.hpp"
#include "agent/backends/source.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/random.hpp"
#include "agent/io/xml.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_mark_header = "x-amz-meta-hearth-write";
constexpr std::uint64_t k_part_bytes = std::uint64_t{16} << 20U;
constexpr std::uint64_t k_most_parts = 10'000;  // Amazon S3 multipart upload limits

void set_condition(net::Headers& headers, const S3Write& write) {
  if (write.expected) {
    headers.add("If-Match", *write.expected);
  } else {
    headers.add("If-None-Match", "*");
  }
}

bool refuses(const net::ClientResponse& answer, const S3Write& write) {
  return is_refused_write(answer) || (write.expected && is_missing_object(answer));
}

bool is_success(const net::ClientResponse& answer) {
  return answer.status / 100 == 2;
}

// It does not know the header, rather than that it refuses the write.
bool is_not_implemented(const net::ClientResponse& answer) {
  const auto code = fault_of(answer).code;
  return answer.status == 501 || code == "NotImplemented" || code == "InvalidArgument";
}

std::uint64_t part_bytes(std::uint64_t size) {
  constexpr std::uint64_t k_mebibyte = std::uint64_t{1} << 20U;
  const auto least = (size + k_most_parts - 1) / k_most_parts;
  return std::max(k_part_bytes, ((least + k_mebibyte - 1) / k_mebibyte) * k_mebibyte);
}

}  // namespace

// The ETag of the object where it carries this mark. A 404 to a HEAD may come from in between: what is taken
// for absent then is at most written again, under the condition that it is.
Result<std::optional<std::string>> S3Writer::own_etag(std::string_view name, std::string_view mark) {
  const S3Call call{.operation = fmt::format("look at {}", name), .method = "HEAD", .key = name};
  AGENT_TRY(const auto answer, client_.send(call));
  if (answer.status == 404) {
    return std::nullopt;
  }
  if (!is_success(answer)) {
    return std::unexpected(client_.error_of(call, answer));
  }
  const bool own = mark.empty() || answer.headers.get(k_mark_header) == mark;
  return own ? std::optional(std::string(answer.headers.get("ETag"))) : std::nullopt;
}

Result<std::optional<std::string>> S3Writer::etag(std::string_view name) {
  return own_etag(name, {});
}

Result<bool> S3Writer::holds(const S3Write& write) {
  AGENT_TRY(const auto current, etag(write.name));
  return current == write.expected;
}

Result<void> S3Writer::make_sure() {
  return preconditions() == Preconditions::unknown ? probe() : Result<void>{};
}

// Sends until it is known whether the write was done. An attempt that may have been done without our being
// told is looked for, and repeated where it is not there: its condition keeps two from both counting. A first
// attempt that lands late refuses the repetition and is then found by its mark.
Result<std::optional<std::string>> S3Writer::conclude(const S3Call& call, const S3Write& write,
                                                      std::string_view mark, const Send& send) {
  bool unsure = false;
  for (unsigned attempt = 0;; ++attempt) {
    const auto begun = std::chrono::steady_clock::now();
    auto answer = send();
    if (answer && is_success(*answer)) {
      return std::string(answer->headers.get("ETag"));
    }
    const bool refused = answer && refuses(*answer, write);
    if (refused && unsure) {
      return own_etag(write.name, mark);
    }
    if (refused && (answer->status == 412 || write.expected)) {
      return std::nullopt;
    }
    if (refused) {  // somebody else is creating it just now
      AGENT_TRY(const auto created, etag(write.name));
      if (created) {
        return std::nullopt;
      }
    }
    auto error = answer ? client_.error_of(call, *answer) : answer.error();
    const bool lost = !refused && (answer ? may_be_done(*answer)
                                          : error.code == Errc::transient || error.code == Errc::corrupt);
    unsure = unsure || lost;
    if (unsure) {
      if (auto own = own_etag(write.name, mark); own && *own) {
        return own;
      }
    }
    if ((!lost && !refused) || !S3Client::pause(attempt, begun)) {
      error.code = refused ? Errc::transient : error.code;
      return std::unexpected(std::move(error));
    }
  }
}

Result<std::optional<std::string>> S3Writer::write(const S3Write& write, std::string_view content) {
  AGENT_CHECK(make_sure());
  const auto mark = io::random_mark();
  S3Call call{.operation = fmt::format("write {}", write.name), .method = "PUT", .key = write.name};
  call.headers.add(k_mark_header, mark);
  call.headers.add("Content-Type", "application/octet-stream");
  call.body = content;
  const bool looks_first = preconditions() == Preconditions::ignored;
  if (!looks_first) {
    set_condition(call.headers, write);
  }
  return conclude(call, write, mark, [&]() -> Result<net::ClientResponse> {
    if (looks_first) {
      AGENT_TRY(const bool still, holds(write));
      if (!still) {
        return net::ClientResponse{.status = 412, .headers = {}, .body = {}};
      }
    }
    return client_.send_once(call);
  });
}

// --- in parts ---------------------------------------------------------------------------------------------

Result<std::string> S3Writer::send_part(const S3Call& call) {
  AGENT_TRY(const auto answer, client_.send(call));
  if (!is_success(answer)) {
    return std::unexpected(client_.error_of(call, answer));
  }
  return std::string(answer.headers.get("ETag"));
}

// The list of parts as CompleteMultipartUpload wants it.
Result<std::string> S3Writer::send_parts(std::string_view name, const Source& source,
                                         const std::string& upload_id) {
  const auto size = size_of(source);
  const auto step = part_bytes(size);
  std::string listed = "<CompleteMultipartUpload>";
  unsigned number = 0;
  for (std::uint64_t at = 0; at < size; at += step) {
    AGENT_TRY(const auto piece, piece_of(source, {.offset = at, .size = std::min(step, size - at)}));
    ++number;
    AGENT_TRY(const auto tag,
              send_part({.operation = fmt::format("write part {} of {}", number, name),
                         .method = "PUT",
                         .key = name,
                         .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id}},
                         .body = piece.view()}));
    const bool plain = tag.find_first_of("<&") == std::string::npos;
    if (tag.empty() || !plain) {
      return fail(Errc::corrupt, "write part {} of {} at {}: the answer has no usable ETag", number, name,
                  client_.address().describe());
    }
    listed += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, tag);
  }
  return listed + "</CompleteMultipartUpload>";
}

Result<bool> S3Writer::complete(std::string_view name, const std::string& upload_id, std::string_view mark,
                                std::string_view parts) {
  const S3Write write{.name = name, .expected = std::nullopt};
  S3Call call{.operation = fmt::format("write {}", name), .method = "POST", .key = name};
  call.query = {{"uploadId", upload_id}};
  call.headers.add("Content-Type", "application/xml");
  call.body = parts;
  if (preconditions() != Preconditions::ignored) {
    set_condition(call.headers, write);
  }
  AGENT_TRY(const auto done, conclude(call, write, mark, [&] {
              auto answer = client_.send_once(call);
              if (answer) {
                settle_status(*answer);
              }
              return answer;
            }));
  return done.has_value();
}

Result<bool> S3Writer::upload(std::string_view name, const Source& source) {
  AGENT_CHECK(make_sure());
  AGENT_TRY(const auto existing, etag(name));
  if (existing) {
    return false;
  }
  const auto mark = io::random_mark();
  S3Call begin{.operation = fmt::format("begin to write {}", name), .method = "POST", .key = name};
  begin.query = {{"uploads", ""}};
  begin.headers.add(k_mark_header, mark);
  begin.headers.add("Content-Type", "application/octet-stream");
  AGENT_TRY(const auto answer, client_.send(begin));
  const auto xml = io::parse_xml(answer.body, "answer of CreateMultipartUpload", {.bytes = 1U << 16U});
  const std::string upload_id(xml ? xml->text_at("UploadId") : "");
  if (!is_success(answer) || upload_id.empty()) {
    return std::unexpected(client_.error_of(begin, answer));
  }
  auto parts = send_parts(name, source, upload_id);
  auto created = parts ? complete(name, upload_id, mark, *parts) : std::unexpected(std::move(parts).error());
  if (!created || !*created) {
    const S3Call abort{.operation = fmt::format("give up writing {}", name),
                       .method = "DELETE",
                       .key = name,
                       .query = {{"uploadId", upload_id}}};
    if (const auto aborted = client_.send(abort); !aborted || !is_success(*aborted)) {
      log::info("s3: parts of {} may be left at {}", name, client_.address().describe());
    }
  }
  return created;
}

// --- the probe --------------------------------------------------------------------------------------------

// 412 is a verdict; 409 and 423 are not: something else goes on at that place. S3 says so of two writers at
// once, versitygw also where a folder was removed under the write.
Result<net::ClientResponse> S3Writer::put_probe(std::string_view name, std::string_view header,
                                                std::string_view value) {
  S3Call call{.operation = "probe preconditions", .method = "PUT", .key = name};
  call.headers.add(header, value);
  for (unsigned attempt = 0;; ++attempt) {
    const auto begun = std::chrono::steady_clock::now();
    AGENT_TRY(auto answer, client_.send(call));
    const bool undecided = is_refused_write(answer) && answer.status != 412;
    if (!undecided) {
      return answer;
    }
    if (!S3Client::pause(attempt, begun)) {
      auto error = client_.error_of(call, answer);
      error.code = Errc::transient;
      return std::unexpected(std::move(error));
    }
  }
}

Result<Preconditions> S3Writer::ask() {
  const auto name = fmt::format("probe/{}", io::random_mark());
  const S3Call error_context{.operation = "open"};
  AGENT_TRY(const auto created, put_probe(name, "If-None-Match", "*"));
  if (is_not_implemented(created)) {
    return Preconditions::ignored;
  }
  if (created.status == 403 && fault_of(created).code == "AccessDenied") {
    return Preconditions::forbidden;
  }
  // A repetition of a request that was done after all is refused: the object is there, which is all that
  // counts.
  if (!is_success(created) && created.status != 412) {
    return std::unexpected(client_.error_of(error_context, created));
  }
  auto again = put_probe(name, "If-None-Match", "*");
  auto wrong = put_probe(name, "If-Match", "\"00000000000000000000000000000000\"");
  const S3Call remove{.operation = "remove the probe", .method = "DELETE", .key = name};
  if (const auto removed = client_.send(remove); !removed || !is_success(*removed)) {
    log::info("s3: the object {} may be left at {}", name, client_.address().describe());
  }
  if (!again || !wrong) {
    return std::unexpected((again ? wrong : again).error());
  }
  for (const auto* const answer : {&*again, &*wrong}) {
    if (is_success(*answer) || is_not_implemented(*answer)) {
      return Preconditions::ignored;
    }
    if (answer->status != 412 && !is_missing_object(*answer)) {
      return std::unexpected(client_.error_of(error_context, *answer));
    }
  }
  return Preconditions::honoured;
}

// That conditions are ignored is believed the second time: who believes it wrongly writes over others, and an
// object that somebody tidied away in between looks the same.
Result<void> S3Writer::probe() {
  AGENT_TRY(auto answer, ask());
  if (answer == Preconditions::ignored) {
    AGENT_TRY(answer, ask());
  }
  preconditions_ = answer;
  if (answer == Preconditions::ignored) {
    log::warn(
        "s3: {} ignores If-None-Match or If-Match: let one job at a time write there, or entries are lost",
        client_.address().describe());
  }
  return {};
}

}  // namespace agent::backends
