#include "agent/server/bodies.hpp"

#include "agent/io/json.hpp"

namespace agent::server {

Result<void> JsonBody::write(std::span<const std::byte> bytes) {
  is_too_large_ = is_too_large_ || bytes.size() > limit_bytes_ - body_.size();
  if (!is_too_large_) {
    body_ += io::text_of(bytes);
  }
  return {};
}

void JsonBody::finish(net::Responder respond) {
  then_(is_too_large_ ? std::nullopt : std::optional(std::move(body_)), std::move(respond));
}

Result<std::unique_ptr<BlobBody>> BlobBody::create(const io::fs::path& spool, const Blob& expected) {
  AGENT_TRY(auto file, io::unnamed_file(spool));
  return std::unique_ptr<BlobBody>(new BlobBody(std::move(file), expected));
}

Result<void> BlobBody::write(std::span<const std::byte> bytes) {
  if (bytes.size() > expected_.size_bytes - taken_) {
    return fail(Errc::invalid, "more bytes than the {} that were announced", expected_.size_bytes);
  }
  AGENT_CHECK(io::write_all_at(file_->get(), bytes, taken_, "upload"));
  hash_.update(bytes);
  taken_ += bytes.size();
  return {};
}

void BlobBody::finish(net::Responder respond) {
  const bool is_whole = taken_ == expected_.size_bytes;
  if (is_whole && hash_.finish() == expected_.digest) {
    then_(io::FileSlice{.fd = file_->get(), .offset = 0, .size = taken_, .pin = file_}, std::move(respond));
    return;
  }
  const io::Json body(
      io::JsonObject{{"error", is_whole ? "the bytes do not have the digest that was announced"
                                        : "fewer bytes came than were announced"},
                     {"code", is_whole ? "digest_mismatch" : "size_mismatch"},
                     {"success", false}});
  respond(net::text_response(400, body.dump() + "\n", "application/json"));
}

Result<std::unique_ptr<AnyBody>> AnyBody::create(const io::fs::path& spool, std::uint64_t most_bytes) {
  AGENT_TRY(auto file, io::unnamed_file(spool));
  return std::unique_ptr<AnyBody>(new AnyBody(std::move(file), most_bytes));
}

Result<void> AnyBody::write(std::span<const std::byte> bytes) {
  if (bytes.size() > most_bytes_ - taken_) {
    return fail(Errc::invalid, "more than the {} bytes that an archive may have", most_bytes_);
  }
  AGENT_CHECK(io::write_all_at(file_->get(), bytes, taken_, "upload"));
  hash_.update(bytes);
  taken_ += bytes.size();
  return {};
}

void AnyBody::finish(net::Responder respond) {
  then_(io::FileSlice{.fd = file_->get(), .offset = 0, .size = taken_, .pin = file_}, hash_.finish(),
        std::move(respond));
}

}  // namespace agent::server
