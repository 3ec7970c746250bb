#include "agent/publish/pack_cache.hpp"

#include <gtest/gtest.h>

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using tests::FailsWith;
using tests::FaultyStorage;
using tests::Operation;
using tests::Succeeds;

class PackCacheTest : public TagFixture {
protected:
  void SetUp() override {
    for (const auto* key : {"a", "b"}) {
      ASSERT_THAT(writer(*storage_)->publish(items({{key, "content"}})), Succeeds());
    }
    records_ = read_head(*storage_, tag_of("refs/heads/main")).value().manifest.packs;
    ASSERT_EQ(records_.size(), 2U);
  }

  std::vector<PackRecord> records_;
};

TEST_F(PackCacheTest, ReadsAPackOnceAsLongAsSomebodyHoldsIt) {
  int opened = 0;
  FaultyStorage counted(*storage_, [&](Operation, std::string_view) {
    ++opened;
    return std::nullopt;
  });
  PackCache cache;
  {
    const auto first = cache.load(counted, records_[0]);
    ASSERT_THAT(first, Succeeds());
    EXPECT_EQ(*first, *cache.load(counted, records_[0]));
    EXPECT_EQ(opened, 1);
  }
  EXPECT_THAT(cache.load(counted, records_[0]), Succeeds());
  EXPECT_EQ(opened, 2);
}

TEST_F(PackCacheTest, KeepsNoMoreFilesOpenThanItMay) {
  PackCache cache(1);
  auto first = cache.load(*storage_, records_[0]);
  const auto second = cache.load(*storage_, records_[1]);
  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(second, Succeeds());
  EXPECT_TRUE((*first)->file.has_value());
  EXPECT_FALSE((*second)->file.has_value());  // read by range
  EXPECT_EQ((*second)->index.entries(), 1U);

  *first = nullptr;  // gives its place back
  EXPECT_TRUE((*cache.load(*storage_, records_[0]))->file.has_value());
}

TEST_F(PackCacheTest, HoldsPacksAgainstTheirRecords) {
  PackCache cache;
  auto gone = records_[0];
  gone.digest.bytes[0] ^= 1U;
  auto resized = records_[0];
  ++resized.size_bytes;
  auto moved = records_[0];
  --moved.footer_offset;

  EXPECT_THAT(cache.load(*storage_, gone), FailsWith(Errc::not_found));
  EXPECT_THAT(cache.load(*storage_, resized), FailsWith(Errc::corrupt));
  EXPECT_THAT(cache.load(*storage_, moved), FailsWith(Errc::corrupt));
}

TEST_F(PackCacheTest, DistrustsOneKeyOfOnePack) {
  PackCache cache;

  cache.distrust(records_[0].digest, "a");

  EXPECT_TRUE(cache.distrusted(records_[0].digest, "a"));
  EXPECT_FALSE(cache.distrusted(records_[0].digest, "b"));
  EXPECT_FALSE(cache.distrusted(records_[1].digest, "a"));
}

}  // namespace
}  // namespace agent::publish
