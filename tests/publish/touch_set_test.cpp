#include "agent/publish/touch_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/publish/golden.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

using testing::ElementsAre;
using tests::FailsWith;

Digest digest_of(std::size_t number) {
  Digest digest;
  digest.bytes.fill(static_cast<std::uint8_t>(number));
  digest.bytes[0] = static_cast<std::uint8_t>(number >> 16U);
  digest.bytes[1] = static_cast<std::uint8_t>(number >> 8U);
  return digest;
}

Digest plain_digest(std::uint8_t byte) {
  Digest digest;
  digest.bytes.fill(byte);
  return digest;
}

// As tests/golden/make_touch_v1.py.
TouchSet golden_set() {
  TouchSet set{.since = 20'400, .recorded = {20'400, 20'410, 20'411}};
  std::vector<Day> first(10, 20'410);
  first[2] = 20'399;
  first[9] = 20'411;
  std::vector<Day> second(100, 20'411);
  second[42] = 20'400;
  set.packs = {{plain_digest(0x11), first}, {plain_digest(0x22), second}};
  return set;
}

Result<TouchSet> parse(std::string_view bytes) {
  return parse_touch_set(io::bytes_of(bytes));
}

PackRecord record_of(const Digest& digest, std::uint32_t objects, Day made) {
  return {
      .digest = digest, .created_ms = std::uint64_t{made} * 86'400'000, .objects = objects, .producer = "p"};
}

Manifest manifest_of(std::vector<PackRecord> packs) {
  std::ranges::sort(packs, {}, &PackRecord::digest);
  return {.generation = 1, .packs = std::move(packs)};
}

TEST(TouchSet, WritesVersion1ByteForByte) {
  EXPECT_EQ(encode(golden_set()), tests::golden("touch-set-v1.bin"));
}

TEST(TouchSet, ReadsVersion1) {
  EXPECT_EQ(parse(tests::golden("touch-set-v1.bin")), golden_set());
}

TEST(TouchSet, AnythingCutOffIsCorrupt) {
  const auto bytes = tests::golden("touch-set-v1.bin");

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(parse(bytes.substr(0, size)), FailsWith(Errc::corrupt)) << size;
  }
  EXPECT_THAT(parse(bytes + "x"), FailsWith(Errc::corrupt));
}

TEST(TouchSet, OfANewerVersionIsUnsupported) {
  auto bytes = tests::golden("touch-set-v1.bin");
  bytes[0] = 2;

  EXPECT_THAT(parse(bytes), FailsWith(Errc::unsupported));
}

TEST(TouchSet, OfFewBytesCannotTakeMuchMemory) {
  std::string bytes("\x01\0\0\0\x10\x27\0\0\x40\0\0\0", 12);
  for (char pack = 0; pack < 64; ++pack) {
    bytes += std::string(32, pack) + std::string("\0\0\x10\0\x10\x27\0\0", 8);  // a million objects each
  }

  EXPECT_THAT(parse(bytes), FailsWith(Errc::corrupt));
}

TEST(TouchSet, StaysSmallAndNeverMakesAnythingLookUsedEarlier) {
  TouchSet set{.since = 20'000, .recorded = {20'000}};
  for (std::size_t pack = 0; pack < 40; ++pack) {
    auto& days = set.packs[digest_of(pack)];
    for (std::size_t i = 0; i < 20'000; ++i) {
      days.push_back(static_cast<Day>(20'000 + ((i * 7919 + pack) % 30)));
    }
  }

  const auto bytes = encode(set);
  const auto again = parse(bytes);

  EXPECT_LE(bytes.size(), k_max_touch_set_bytes);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->partial);
  ASSERT_EQ(again->packs.size(), set.packs.size());
  for (const auto& [pack, days] : again->packs) {
    EXPECT_TRUE(std::ranges::equal(days, set.packs.at(pack), std::ranges::greater_equal()));
    EXPECT_LE(std::ranges::max(days), 20'029);
  }
}

TEST(TouchSet, OfMorePacksThanFitSaysSoAndLetsNoneOfThemExpire) {
  TouchSet set{.since = 20'000, .recorded = {20'000, 20'020, 20'021, 20'022}};
  for (std::size_t pack = 0; pack < 3000; ++pack) {
    set.packs[digest_of(pack)] = {20'000};
  }

  const auto again = parse(encode(set));

  ASSERT_TRUE(again);
  EXPECT_TRUE(again->partial);
  EXPECT_GT(again->packs.size(), 1000U);
  EXPECT_LT(again->packs.size(), 3000U);
  const auto left_out = record_of(digest_of(2999), 1, 20'000);
  EXPECT_FALSE(PackUse(*again, left_out).is_idle(0, 20'100));
}

TEST(TouchSet, LetsGoWhatNobodyUsedForTwoWeeksOfRecording) {
  const auto pack = record_of(digest_of(1), 2, 20'000);
  TouchSet set{.since = 20'001, .recorded = {20'001, 20'010, 20'014}};

  EXPECT_FALSE(PackUse(set, pack).is_idle(0, 20'014)) << "recording began thirteen days ago";
  EXPECT_FALSE(PackUse(set, pack).is_idle(0, 20'015)) << "two days of use since";
  set.recorded.push_back(20'015);
  EXPECT_TRUE(PackUse(set, pack).is_idle(0, 20'015));
  set.packs[pack.digest] = {20'002, 20'001};
  EXPECT_FALSE(PackUse(set, pack).is_idle(0, 20'015));
  EXPECT_TRUE(PackUse(set, pack).is_idle(1, 20'015));
  EXPECT_FALSE(PackUse(TouchSet(), pack).is_idle(1, 30'000)) << "nothing was ever recorded";
}

TEST(TouchSet, TakesInWhatWasUsedOnceADay) {
  const auto manifest = manifest_of({record_of(digest_of(1), 3, 20'000), record_of(digest_of(2), 1, 20'009)});
  TouchSet set;
  const std::vector<UsedPack> used{{.pack = digest_of(1), .objects = {true, false, true}},
                                   {.pack = digest_of(3), .objects = {true}}};

  EXPECT_TRUE(add_uses(set, manifest, used, 20'009));
  EXPECT_FALSE(add_uses(set, manifest, used, 20'009));
  EXPECT_FALSE(add_uses(set, manifest, {{.pack = digest_of(2), .objects = {true}}}, 20'009))
      << "it was published today";
  EXPECT_TRUE(add_uses(set, manifest, {{.pack = digest_of(1), .objects = {false, true, false}}}, 20'009))
      << "another job used another part";

  EXPECT_EQ(set.since, 20'009);
  EXPECT_THAT(set.recorded, ElementsAre(20'009));
  EXPECT_THAT(set.packs.at(digest_of(1)), ElementsAre(20'009, 20'009, 20'009));
  EXPECT_FALSE(set.packs.contains(digest_of(3))) << "the manifest does not have it";
}

TEST(TouchSet, BeginsAnewWhereItWasPartial) {
  const auto manifest = manifest_of({record_of(digest_of(1), 1, 20'000)});
  TouchSet set{.since = 20'000, .recorded = {20'000}, .partial = true};

  EXPECT_TRUE(add_uses(set, manifest, {{.pack = digest_of(1), .objects = {true}}}, 20'050));

  EXPECT_EQ(set.since, 20'050);
  EXPECT_FALSE(set.partial);
}

TEST(TouchSet, TravelsInTheManifestWithoutWhatIsNotInThere) {
  auto manifest = manifest_of({record_of(digest_of(1), 1, 20'000)});
  manifest.foreign = {{.type = 900, .payload = "later"}};
  TouchSet set{.since = 20'000, .recorded = {20'000}};
  set.packs = {{digest_of(1), {20'000}}, {digest_of(2), {20'000}}};

  set_touches(manifest, set);
  set_touches(manifest, set);
  const auto again = parse_manifest(io::bytes_of(*encode(manifest)));

  ASSERT_TRUE(again);
  EXPECT_EQ(*again, manifest);
  EXPECT_EQ(manifest.foreign.size(), 2U);
  EXPECT_EQ(touches_of(*again).packs.size(), 1U);
  manifest.foreign.front().payload = "damaged";
  EXPECT_EQ(touches_of(manifest), TouchSet());
}

}  // namespace
}  // namespace agent::publish
