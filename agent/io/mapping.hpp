// A file's extent as memory, without copying it: for handing a large file to what takes bytes. Resource; the
// bytes are constant and may be read from any thread. The file may not be cut short meanwhile.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "agent/core/result.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::io {

class Mapping final {
public:
  // Errors: as fail_errno says.
  static Result<Mapping> of(const FileSlice& slice);
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), length_(other.length_), view_(other.view_) {}
  Mapping& operator=(Mapping&&) = delete;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  std::string_view view() const { return view_; }

private:
  void* base_ = nullptr;
  std::size_t length_ = 0;
  std::string_view view_;
};

}  // namespace agent::io
