// Signed requests to one bucket, repeated quickly where that is safe and likely to help. Thread-safe; a call
// blocks on the network up to the HTTP client's time limits. Any HTTP status is an answer; what it means is
// the caller's. Errors: net::HttpClient's, and the credentials' (agent/backends/s3_credentials.hpp).
#pragma once

#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/backends/s3_address.hpp"
#include "agent/backends/s3_credentials.hpp"
#include "agent/backends/sigv4.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

struct S3Call {
  std::string operation;  // for errors: "write packs/ab/1"
  std::string method = "GET";
  std::string_view key;  // without the prefix; empty: the bucket itself
  Query query;
  net::Headers headers;
  std::string_view body;
};

class S3Client final {
public:
  // `http` says the time limits; its certificates and proxy are replaced by those of address and services.
  S3Client(S3Address address, const StorageServices& services, net::ClientOptions http = {});

  const S3Address& address() const { return address_; }

  // One request; a second one only where the first was refused for expired credentials.
  Result<net::ClientResponse> send_once(const S3Call& call);

  // At most two more where the connection broke or the server was in trouble (500, 502, 503, 504 that name no
  // time). REQUIRES: doing it twice is the same as once.
  Result<net::ClientResponse> send(const S3Call& call);

  // Before the next attempt after `attempt` (from 0) failed; false where it is not worth one: there were
  // enough, or waiting for the last took too long already.
  static bool pause(unsigned attempt, Steady begun);

  Error error_of(const S3Call& call, const net::ClientResponse& answer) const;

private:
  Result<net::ClientResponse> send_signed(const S3Call& call);

  S3Address address_;
  const Clock& clock_;
  net::ClientPool pool_;
  CredentialChain credentials_;
};

}  // namespace agent::backends
