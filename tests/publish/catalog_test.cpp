#include "agent/publish/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/ranged_storage.hpp"

namespace agent::publish {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using tests::FailsWith;
using tests::RangedStorage;
using tests::Succeeds;

class CatalogTest : public TagFixture {
protected:
  void SetUp() override {
    ASSERT_THAT(writer(*storage_)->publish(items({{"a", "first"}, {"b", "second"}})), Succeeds());
    ASSERT_THAT(writer(*storage_, "refs/heads/topic")->publish(items({{"c", "third"}})), Succeeds());
  }

  TagCheck check(backends::ObjectStorage& storage) {
    const auto tag = inspect_tag(storage, tag_of("refs/heads/main"));
    EXPECT_TRUE(tag && *tag);
    int heard = 0;
    auto checked = check_tag(storage, (*tag)->manifest, [&](const TagCheck&) { ++heard; });
    EXPECT_EQ(heard, (*tag)->manifest.packs.size());
    return checked.value_or(TagCheck{});
  }
};

TEST_F(CatalogTest, ListsTagsByRepositoryScopeAndName) {
  const auto listing = list_tags(*storage_, {});
  ASSERT_THAT(listing, Succeeds());
  ASSERT_THAT(listing->tags, SizeIs(2));
  EXPECT_EQ(listing->tags.at(0).id, tag_of("refs/heads/main"));
  EXPECT_EQ(listing->tags.at(0).objects, 2U);
  EXPECT_EQ(listing->tags.at(1).id, tag_of("refs/heads/topic"));
  EXPECT_THAT(listing->unreadable, IsEmpty());
}

TEST_F(CatalogTest, ListsWhatAFilterKeeps) {
  EXPECT_THAT(
      list_tags(*storage_, {.repository = "owner/name", .scope = "refs/heads/topic", .tag_prefix = "rust"})
          ->tags,
      SizeIs(1));
  EXPECT_THAT(list_tags(*storage_, {.repository = "owner/other", .scope = {}, .tag_prefix = {}})->tags,
              IsEmpty());
  EXPECT_THAT(list_tags(*storage_, {.repository = {}, .scope = {}, .tag_prefix = "go-"})->tags, IsEmpty());
}

TEST_F(CatalogTest, ListsTheRestWhenOneTagIsBroken) {
  const auto name = *pointer_name(tag_of("refs/heads/topic"));
  const auto there = storage_->read(name);
  ASSERT_THAT(storage_->compare_and_swap(name, (*there)->version, "garbage"), Succeeds());
  const auto listing = list_tags(*storage_, {});
  EXPECT_THAT(listing->tags, SizeIs(1));
  EXPECT_THAT(listing->unreadable, ElementsAre(HasSubstr(name)));
}

TEST_F(CatalogTest, ShowsOneTagWithItsPacksAndProducers) {
  const auto tag = inspect_tag(*storage_, tag_of("refs/heads/main"));
  ASSERT_TRUE(tag && *tag);
  EXPECT_EQ((*tag)->manifest.generation, 1U);
  ASSERT_THAT((*tag)->manifest.packs, SizeIs(1));
  EXPECT_EQ((*tag)->manifest.packs.front().producer, "a test");
  EXPECT_FALSE(*inspect_tag(*storage_, tag_of("refs/heads/none")));
}

TEST_F(CatalogTest, RemovesATagAndLeavesTheOthers) {
  EXPECT_EQ(*remove_tag(*storage_, tag_of("refs/heads/topic")), true);
  EXPECT_EQ(*remove_tag(*storage_, tag_of("refs/heads/topic")), false);
  EXPECT_THAT(list_tags(*storage_, {})->tags, SizeIs(1));
  EXPECT_EQ(contents().size(), 2U);
}

TEST_F(CatalogTest, FindsASoundTagSoundInPlaceAndByRange) {
  RangedStorage remote(*storage_);
  for (auto* const storage : {storage_.get(), static_cast<backends::ObjectStorage*>(&remote)}) {
    const auto checked = check(*storage);
    EXPECT_TRUE(checked.sound());
    EXPECT_EQ(checked.objects, 2U);
    EXPECT_EQ(checked.bytes, 11U);
  }
}

TEST_F(CatalogTest, ChecksObjectsLargerThanOneRead) {
  const std::string large(std::size_t{20} << 20U, 'x');
  ASSERT_THAT(writer(*storage_)->publish(items({{"large", large}})), Succeeds());
  RangedStorage remote(*storage_);
  EXPECT_TRUE(check(remote).sound());
}

TEST_F(CatalogTest, NamesWrongBytesAndMissingPacks) {
  RangedStorage remote(*storage_);
  remote.set_fate([](std::string bytes) -> Result<std::optional<std::string>> {
    if (const auto at = bytes.find("second"); at != std::string::npos) {
      bytes[at] = 'S';
    }
    return bytes;
  });
  const auto wrong = check(remote);
  EXPECT_EQ(wrong.corrupt_objects, 1U);
  EXPECT_THAT(wrong.problems, ElementsAre(HasSubstr("object b ")));

  const auto pack = (*inspect_tag(*storage_, tag_of("refs/heads/main")))->manifest.packs.front();
  ASSERT_THAT(storage_->remove(pack_name(pack.digest)), Succeeds());
  const auto missing = check(*storage_);
  EXPECT_EQ(missing.missing_packs, 1U);
  EXPECT_FALSE(missing.sound());
}

TEST_F(CatalogTest, SaysThatTheStorageFailedInsteadOfCallingTheTagBroken) {
  RangedStorage remote(*storage_);
  const auto tag = inspect_tag(*storage_, tag_of("refs/heads/main"));
  remote.set_fate([](const std::string&) {
    return Result<std::optional<std::string>>(std::unexpected(tests::timed_out()));
  });
  EXPECT_THAT(check_tag(remote, (*tag)->manifest, [](const TagCheck&) {}), FailsWith(Errc::transient));
}

}  // namespace
}  // namespace agent::publish
