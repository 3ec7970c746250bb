// Any matrix, scope and prefix gives a tag of the agreed characters and length, or an error; the canonical
// form of a matrix gives the tag of the matrix.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/io/json.hpp"
#include "agent/keys/root_tag.hpp"

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  agent::keys::RootTagInputs inputs;
  inputs.toolchain = "1.95.0";
  inputs.matrix = text;
  inputs.run = {.id = "17000000001", .attempt = "1", .sha = "0123456789abcdef"};
  if (const auto tag = agent::keys::root_tag(inputs)) {
    require(!tag->tag.empty() && tag->tag.size() <= agent::keys::k_tag_limit);
    if (const auto matrix = agent::io::parse_json(text, "matrix")) {
      inputs.matrix = matrix->dump();
      const auto again = agent::keys::root_tag(inputs);
      require(again.has_value() && again->tag == tag->tag);
    }
  }
  inputs.matrix = R"({"a":1})";
  inputs.prefix = inputs.scope = inputs.os = inputs.arch = inputs.toolchain = text;
  inputs.kind = agent::keys::RootTagInputs::Kind::run_scoped;
  const auto tag = agent::keys::root_tag(inputs);
  require(tag.has_value() && tag->tag.size() <= agent::keys::k_tag_limit);
  require(tag->tag.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
          std::string::npos);
  return 0;
}
