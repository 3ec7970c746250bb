#include "agent/backends/s3_fault.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "agent/backends/http_status.hpp"
#include "agent/core/text.hpp"
#include "agent/io/xml.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_check_keys = "check the credentials";
constexpr std::string_view k_no_such_key = "NoSuchKey";
constexpr std::string_view k_no_such_upload = "NoSuchUpload";

struct KnownFault {
  std::string_view code;
  Errc meaning;
  std::string_view way_out;
};

// Codes whose status says too little, or another thing.
constexpr std::array k_known = {
    KnownFault{"InvalidAccessKeyId", Errc::denied, k_check_keys},
    KnownFault{"SignatureDoesNotMatch", Errc::denied, k_check_keys},
    KnownFault{"InvalidToken", Errc::denied, k_check_keys},
    KnownFault{"ExpiredToken", Errc::denied, "the session has ended: renew the credentials"},
    KnownFault{"TokenRefreshRequired", Errc::denied, "the session has ended: renew the credentials"},
    KnownFault{"AccountProblem", Errc::denied, k_check_keys},
    KnownFault{"NotSignedUp", Errc::denied, k_check_keys},
    KnownFault{
        "AccessDenied", Errc::denied,
        "allow it to these credentials (docs/backends.md lists what is needed), or use the mode read-only"},
    KnownFault{"RequestTimeout", Errc::transient, ""},
    KnownFault{"SlowDown", Errc::transient, ""},
    KnownFault{"QuotaExceeded", Errc::full, "free space there or raise the quota"},
    KnownFault{"XMinioStorageFull", Errc::full, "free space there"},
};

bool names_region(std::string_view code) {
  return code == "PermanentRedirect" || code == "TemporaryRedirect" ||
         code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException" ||
         code == "InvalidRegion";
}

std::string skew_text(const net::ClientResponse& answer, Wall now) {
  const auto theirs = parse_http_date(answer.headers.get("Date"));
  const auto off = theirs ? std::chrono::abs(now - *theirs) : std::chrono::system_clock::duration(0);
  const auto how_much =
      theirs ? fmt::format(" by {}{}", human_duration(off), now > *theirs ? " (it is ahead)" : "")
             : std::string();
  return fmt::format("this machine's clock differs from the store's{}: set it, with NTP for instance",
                     how_much);
}

std::string way_out_of(const S3Fault& fault, const S3Address& address, const net::ClientResponse& answer,
                       Wall now) {
  if (fault.code == "NoSuchBucket") {
    return fmt::format("bucket '{}' does not exist at {}: create it, or correct the URL", address.bucket,
                       address.endpoint);
  }
  if (fault.code == "RequestTimeTooSkewed") {
    return skew_text(answer, now);
  }
  if (names_region(fault.code) || answer.status / 100 == 3) {
    return fault.region.empty()
               ? "add the bucket's own region=… or endpoint=… to the URL"
               : fmt::format("the bucket is in {0}: add region={0} to the URL", fault.region);
  }
  const auto* const known = std::ranges::find(k_known, fault.code, &KnownFault::code);
  return known == k_known.end() ? std::string() : std::string(known->way_out);
}

Errc meaning_of(const S3Fault& fault, int status) {
  if (fault.code == "NoSuchBucket" || names_region(fault.code)) {
    return Errc::invalid;
  }
  if (fault.code == "RequestTimeTooSkewed") {
    return Errc::denied;
  }
  if (status == 404 && fault.code != k_no_such_key && fault.code != k_no_such_upload) {
    return Errc::transient;  // from in between, such as an ingress that is reloading
  }
  const auto* const known = std::ranges::find(k_known, fault.code, &KnownFault::code);
  return known == k_known.end() ? code_of_status(status) : known->meaning;
}

}  // namespace

S3Fault fault_of(const net::ClientResponse& answer) {
  constexpr io::XmlLimits k_limits{.bytes = std::size_t{64} << 10U, .depth = 8, .elements = 200};
  S3Fault fault;
  fault.region = excerpt_of(answer.headers.get("x-amz-bucket-region"));
  const auto xml = io::parse_xml(answer.body, "S3 error", k_limits);
  if (xml && xml->name == "Error") {
    fault.code = excerpt_of(xml->text_at("Code"));
    fault.message = excerpt_of(xml->text_at("Message"));
    if (const auto region = xml->text_at("Region"); !region.empty()) {
      fault.region = excerpt_of(region);
    }
  }
  return fault;
}

void settle_status(net::ClientResponse& answer) {
  if (answer.status != 200) {
    return;
  }
  const auto fault = fault_of(answer);
  if (fault.code.empty()) {
    return;
  }
  answer.status = fault.code == "PreconditionFailed"           ? 412
                  : fault.code == "ConditionalRequestConflict" ? 409
                  : fault.code == k_no_such_upload             ? 404
                  : fault.code == "AccessDenied"               ? 403
                  : fault.code == "SlowDown"                   ? 503
                                                               : 500;
}

bool is_refused_write(const net::ClientResponse& answer) {
  return answer.status == 409 || answer.status == 412 || answer.status == 423;
}

bool may_be_done(const net::ClientResponse& answer) {
  const bool trouble =
      answer.status == 500 || answer.status == 502 || answer.status == 503 || answer.status == 504;
  return trouble && !answer.headers.has("Retry-After") && fault_of(answer).code != "SlowDown";
}

bool is_expired(const net::ClientResponse& answer) {
  if (answer.status != 400 && answer.status != 401 && answer.status != 403) {
    return false;
  }
  const auto code = fault_of(answer).code;
  return code == "ExpiredToken" || code == "TokenRefreshRequired";
}

bool is_missing_object(const net::ClientResponse& answer) {
  return answer.status == 404 && fault_of(answer).code == k_no_such_key;
}

Error s3_error(std::string_view operation, const S3Address& address, const net::ClientResponse& answer,
               Wall now) {
  const auto fault = fault_of(answer);
  const auto place = address.describe();
  const auto detail = fault.code.empty()      ? std::string()
                      : fault.message.empty() ? fault.code
                                              : fmt::format("{}: {}", fault.code, fault.message);
  const auto way_out = way_out_of(fault, address, answer, now);
  auto error = error_of_answer({.operation = operation, .where = place, .detail = detail, .way_out = way_out},
                               answer, now);
  error.code = meaning_of(fault, answer.status);
  if (error.code == Errc::transient) {
    if (const auto wait = retry_after_of(answer.headers, now); wait && !error.retry_after) {
      error.retry_after = wait;
    }
    if (fault.code == "SlowDown" && !error.retry_after) {
      error.retry_after = std::chrono::seconds(1);
    }
  } else {
    error.retry_after.reset();
  }
  return error;
}

}  // namespace agent::backends
