// How an object becomes an entry of a BoringCache server and its tag moves there. Thread-safe; calls block on
// the network. Errors: those of the client; conflict where others move the tag, and nothing was published.
#pragma once

#include <string>
#include <string_view>

#include "agent/backends/boringcache_client.hpp"

namespace agent::backends {

// Names below it move, all others are written once.
constexpr std::string_view k_moving_objects = "tags/";

// "sha256:" and the digest of these bytes.
std::string sha256_text(std::string_view bytes);

class BoringcacheWriter final {
public:
  explicit BoringcacheWriter(BoringcacheClient& client) : client_(client) {}

  // What is expected of a tag that does not exist.
  Result<std::string> bootstrap();

  // Moves the tag of `name` from `if_match` to `bytes`: the new version.
  Result<std::string> publish(std::string_view name, std::string_view bytes, const std::string& if_match);

private:
  struct Wanted;

  struct Ways;

  Result<net::ClientResponse> ask(const Ways& ways);
  Error refusal_of(const std::string& operation, const net::ClientResponse& answer);
  Result<CreatedEntry> create(const Wanted& wanted);
  Result<void> stage(const Wanted& wanted, const std::string& entry);
  Result<void> upload(const Wanted& wanted, const UploadPlace& place, std::string_view bytes);
  Result<std::string> move(const Wanted& wanted, const std::string& entry, const std::string& if_match);

  BoringcacheClient& client_;
};

}  // namespace agent::backends
