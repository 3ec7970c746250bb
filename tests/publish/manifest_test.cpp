#include "agent/publish/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/publish/golden.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using tests::FailsWith;
using tests::Succeeds;

Digest digest_of(std::uint8_t byte) {
  Digest digest;
  digest.bytes.fill(byte);
  return digest;
}

// As tests/golden/make_tag_v1.py.
Manifest golden_manifest() {
  Manifest manifest{.generation = 2, .previous = digest_of(0x55), .created_ms = 1'763'700'000'456};
  manifest.packs = {{.digest = digest_of(0x11),
                     .size_bytes = 5000,
                     .footer_offset = 4000,
                     .footer_size = 936,
                     .live_bytes = 3500,
                     .generation = 2,
                     .created_ms = 1'763'700'000'123,
                     .objects = 12,
                     .producer = "owner/name refs/heads/main build 1234"},
                    {.digest = digest_of(0x22),
                     .size_bytes = std::uint64_t{1} << 30U,
                     .footer_offset = (std::uint64_t{1} << 30U) - 100'064,
                     .footer_size = 100'000,
                     .live_bytes = 900'000'000,
                     .generation = 1,
                     .created_ms = 1'763'600'000'000,
                     .objects = 2000,
                     .producer = "local user@host"}};
  manifest.tombstones = {{.pack = digest_of(0x33), .removed_ms = 1'763'650'000'000},
                         {.pack = digest_of(0x44), .removed_ms = 1'763'650'000'001}};
  manifest.foreign = {{.type = 900, .payload = "a section of another version"}};
  return manifest;
}

Result<Manifest> parse(std::string_view bytes) {
  return parse_manifest(io::bytes_of(bytes));
}

PackRecord pack(std::uint8_t byte) {
  return {
      .digest = digest_of(byte), .size_bytes = 100, .footer_offset = 10, .footer_size = 20, .producer = "p"};
}

TEST(Manifest, WritesVersion1ByteForByte) {
  EXPECT_EQ(encode(golden_manifest()), tests::golden("manifest-v1.bin"));
}

TEST(Manifest, ReadsVersion1) {
  EXPECT_EQ(parse(tests::golden("manifest-v1.bin")), golden_manifest());
}

// As tests/golden/make_touch_v1.py.
Manifest with_removed_keys() {
  Manifest manifest{.generation = 7, .created_ms = 1'763'700'000'456};
  manifest.removed = {{.key = "sccache/a/b/c/abc", .generation = 6, .removed_ms = 1'763'700'000'123},
                      {.key = "sccache/d/e/f/def", .generation = 3, .removed_ms = 1'763'600'000'000}};
  return manifest;
}

TEST(Manifest, WritesAndReadsRemovedKeysByteForByte) {
  EXPECT_EQ(encode(with_removed_keys()), tests::golden("manifest-removed-v1.bin"));
  EXPECT_EQ(parse(tests::golden("manifest-removed-v1.bin")), with_removed_keys());
}

TEST(Manifest, TellsWhichPacksAKeyWasRemovedFrom) {
  const auto removed = with_removed_keys().removed;

  EXPECT_TRUE(hides(removed, "sccache/a/b/c/abc", 6));
  EXPECT_FALSE(hides(removed, "sccache/a/b/c/abc", 7)) << "published since";
  EXPECT_FALSE(hides(removed, "sccache/a/b/c/ab", 1));
}

TEST(Manifest, TheSmallestOneRoundTrips) {
  const Manifest smallest{.generation = 1};

  EXPECT_EQ(parse(*encode(smallest)), smallest);
}

TEST(Manifest, AnythingCutOffIsCorrupt) {
  const auto bytes = tests::golden("manifest-v1.bin");

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(parse(bytes.substr(0, size)), FailsWith(Errc::corrupt)) << size;
  }
  EXPECT_THAT(parse(bytes + "x"), FailsWith(Errc::corrupt));
}

TEST(Manifest, SaysThatAVersionOrASectionIsNewer) {
  auto version = tests::golden("manifest-v1.bin");
  version[8] = 2;
  EXPECT_THAT(parse(version), FailsWith(Errc::unsupported));

  auto section = tests::golden("manifest-v1.bin");
  const auto foreign = section.size() - std::string_view("a section of another version").size() - 16;
  section[foreign + 2] = 1;  // "must understand"
  EXPECT_THAT(parse(section), FailsWith(Errc::unsupported));
}

TEST(Manifest, RefusesEntriesThatCannotBe) {
  const auto broken = [](auto change) {
    auto manifest = golden_manifest();
    change(manifest);
    return parse(*encode(manifest));
  };

  EXPECT_THAT(broken([](Manifest& m) { m.generation = 0; }), FailsWith(Errc::corrupt));
  EXPECT_THAT(broken([](Manifest& m) { std::swap(m.packs[0], m.packs[1]); }), FailsWith(Errc::corrupt));
  EXPECT_THAT(broken([](Manifest& m) { m.packs[1].digest = m.packs[0].digest; }), FailsWith(Errc::corrupt));
  EXPECT_THAT(broken([](Manifest& m) { m.packs[0].footer_offset = 5001; }), FailsWith(Errc::corrupt));
  EXPECT_THAT(broken([](Manifest& m) { m.packs[0].footer_size = ~std::uint64_t{0}; }),
              FailsWith(Errc::corrupt));
  EXPECT_THAT(broken([](Manifest& m) { std::swap(m.tombstones[0], m.tombstones[1]); }),
              FailsWith(Errc::corrupt));
  EXPECT_THAT(broken([](Manifest& m) { m.foreign[0].type = 2; }), FailsWith(Errc::corrupt));
}

TEST(Manifest, HasALimit) {
  Manifest manifest{.generation = 1};
  manifest.foreign = {{.type = 900, .payload = std::string(k_max_manifest_bytes, 'x')}};

  EXPECT_THAT(encode(manifest), FailsWith(Errc::full));
  EXPECT_THAT(parse(std::string(k_max_manifest_bytes + 1, 'x')), FailsWith(Errc::corrupt));
}

TEST(ManifestMerge, AddsMineToTheirsOnce) {
  Manifest theirs{.generation = 4};
  theirs.packs = {pack(2), pack(4)};

  const auto next =
      merged(theirs, {pack(3), pack(4), pack(1)}, {.previous = digest_of(9), .generation = 5, .now_ms = 77});

  ASSERT_THAT(next.packs, SizeIs(4));
  EXPECT_TRUE(std::ranges::is_sorted(next.packs, {}, &PackRecord::digest));
  EXPECT_EQ(next.find(digest_of(1))->generation, 5U);
  EXPECT_EQ(next.find(digest_of(4))->generation, 0U);
  EXPECT_EQ(next.find(digest_of(5)), nullptr);
  EXPECT_EQ(next.generation, 5U);
  EXPECT_EQ(next.previous, digest_of(9));
  EXPECT_EQ(next.created_ms, 77U);
}

TEST(ManifestMerge, DoesNotRaiseTheDead) {
  Manifest theirs{.generation = 4};
  theirs.tombstones = {{.pack = digest_of(1), .removed_ms = 1}};

  const auto next = merged(theirs, {pack(1)}, {.generation = 5});

  EXPECT_THAT(next.packs, IsEmpty());
  EXPECT_THAT(next.tombstones, SizeIs(1));
}

TEST(ManifestMerge, CarriesOverWhatItDoesNotKnow) {
  EXPECT_EQ(merged(golden_manifest(), {pack(1)}, {.generation = 3}).foreign, golden_manifest().foreign);
}

}  // namespace
}  // namespace agent::publish
