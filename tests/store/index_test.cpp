#include "agent/store/index.hpp"

#include <gtest/gtest.h>

#include <string>

#include "agent/io/fd.hpp"

namespace agent::store {
namespace {

class IndexTest : public testing::Test {
protected:
  Located at(std::uint64_t offset, std::uint64_t size = 1) {
    return {.segment = &segment_, .offset = offset, .size = size};
  }

  void add(std::string_view key, std::uint64_t offset) {
    EXPECT_FALSE(index_.insert(key, at(offset), Trust::checked, Index::Pinned::no).replaced);
  }

  std::optional<std::uint64_t> offset_of(std::string_view key) {
    const auto found = index_.find(key);
    if (!found) {
      return std::nullopt;
    }
    EXPECT_FALSE(index_.unpin(found->node));
    return found->object.offset;
  }

  Segment segment_{1, "segment", io::Fd()};
  Index index_;
};

TEST_F(IndexTest, KeepsManyKeysApart) {
  // With so many keys some share all 32 bits of their hash.
  constexpr int k_keys = 150'000;
  for (int i = 0; i < k_keys; ++i) {
    add("key" + std::to_string(i), static_cast<std::uint64_t>(i));
  }

  EXPECT_EQ(index_.objects(), static_cast<std::uint64_t>(k_keys));
  EXPECT_EQ(index_.bytes(), static_cast<std::uint64_t>(k_keys));
  for (int i = 0; i < k_keys; ++i) {
    ASSERT_EQ(offset_of("key" + std::to_string(i)), static_cast<std::uint64_t>(i));
  }
  EXPECT_EQ(offset_of("key"), std::nullopt);
}

TEST_F(IndexTest, ReplacingReturnsTheOldRecord) {
  add("k", 24);

  auto inserted = index_.insert("k", at(100), Trust::checked, Index::Pinned::no);

  ASSERT_TRUE(inserted.replaced);
  EXPECT_EQ(inserted.replaced->mark, (DeadMark{.segment = 1, .offset = 24}));
  EXPECT_TRUE(inserted.replaced->node);
  EXPECT_EQ(offset_of("k"), 100U);
  EXPECT_EQ(index_.objects(), 1U);
}

TEST_F(IndexTest, APinnedRecordBelongsToItsLastPin) {
  add("k", 24);
  const auto first = index_.find("k");
  const auto second = index_.find("k");

  const auto gone = index_.erase("k");

  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->node);
  EXPECT_FALSE(index_.contains("k"));
  EXPECT_FALSE(index_.unpin(first->node));
  EXPECT_TRUE(index_.unpin(second->node));
}

TEST_F(IndexTest, ErasingARecordThatWasReplacedDoesNothing) {
  add("k", 24);
  const auto held = index_.find("k");
  index_.insert("k", at(100), Trust::checked, Index::Pinned::no);

  EXPECT_FALSE(index_.erase(held->node));

  EXPECT_EQ(offset_of("k"), 100U);
  EXPECT_TRUE(index_.unpin(held->node));
}

TEST_F(IndexTest, TheColdestGoesFirstAndPinnedOnesNever) {
  for (int i = 0; i < 100; ++i) {
    add("key" + std::to_string(i), static_cast<std::uint64_t>(i));
  }
  offset_of("key0");
  const auto held = index_.find("key1");

  EXPECT_EQ(index_.erase_coldest()->mark.offset, 2U);
  for (std::uint64_t i = 3; i < 100; ++i) {
    ASSERT_EQ(index_.erase_coldest()->mark.offset, i);
  }
  EXPECT_EQ(index_.erase_coldest()->mark.offset, 0U);
  EXPECT_FALSE(index_.erase_coldest());
  EXPECT_FALSE(index_.unpin(held->node));
  EXPECT_EQ(index_.erase_coldest()->mark.offset, 1U);
}

TEST_F(IndexTest, RemembersWhatWasChecked) {
  index_.insert("k", at(24), Trust::unchecked, Index::Pinned::no);
  const auto first = index_.find("k");
  EXPECT_EQ(first->trust, Trust::unchecked);

  index_.mark_checked(first->node);

  const auto second = index_.find("k");
  EXPECT_EQ(second->trust, Trust::checked);
  index_.unpin(first->node);
  index_.unpin(second->node);
}

TEST_F(IndexTest, ListsTheRecordsOfOneSegment) {
  Segment other{2, "other", io::Fd()};
  add("here", 24);
  add("replaced", 100);
  add("erased", 200);
  index_.insert("replaced", {.segment = &other, .offset = 24, .size = 1}, Trust::checked, Index::Pinned::no);
  index_.erase("erased");

  std::vector<std::string> seen;
  index_.each_in(segment_, [&](std::string_view key, const Located& object) {
    seen.push_back(std::string(key) + "@" + std::to_string(object.offset));
  });

  EXPECT_EQ(seen, std::vector<std::string>{"here@24"});
}

TEST_F(IndexTest, AWalkPinsEveryRecordOnce) {
  constexpr int k_keys = 500;
  for (int i = 0; i < k_keys; ++i) {
    add("key" + std::to_string(i), static_cast<std::uint64_t>(i));
  }

  std::vector<int> seen(k_keys);
  std::uint64_t cursor = 0;
  for (auto some = index_.pin_some(cursor); !some.empty(); some = index_.pin_some(cursor)) {
    for (const auto& found : some) {
      ++seen.at(found.object.offset);
      index_.unpin(found.node);
    }
  }

  EXPECT_EQ(seen, std::vector<int>(k_keys, 1));
  EXPECT_EQ(cursor, 0U);
}

}  // namespace
}  // namespace agent::store
