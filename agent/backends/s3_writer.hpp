// Conditional writes to S3, and telling apart what was done from what was not when an answer is lost: every
// write carries a random mark in its metadata, so a look at the object says whose it is. Thread-safe.
// Source: Amazon S3 User Guide, "Add preconditions to S3 operations with conditional requests", read 2026-11.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/backends/s3_client.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

// What the store makes of If-None-Match and If-Match.
enum class Preconditions : std::uint8_t {
  unknown,    // it could not be asked yet
  honoured,   // one writer of many wins
  ignored,    // checked by looking first: safe with one writer at a time only
  forbidden,  // these credentials may not write at all
};

struct S3Write {
  std::string_view name;
  std::optional<std::string> expected;  // the ETag to replace; empty: there must be no such object
};

class S3Writer final {
public:
  // `client` outlives it.
  explicit S3Writer(S3Client& client) : client_(client) {}

  Preconditions preconditions() const { return preconditions_.load(); }

  // Tries it with an object below "probe/", which is removed again; warns where conditions are ignored. What
  // the credentials forbid is no error. Errors: those of the storage.
  Result<void> probe();

  // The new ETag; empty where the condition did not hold.
  Result<std::optional<std::string>> write(const S3Write& write, std::string_view content);

  // Creates a large object in parts; false where it existed. Leaves no parts behind if it can.
  Result<bool> upload(std::string_view name, const Source& source);

private:
  using Send = std::function<Result<net::ClientResponse>()>;

  Result<std::optional<std::string>> conclude(const S3Call& call, const S3Write& write, std::string_view mark,
                                              const Send& send);
  Result<std::optional<std::string>> own_etag(std::string_view name, std::string_view mark);
  Result<std::optional<std::string>> etag(std::string_view name);
  Result<bool> holds(const S3Write& write);
  Result<void> make_sure();
  Result<std::string> send_part(const S3Call& call);
  Result<std::string> send_parts(std::string_view name, const Source& source, const std::string& upload_id);
  Result<bool> complete(std::string_view name, const std::string& upload_id, std::string_view mark,
                        std::string_view parts);
  Result<net::ClientResponse> put_probe(std::string_view name, std::string_view header,
                                        std::string_view value);
  Result<Preconditions> ask();

  S3Client& client_;
  std::atomic<Preconditions> preconditions_{Preconditions::unknown};
};

}  // namespace agent::backends
