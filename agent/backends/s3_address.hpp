// "s3://bucket/prefix?endpoint=URL&region=R&path-style=true|false&ca=FILE&profile=P", with what variables and
// profiles add to it. A value; parsing is safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/backends/builtin.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::backends {

struct S3Address {
  std::string bucket;
  std::string prefix;    // "" or "a/b/": in front of every name
  std::string endpoint;  // "https://host[:port]", no path
  std::string region;
  bool path_style = false;  // https://host/bucket/key, not https://bucket.host/key
  io::fs::path ca_file;     // empty: the system's certificates only
  std::string profile;      // that the URL names; empty: none

  // "s3://bucket/prefix", with the endpoint where it is not AWS's own.
  std::string describe() const;

  // The host that a request goes to, with its port, as in the Host header.
  std::string host() const;

  // Its path for a key (with the prefix, below), encoded; of the bucket itself where the key is empty.
  std::string path_of(std::string_view key) const;

  // "https://host/path"
  std::string url_of(std::string_view key) const;
};

// The endpoint comes from the URL, else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS's for the region; the
// region from the URL, else AWS_REGION, AWS_DEFAULT_REGION, the profile, else us-east-1; the certificates
// from the URL, else AWS_CA_BUNDLE. Path style is the default for endpoints that are not AWS's and for bucket
// names with dots, which no certificate covers. Errors: invalid, naming what is wrong and what may be
// written.
Result<S3Address> parse_s3_address(const StorageUrl& url, const Variables& variables);

}  // namespace agent::backends
