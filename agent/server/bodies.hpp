// What arrives at the server: JSON, into memory up to a limit, and blobs, into a file without a name, hashed
// on their way. One per request, on its connection's event loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/net/http.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

class JsonBody final : public net::BodySink {
public:
  // Gets the whole body, or nothing where it is larger than the limit.
  using Then = std::move_only_function<void(std::optional<std::string>, net::Responder)>;
  JsonBody(std::size_t limit_bytes, Then then) : limit_bytes_(limit_bytes), then_(std::move(then)) {}

  Result<void> write(std::span<const std::byte> bytes) override;
  void finish(net::Responder respond) override;

private:
  std::size_t limit_bytes_;
  Then then_;
  std::string body_;
  bool is_too_large_ = false;
};

class BlobBody final : public net::BodySink {
public:
  // `spool`: the folder the file is in. Errors: as io::unnamed_file.
  static Result<std::unique_ptr<BlobBody>> create(const io::fs::path& spool, const Blob& expected);

  // Gets the bytes once they are whole and have the digest that was announced.
  using Then = std::move_only_function<void(io::FileSlice, net::Responder)>;
  void then(Then then) { then_ = std::move(then); }

  Result<void> write(std::span<const std::byte> bytes) override;
  void finish(net::Responder respond) override;

private:
  BlobBody(io::Fd file, const Blob& expected)
      : file_(std::make_shared<const io::Fd>(std::move(file))), expected_(expected) {}

  std::shared_ptr<const io::Fd> file_;
  Blob expected_;
  Then then_;
  io::Sha256 hash_;
  std::uint64_t taken_ = 0;
};

// Bytes that nobody announced, up to a size; hashed as well.
class AnyBody final : public net::BodySink {
public:
  static Result<std::unique_ptr<AnyBody>> create(const io::fs::path& spool, std::uint64_t most_bytes);

  using Then = std::move_only_function<void(io::FileSlice, Digest, net::Responder)>;
  void then(Then then) { then_ = std::move(then); }

  Result<void> write(std::span<const std::byte> bytes) override;
  void finish(net::Responder respond) override;

private:
  AnyBody(io::Fd file, std::uint64_t most_bytes)
      : file_(std::make_shared<const io::Fd>(std::move(file))), most_bytes_(most_bytes) {}

  std::shared_ptr<const io::Fd> file_;
  std::uint64_t most_bytes_;
  Then then_;
  io::Sha256 hash_;
  std::uint64_t taken_ = 0;
};

}  // namespace agent::server
