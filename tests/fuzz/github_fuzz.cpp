// What GitHub's services answer, and what lies in its cache, never crashes us; a generation and a version
// that can be read are written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/app/backend_variables.hpp"
#include "agent/backends/github_answers.hpp"
#include "agent/backends/github_generation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent::backends;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(parse_twirp_answer(text));
  static_cast<void>(parse_twirp_error(text));
  static_cast<void>(parse_v1_reservation(text));
  static_cast<void>(parse_v1_entry(text));
  static_cast<void>(parse_listed_page(text));
  static_cast<void>(parse_usage(text));
  static_cast<void>(parse_utc(text));
  static_cast<void>(generation_of("tags/t", text));
  static_cast<void>(agent::app::parse_variables(text));
  if (const auto generation = parse_generation(text);
      generation && encode_generation(*generation).size() != size) {
    std::abort();
  }
  if (const auto token = parse_token(text)) {
    const auto again = parse_token(encode_token(*token));
    if (!again || again->next != token->next || again->skipped != token->skipped) {
      std::abort();
    }
  }
  return 0;
}
