#include "agent/publish/pending_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::publish {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

store::Stored of_size(std::uint64_t size) {
  return {.slice = {.fd = -1, .offset = 0, .size = size, .pin = nullptr}, .digest = {}, .crc32c = 0};
}

std::vector<std::string> keys_of(const std::vector<PendingObject>& objects) {
  std::vector<std::string> keys;
  for (const auto& object : objects) {
    keys.push_back(object.item.key);
  }
  return keys;
}

constexpr PendingObjects::Limit k_all{.objects = 1000, .bytes = 1'000'000};

TEST(PendingObjects, TakesInTheOrderTheyCame) {
  PendingObjects pending;
  pending.add("c", of_size(1), Steady(seconds(1)));
  pending.add("a", of_size(2), Steady(seconds(2)));
  pending.add("b", of_size(4), Steady(seconds(3)));

  EXPECT_EQ(pending.bytes(), 7U);
  EXPECT_EQ(pending.first_added(), Steady(seconds(1)));
  EXPECT_EQ(pending.last_added(), Steady(seconds(3)));
  EXPECT_THAT(keys_of(pending.take({.objects = 2, .bytes = 100})), ElementsAre("c", "a"));
  EXPECT_EQ(pending.bytes(), 4U);
  EXPECT_EQ(pending.first_number(), 2U);
}

TEST(PendingObjects, TakesNoMoreBytesThanAskedForButAtLeastOne) {
  PendingObjects pending;
  pending.add("a", of_size(60), {});
  pending.add("b", of_size(60), {});

  EXPECT_THAT(keys_of(pending.take({.objects = 10, .bytes = 100})), ElementsAre("a"));
  EXPECT_THAT(keys_of(pending.take({.objects = 10, .bytes = 10})), ElementsAre("b"));
  EXPECT_THAT(keys_of(pending.take(k_all)), IsEmpty());
}

TEST(PendingObjects, ANewerObjectTakesThePlaceOfTheOlder) {
  PendingObjects pending;
  pending.add("a", of_size(10), {});
  pending.add("b", of_size(1), {});
  pending.add("a", of_size(20), {});

  EXPECT_EQ(pending.size(), 2U);
  EXPECT_EQ(pending.bytes(), 21U);
  const auto taken = pending.take(k_all);
  EXPECT_THAT(keys_of(taken), ElementsAre("a", "b"));
  EXPECT_EQ(taken.front().item.object.slice.size, 20U);
}

TEST(PendingObjects, WhatIsPutBackKeepsItsPlaceUnlessItCameAgain) {
  PendingObjects pending;
  pending.add("a", of_size(1), {});
  pending.add("b", of_size(1), {});
  auto taken = pending.take(k_all);
  pending.add("c", of_size(1), {});
  pending.add("a", of_size(5), {});

  pending.put_back(std::move(taken));

  EXPECT_EQ(pending.bytes(), 7U);
  const auto again = pending.take(k_all);
  EXPECT_THAT(keys_of(again), ElementsAre("b", "c", "a"));
  EXPECT_EQ(again.back().item.object.slice.size, 5U);
}

}  // namespace
}  // namespace agent::publish
