// A real S3 service on this machine for as long as the object lives: versitygw over a temporary folder, with
// an owner and a user that may only read. `python3 -m tests.e2e.tools versitygw` installs the program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/backends/object_storage.hpp"
#include "agent/io/process.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::tests {

class VersityGateway final {
public:
  enum class Account : std::uint8_t { owner, reader, stranger };

  VersityGateway();
  VersityGateway(const VersityGateway&) = delete;
  VersityGateway& operator=(const VersityGateway&) = delete;
  ~VersityGateway();

  std::string endpoint() const { return endpoint_; }

  // "s3://bucket/prefix?endpoint=…"
  std::string url() const;

  // An environment that holds the keys of an account and nothing else.
  static backends::Variables variables(Account account);

private:
  void start();
  void make_bucket() const;

  TempFolder folder_;  // on a file system with extended attributes: they hold the ETags
  std::string endpoint_;
  std::unique_ptr<io::Child> process_;
};

}  // namespace agent::tests
