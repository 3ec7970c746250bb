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
  [[maybe_unused]] const auto answer = parse_twirp_answer(text);
  [[maybe_unused]] const auto error = parse_twirp_error(text);
  [[maybe_unused]] const auto reservation = parse_v1_reservation(text);
  [[maybe_unused]] const auto entry = parse_v1_entry(text);
  [[maybe_unused]] const auto page = parse_listed_page(text);
  [[maybe_unused]] const auto usage = parse_usage(text);
  [[maybe_unused]] const auto time = parse_utc(text);
  [[maybe_unused]] const auto number = generation_of("tags/t", text);
  [[maybe_unused]] const auto variables = agent::app::parse_variables(text);
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
