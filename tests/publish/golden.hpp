// Files of tests/golden.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::tests {

inline std::string golden(std::string_view name) {
  const char* source = std::getenv("HEARTH_SOURCE_DIR");
  const auto path = io::fs::path(source != nullptr ? source : ".") / "tests/golden" / name;
  auto content = io::read_file(path, 1 << 20);
  EXPECT_TRUE(content.has_value()) << path;
  return content.value_or("");
}

}  // namespace agent::tests
