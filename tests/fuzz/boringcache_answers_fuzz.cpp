// What a server says, whatever it says, is parsed within bounds; a place to upload to has a URL.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/backends/boringcache_answers.hpp"
#include "agent/backends/boringcache_names.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace backends = agent::backends;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  [[maybe_unused]] const auto features = backends::parse_server_features(text);
  const auto pointer = backends::parse_tag_pointer(text);
  [[maybe_unused]] const auto restored = backends::parse_restored(text, "t");
  [[maybe_unused]] const auto created = backends::parse_created(text);
  const auto staged = backends::parse_staged(text, "d");
  [[maybe_unused]] const auto url = backends::parse_download_url(text, "d");
  const auto published = backends::parse_published(text);
  [[maybe_unused]] const auto page = backends::parse_tag_page(text);
  [[maybe_unused]] const auto refusal = backends::refusal_text(text);
  if (pointer && backends::verify_entry(pointer->signature, {.tag = "t", .root_digest = "d"}, {})) {
    std::abort();  // nobody is trusted
  }
  if ((pointer && pointer->version.empty()) || (published && published->empty()) ||
      (staged && *staged && !(*staged)->url.starts_with("http"))) {
    std::abort();
  }
  // A name that a tag stands for gives that tag again.
  if (const auto name = backends::object_of_tag(text); name && size <= 512) {
    const auto tag = backends::tag_of_object(*name);
    if (tag && backends::object_of_tag(*tag) != *name) {
      std::abort();
    }
  }
  return 0;
}
