#include "agent/core/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <type_traits>

namespace agent {
namespace {

template <typename T>
concept Streams = requires(std::ostream& out, const T& value) { out << value; };

// The point of the type: a log line, a message or a stream with a secret in it does not compile.
static_assert(fmt::is_formattable<std::string>::value);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(Streams<std::string>);
static_assert(!Streams<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);

TEST(Secret, IsEqualToItsWholeTextOnly) {
  const Secret secret("hunter2");
  EXPECT_TRUE(secret.equals("hunter2"));
  EXPECT_FALSE(secret.equals("hunter"));
  EXPECT_FALSE(secret.equals("hunter22"));
  EXPECT_FALSE(secret.equals("Hunter2"));
  EXPECT_FALSE(secret.equals("hunter3"));
  EXPECT_FALSE(secret.equals(""));
}

TEST(Secret, MayHoldAnyBytes) {
  const std::string bytes("\0\xFF\n", 3);
  EXPECT_TRUE(Secret(bytes).equals(bytes));
  EXPECT_EQ(Secret(bytes).reveal(), bytes);
}

TEST(Secret, IsEmptyByDefault) {
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret().equals(""));
  EXPECT_FALSE(Secret("x").empty());
}

}  // namespace
}  // namespace agent
