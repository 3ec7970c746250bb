// What parses is dumped to text that parses to the same value and dumps to the same text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/io/json.hpp"

namespace {

using agent::io::Json;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// Whole doubles are dumped without a fraction and come back as integers.
bool same(const Json& a, const Json& b) {
  if (a.number() && b.number()) {
    return *a.number() == *b.number();
  }
  if (a.array() != nullptr && b.array() != nullptr) {
    bool equal = a.array()->size() == b.array()->size();
    for (std::size_t i = 0; equal && i < a.array()->size(); ++i) {
      equal = same((*a.array())[i], (*b.array())[i]);
    }
    return equal;
  }
  if (a.object() != nullptr && b.object() != nullptr) {
    bool equal = a.object()->size() == b.object()->size();
    for (auto i = a.object()->begin(), k = b.object()->begin(); equal && i != a.object()->end(); ++i, ++k) {
      equal = i->first == k->first && same(i->second, k->second);
    }
    return equal;
  }
  return a == b;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = agent::io::parse_json(text, "fuzz", {.bytes = 4096, .depth = 32});
  if (!json) {
    for (const char c : json.error().message) {
      require(c >= ' ' && c <= '~');
    }
    return 0;
  }
  for (const int indent : {0, 2}) {
    const auto dumped = json->dump(indent);
    const auto again = agent::io::parse_json(dumped, "dump", {.depth = 32});
    require(again.has_value() && same(*json, *again) && again->dump(indent) == dumped);
  }
  return 0;
}
