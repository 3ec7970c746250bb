// Whatever arrives is parsed within its limits or refused with a printable reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/io/xml.hpp"

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Measured {
  std::size_t elements = 0;
  std::size_t text = 0;
};

void measure(const agent::io::XmlElement& element, Measured& sum, int depth) {
  require(depth > 0 && !element.name.empty());
  ++sum.elements;
  sum.text += element.text.size();
  for (const auto& child : element.children) {
    measure(child, sum, depth - 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr agent::io::XmlLimits k_limits{.bytes = 4096, .depth = 8, .elements = 64};
  const auto root = agent::io::parse_xml({reinterpret_cast<const char*>(data), size}, "fuzz", k_limits);
  if (!root) {
    for (const char c : root.error().message) {
      require(c >= ' ' && c <= '~');
    }
    return 0;
  }
  Measured sum;
  measure(*root, sum, k_limits.depth);
  require(size <= k_limits.bytes && sum.elements <= k_limits.elements && sum.text <= size);
  return 0;
}
