#include "agent/launcher/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace agent::launcher {
namespace {

using namespace std::string_literals;

std::string frame_of(const CompileRequest& request) {
  std::string frame(request_size(request), '\xAA');
  write_request(request, frame);
  return frame;
}

std::string number(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t index = 0; index < size; ++index) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * index))));
  }
  return bytes;
}
std::string text(const std::string& value) {
  return number(0, 4) + number(value.size(), 8) + value;
}
std::string bytes(const std::string& value) {
  return number(value.size(), 8) + value;
}

TEST(LauncherProtocol, WritesARequestAsTheServerReadsIt) {
  std::string argument = "-c";
  std::string variable = "A=x=\xFF";
  std::string unsent = "PWD=/somewhere";
  std::string nameless = "nothing";
  const std::array arguments = {argument.data()};
  const std::array environment = {unsent.data(), variable.data(), nameless.data()};

  const auto frame = frame_of(
      {.compiler = "/cc", .working_directory = "/w", .arguments = arguments, .environment = environment});

  const auto payload = number(4, 4) + text("/cc") + text("/w") + number(1, 8) + text("-c") + number(1, 8) +
                       text("A") + text("x=\xFF");
  EXPECT_EQ(frame, "\0\0\0"s + static_cast<char>(payload.size()) + payload);
}

TEST(LauncherProtocol, KeepsFromTheServerWhatTheRealClientKeeps) {
  for (const auto* kept :
       {"PWD=/", "LD_PRELOAD=x", "CARGO_MAKEFLAGS=-j", "SOURCE_DATE_EPOCH=1", "=x", "novalue", ""}) {
    EXPECT_FALSE(is_sent(kept)) << kept;
  }
  for (const auto* sent : {"PWDX=/", "PW=D", "MAKEFLAGS=-j", "EMPTY=", "=C:=x"}) {
    EXPECT_TRUE(is_sent(sent)) << sent;
  }
}

TEST(LauncherProtocol, ReadsEveryReplyToACompilation) {
  EXPECT_EQ(parse_reply(number(0, 4) + number(0, 4))->kind, ReplyKind::started);
  EXPECT_EQ(parse_reply(number(0, 4) + number(1, 4))->kind, ReplyKind::unhandled);

  const auto unsupported_reply = number(0, 4) + number(2, 4) + text("no gcc");
  const auto unsupported = parse_reply(unsupported_reply);
  EXPECT_EQ(unsupported->kind, ReplyKind::unsupported);
  EXPECT_EQ(unsupported->reason, "no gcc");

  const auto finished_reply = number(5, 4) + number(1, 1) + number(0xFFFFFFFE, 4) + number(0, 1) +
                              bytes("out") + bytes("e\0r"s) + number(1, 4);
  const auto finished = parse_reply(finished_reply);
  EXPECT_EQ(finished->kind, ReplyKind::finished);
  EXPECT_EQ(finished->exit_code, -2);
  EXPECT_EQ(finished->signal, std::nullopt);
  EXPECT_EQ(finished->output, "out");
  EXPECT_EQ(finished->errors, "e\0r"s);
  EXPECT_EQ(finished->color, ColorMode::on);
}

TEST(LauncherProtocol, RefusesWhatIsCutOffTooLongOrUnknown) {
  const auto whole =
      number(5, 4) + number(1, 1) + number(0, 4) + number(0, 1) + bytes("out") + bytes("") + number(2, 4);
  ASSERT_TRUE(parse_reply(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_reply(std::string_view(whole).substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_reply(whole + "x"));
  EXPECT_FALSE(parse_reply(number(1, 4)));                 // ZeroStats
  EXPECT_FALSE(parse_reply(number(0, 4) + number(3, 4)));  // no such compile response
  EXPECT_FALSE(
      parse_reply(number(0, 4) + number(2, 4) + number(1, 4) + bytes("w")));  // an OsString of Windows
  EXPECT_FALSE(parse_reply(number(5, 4) + number(2, 1) + number(0, 4)));      // an Option is 0 or 1
  EXPECT_FALSE(parse_reply(number(5, 4) + number(0, 2) + number(~0ULL, 8)));  // longer than the frame
  EXPECT_FALSE(
      parse_reply(number(5, 4) + number(0, 2) + bytes("") + bytes("") + number(3, 4)));  // no such colour
}

TEST(LauncherProtocol, LimitsFrames) {
  const auto size_of = [](std::array<unsigned char, 4> header) {
    std::array<char, 4> chars{};
    std::ranges::copy(header, chars.begin());
    return payload_size(chars);
  };
  EXPECT_EQ(size_of({0, 0, 1, 2}), 258);
  EXPECT_EQ(size_of({0x10, 0, 0, 0}), k_max_frame);
  EXPECT_EQ(size_of({0x10, 0, 0, 1}), std::nullopt);
  EXPECT_EQ(size_of({0xFF, 0xFF, 0xFF, 0xFF}), std::nullopt);
}

TEST(LauncherProtocol, SendsNoRequestBeyondTheLimit) {
  std::string large(1 << 20, 'x');
  std::vector<char*> arguments(300, large.data());
  EXPECT_EQ(
      request_size({.compiler = "c", .working_directory = "/", .arguments = arguments, .environment = {}}),
      0);
}

}  // namespace
}  // namespace agent::launcher
