// Text that ends with a zero, as the kernel wants it: borrowed, never null. A value; constant expressions
// welcome.
#pragma once

#include <cstddef>
#include <string_view>

namespace agent::launcher {

class CString final {
public:
  constexpr CString() = default;
  constexpr explicit CString(const char* text) : CString(text, std::string_view(text).size()) {}
  // REQUIRES: text[size] is the first zero.
  constexpr CString(const char* text, std::size_t size) : text_(text), size_(size) {}

  constexpr const char* c_str() const { return text_; }
  // As an entry of execve's lists, which are never written through, whatever their type says.
  constexpr char* entry() const {
    return const_cast<char*>(text_);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }

  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr operator std::string_view() const { return {text_, size_}; }

private:
  const char* text_ = "";
  std::size_t size_ = 0;
};

}  // namespace agent::launcher
