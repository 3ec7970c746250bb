#include "agent/io/base64.hpp"

#include <gtest/gtest.h>

#include "agent/io/fd.hpp"

namespace agent::io {
namespace {

// RFC 4648, section 10.
TEST(Base64, WritesAndReadsTheVectorsOfItsSpecification) {
  for (const auto& [bytes, text] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"", ""},
                                                                            {"f", "Zg=="},
                                                                            {"fo", "Zm8="},
                                                                            {"foo", "Zm9v"},
                                                                            {"foob", "Zm9vYg=="},
                                                                            {"fooba", "Zm9vYmE="},
                                                                            {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(bytes_of(bytes)), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, KeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
    EXPECT_EQ(from_base64(to_base64(bytes_of(bytes))), bytes);
  }
}

TEST(Base64, RefusesEverythingElse) {
  for (const auto* const text : {"Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Zm9v====", "Zh==", "Zm9=",
                                 "Zm8", "Zm\n9v", "Zm9v\n", "Zm-_", "Z===", "Zg==Zg==", "Zm9v Zg="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace agent::io
