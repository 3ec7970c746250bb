#include "agent/core/secret.hpp"

namespace agent {

bool Secret::equals(std::string_view other) const {
  if (other.size() != text_.size()) {
    return false;
  }
  unsigned difference = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    difference |= static_cast<unsigned>(text_[i] ^ other[i]);
  }
  return difference == 0;
}

}  // namespace agent
