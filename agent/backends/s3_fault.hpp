// What S3 says when it refuses: the code in its XML, and what that means to a storage. Pure functions; safe
// from any thread. Source: Amazon S3 API Reference, "Error responses", read 2026-11; Ceph, MinIO and
// versitygw answer in the same form.
#pragma once

#include <string>
#include <string_view>

#include "agent/backends/s3_address.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/net/http_client.hpp"

namespace agent::backends {

struct S3Fault {
  std::string code;     // "NoSuchKey"; empty where the body says nothing (HEAD, proxies)
  std::string message;  // printable, short
  std::string region;   // where the bucket really is, if it says so
};

// Never fails: a body that is no XML of this kind gives an empty code.
S3Fault fault_of(const net::ClientResponse& answer);

// An answer of 200 may carry <Error> all the same (CompleteMultipartUpload); this gives it the status that
// its code stands for. Other answers stay as they are.
void settle_status(net::ClientResponse& answer);

// The condition of a write did not hold, or somebody else is writing just now.
bool is_refused_write(const net::ClientResponse& answer);

// It may have been done all the same: the answer comes from in between, or from a server in trouble.
bool may_be_done(const net::ClientResponse& answer);

// The credentials need renewal; the request was not looked at.
bool is_expired(const net::ClientResponse& answer);

// 404 for the object, in S3's own words: not for the bucket or an upload, nor from somebody in between. The
// answer to a HEAD has no words, so who goes by its 404 must do no harm where that is wrong.
bool is_missing_object(const net::ClientResponse& answer);

// "OPERATION at s3://…: 403: AccessDenied: …; way out", with the code that S3's code, else the status, asks
// for.
Error s3_error(std::string_view operation, const S3Address& address, const net::ClientResponse& answer,
               Wall now);

}  // namespace agent::backends
