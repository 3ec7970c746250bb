#include "agent/server/shared_key.hpp"

#include "agent/io/base64.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"
#include "agent/io/random.hpp"

namespace agent::server {

Result<Secret> shared_key(backends::ObjectStorage& storage, std::string_view object) {
  constexpr std::size_t k_key_bytes = 32;
  constexpr int k_attempts = 3;
  for (int i = 0; i < k_attempts; ++i) {
    AGENT_TRY(const auto kept, storage.read(object));
    if (kept) {
      AGENT_TRY(const auto json, io::parse_json(kept->content, "signing key", {.bytes = 4096, .depth = 4}));
      const auto key = io::from_base64(json.text("key"));
      if (json["format"].count() != 1 || !key || key->size() < k_key_bytes) {
        return fail(Errc::corrupt, "{} in {} holds no key", object, storage.describe());
      }
      return Secret(*key);
    }
    AGENT_TRY(const auto random, io::random_bytes(k_key_bytes));
    const io::Json json(io::JsonObject{{"format", 1}, {"key", io::to_base64(io::bytes_of(random))}});
    const auto made = storage.compare_and_swap(object, std::nullopt, json.dump() + "\n");
    if (!made && made.error().code != Errc::conflict) {
      return std::unexpected(made.error());
    }
  }
  return fail(Errc::transient, "{} in {} can neither be read nor made", object, storage.describe());
}

}  // namespace agent::server
