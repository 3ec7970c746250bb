#include "agent/sccache/key_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agent::sccache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string line(std::string_view text) {
  return "[2026-11-21T22:42:27Z DEBUG sccache::compiler::compiler] " + std::string(text) + "\n";
}

constexpr const char* k_digest = "5c23adc21fd240243c0dd64c65e54e8d5abcfa1f81022839a1ccb16ecd4f4774";

TEST(KeyLog, TellsNameArgumentsKeyAndOutcome) {
  const auto found = parse_key_log(
      line(R"([a0.o]: get_cached_or_compile: ["-c", "a \"b\".c", "-o", "a0.o"])") +
      line("[a0.o]: generate_hash_key took 0.009 s") + line(std::string("[a0.o]: Hash key: ") + k_digest) +
      line("[a0.o]: Cache miss in 0.000 s"));

  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found.front().name, "a0.o");
  EXPECT_THAT(found.front().arguments, ElementsAre("-c", "a \"b\".c", "-o", "a0.o"));
  EXPECT_EQ(found.front().key, 0x5c23adc21fd24024U);
  EXPECT_EQ(found.front().outcome, "miss");
  EXPECT_FALSE(found.front().is_rust());
}

TEST(KeyLog, KeepsCompilationsApartThatRunTogether) {
  const auto found = parse_key_log(
      line(R"([a.o]: get_cached_or_compile: ["1"])") + line(R"([b.o]: get_cached_or_compile: ["2"])") +
      line(std::string("[b.o]: Hash key: ") + k_digest) + line(std::string("[a.o]: Hash key: f") + k_digest) +
      line("[b.o]: Cache hit in 0.001 s"));

  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].name, "a.o");
  EXPECT_EQ(found[0].outcome, "");
  EXPECT_EQ(found[1].outcome, "hit");
}

TEST(KeyLog, LeavesOutWhatHasNoKeyAndOtherLines) {
  EXPECT_THAT(parse_key_log(line(R"([a.o]: get_cached_or_compile: ["1"])") + "noise\n" + line("Found gcc") +
                            line("[x]: Hash key: nonsense")),
              IsEmpty());
}

TEST(KeyLog, HidesSecretsOfArguments) {
  const auto found = parse_key_log(line(R"([a.o]: get_cached_or_compile: ["-DAPI_TOKEN=sesame"])") +
                                   line(std::string("[a.o]: Hash key: ") + k_digest));

  EXPECT_THAT(found.at(0).arguments, ElementsAre("-DAPI_TOKEN=(hidden)"));
}

}  // namespace
}  // namespace agent::sccache
