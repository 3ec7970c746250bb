#include "agent/app/top_misses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(TopMisses, WhatIsWrongComesFirstThenWhatHasAName) {
  const cache::Requests requests{.keys = {{"absent", {0xaa, 0xbb, 0xcc}},
                                          {"corrupt", {0xdd}},
                                          {"hit", {0x11}},
                                          {"stored", {0xaa, 0xbb, 0xcc, 0xdd}}}};
  const std::vector<sccache::KeyedCompilation> compilations = {
      {.name = "zlib", .key = 0xbb}, {.name = "anyhow", .key = 0xcc}, {.name = "hit", .key = 0x11}};

  EXPECT_THAT(top_misses(requests, compilations),
              ElementsAre(report::Miss{.key = "00000000000000dd", .reason = "corrupt"},
                          report::Miss{.name = "anyhow", .key = "00000000000000cc", .reason = "absent"},
                          report::Miss{.name = "zlib", .key = "00000000000000bb", .reason = "absent"},
                          report::Miss{.key = "00000000000000aa", .reason = "absent"}));
}

TEST(TopMisses, AreBounded) {
  cache::Requests requests;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    requests.keys["absent"].push_back(key);
  }

  EXPECT_THAT(top_misses(requests, {}), SizeIs(k_most_top_misses));
}

TEST(TopMisses, OfARunWithoutAnyThereAreNone) {
  EXPECT_THAT(top_misses({.keys = {{"hit", {1, 2}}, {"lookups are off", {3}}}}, {}), IsEmpty());
}

}  // namespace
}  // namespace agent::app
