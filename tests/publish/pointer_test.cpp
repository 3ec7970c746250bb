#include "agent/publish/pointer.hpp"

#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/publish/golden.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

Pointer golden_pointer() {
  return {.id = {.repository = "owner/name",
                 .scope = "refs/heads/main",
                 .tag = "rust-1.95.0-sccache-linux-x86_64"},
          .generation = 2,
          .manifest = io::sha256(io::bytes_of(tests::golden("manifest-v1.bin")))};
}

Pointer golden_pointer_with_manifest() {
  return pointer_to(golden_pointer().id, 2, tests::golden("manifest-v1.bin"));
}

TEST(Pointer, WritesFormat1ByteForByte) {
  EXPECT_EQ(encode(golden_pointer()), tests::golden("pointer-v1.json"));
}

TEST(Pointer, ReadsFormat1) {
  EXPECT_EQ(parse_pointer(tests::golden("pointer-v1.json")), golden_pointer());
}

TEST(Pointer, WritesFormat2ByteForByte) {
  EXPECT_EQ(encode(golden_pointer_with_manifest()), tests::golden("pointer-v2.json"));
}

TEST(Pointer, ReadsFormat2) {
  const auto pointer = parse_pointer(tests::golden("pointer-v2.json"));

  EXPECT_EQ(pointer, golden_pointer_with_manifest());
  EXPECT_EQ(pointer->embedded, tests::golden("manifest-v1.bin"));
}

TEST(Pointer, HoldsAManifestAsLongAsItStaysSmall) {
  std::size_t embedded = 40'000;
  std::size_t named = 60'000;
  while (named - embedded > 1) {
    const auto size = (embedded + named) / 2;
    const auto pointer = pointer_to(golden_pointer().id, 2, std::string(size, 'm'));
    const auto text = encode(pointer);
    ASSERT_LE(text.size(), k_max_pointer_bytes);
    ASSERT_EQ(parse_pointer(text), pointer);
    (pointer.embedded ? embedded : named) = size;
  }

  EXPECT_GT(embedded, 48'000U);
  EXPECT_LT(named, 49'152U);
}

TEST(Pointer, IgnoresMembersItDoesNotKnow) {
  auto text = tests::golden("pointer-v1.json");
  text.insert(1, R"("future":{"a":[1,2]},)");

  EXPECT_EQ(parse_pointer(text), golden_pointer());
}

TEST(Pointer, KeepsGenerationsBeyondThirtyTwoBits) {
  auto pointer = golden_pointer();
  pointer.generation = std::uint64_t{1} << 40U;

  EXPECT_EQ(parse_pointer(encode(pointer)), pointer);
}

TEST(Pointer, SaysThatAFormatIsNewer) {
  const auto parsed = parse_pointer(R"({"format":3,"anything":"else"})");

  EXPECT_THAT(parsed, FailsWith(Errc::unsupported));
  EXPECT_THAT(parsed, FailsSaying("newer"));
}

TEST(Pointer, RefusesEverythingElse) {
  const auto golden = tests::golden("pointer-v1.json");
  const auto with = [&](std::string_view old, std::string_view replacement) {
    auto text = golden;
    const auto at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return text.replace(at, old.size(), replacement);
  };

  for (const auto& text :
       {std::string(), std::string("[]"), std::string("null"), std::string("{}"), golden.substr(0, 100),
        with("\"format\":1", "\"format\":0"), with("\"format\":1", "\"format\":\"1\""),
        with("\"generation\":2", "\"generation\":0"), with("\"generation\":2", "\"generation\":-1"),
        with("\"generation\":2", "\"generation\":1.5"), with("\"digest\":\"", "\"digest\":\"0"),
        with("manifests/", "manifests/../"), with("rust-", "../rust-"), with("refs/heads/main", ""),
        with("\"scope\"", "\"scope2\""), golden + golden, with("\"format\":1", "\"format\":2")}) {
    EXPECT_THAT(parse_pointer(text), FailsWith(Errc::corrupt)) << text;
  }
  const auto embedding = tests::golden("pointer-v2.json");
  const auto at = embedding.find("SFJUSE1BTkk");  // "HRTHMANI"
  ASSERT_NE(at, std::string::npos);
  for (const auto* const wrong : {"*", "=", " ", "\\n"}) {
    auto text = embedding;
    text.replace(at, 1, wrong);
    EXPECT_THAT(parse_pointer(text), FailsWith(Errc::corrupt)) << text;
  }
}

}  // namespace
}  // namespace agent::publish
