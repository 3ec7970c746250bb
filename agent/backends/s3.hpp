// Object storage in a bucket that speaks the S3 API: AWS, Cloudflare R2, MinIO, Ceph, versitygw. Thread-safe;
// calls block on the network up to the HTTP client's time limits. The conditions that ObjectStorage promises
// are If-None-Match and If-Match of the store; versions are its ETags.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/backends/s3_client.hpp"
#include "agent/backends/s3_writer.hpp"

namespace agent::backends {

class S3 final : public ObjectStorage {
public:
  // Asks the store once what it makes of conditions. Where it cannot be asked just now (no connection, 5xx)
  // it opens all the same and asks before the first write. Errors: denied (no credentials, or wrong ones),
  // invalid (no such bucket, wrong region).
  static Result<std::unique_ptr<S3>> open(S3Address address, const StorageServices& services,
                                          net::ClientOptions http = {});

  std::string describe() const override;
  Result<Put> put_if_absent(std::string_view name, const Source& source) override;
  Result<std::optional<std::string>> get(std::string_view name, Range range) override;
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override;
  Result<std::optional<Versioned>> read(std::string_view name) override;
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override;

private:
  S3(S3Address address, const StorageServices& services, net::ClientOptions http)
      : client_(std::move(address), services, std::move(http)) {}

  Result<std::optional<std::string>> get_piece(std::string_view name, Range range);
  Result<bool> ends_at_or_after(std::string_view name, Range range);

  S3Client client_;
  S3Writer writer_{client_};
};

}  // namespace agent::backends
