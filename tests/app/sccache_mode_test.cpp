#include "agent/app/sccache_mode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/result_matchers.hpp"

namespace agent::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::FailsSaying;
using tests::FailsWith;

const ModeRecord k_here{.mode = SccacheMode::disk, .checkout = "here"};

ModeFacts facts(SccacheMode requested, std::optional<ModeRecord> recorded) {
  return {.requested = requested,
          .recorded = std::move(recorded),
          .tag_is_empty = false,
          .checkout = "here",
          .room = true};
}

TEST(SccacheMode, IsReadAndWrittenByName) {
  for (const auto mode : {SccacheMode::proxy, SccacheMode::disk, SccacheMode::automatic}) {
    EXPECT_EQ(parse_sccache_mode(name_of(mode)), mode);
  }
  EXPECT_THAT(parse_sccache_mode("direct"), FailsSaying("'direct' is none of proxy, disk, auto"));
  EXPECT_THAT(parse_sccache_mode(""), FailsWith(Errc::invalid));
}

TEST(SccacheMode, RecordsComeBackAsTheyWere) {
  const ModeRecord record{.mode = SccacheMode::disk, .checkout = checkout_digest("/home/runner/work")};

  EXPECT_EQ(parse_mode_record(to_text(record)), record);
  EXPECT_EQ(record.checkout.size(), 16U);
  EXPECT_NE(record.checkout, checkout_digest("/home/runner/work2"));
}

// docs/formats.md, "Mode of a tag".
TEST(SccacheMode, RecordsAreWrittenAsTheFormatSays) {
  EXPECT_EQ(to_text(k_here), "{\"checkout\":\"here\",\"mode\":\"disk\",\"schema\":1}\n");
}

TEST(SccacheMode, RecordsOfOthersAreNotGuessedAt) {
  for (const auto* text : {"", "{", "[]", "{}", R"({"schema":1})", R"({"schema":1,"mode":"auto"})",
                           R"({"schema":1,"mode":"tape"})", R"({"schema":"1","mode":"disk"})"}) {
    EXPECT_THAT(parse_mode_record(text), FailsWith(Errc::invalid)) << text;
  }
  EXPECT_THAT(parse_mode_record(R"({"schema":2,"mode":"disk"})"), FailsWith(Errc::unsupported));
}

TEST(SccacheMode, AutoIsProxyWhereTheTagRecordsNothing) {
  const auto choice = choose_mode(facts(SccacheMode::automatic, std::nullopt));

  EXPECT_EQ(choice.mode, SccacheMode::proxy);
  EXPECT_THAT(choice.note, IsEmpty());
  EXPECT_EQ(choice.record, std::nullopt);
}

TEST(SccacheMode, AutoIsDiskWhereTheTagWasFilledFromThisPath) {
  const auto choice = choose_mode(facts(SccacheMode::automatic, k_here));

  EXPECT_EQ(choice.mode, SccacheMode::disk);
  EXPECT_THAT(choice.note, IsEmpty());
}

TEST(SccacheMode, AutoIsProxyWhereTheTagWasFilledFromAnotherPath) {
  auto elsewhere = facts(SccacheMode::automatic, k_here);
  elsewhere.checkout = "elsewhere";

  const auto choice = choose_mode(elsewhere);

  EXPECT_EQ(choice.mode, SccacheMode::proxy);
  EXPECT_THAT(choice.note, HasSubstr("another path"));
  EXPECT_EQ(choice.record, std::nullopt);  // jobs on the first path go on as before
}

TEST(SccacheMode, AutoIsProxyWhereTheDiskHasNoRoom) {
  auto full = facts(SccacheMode::automatic, k_here);
  full.room = false;

  const auto choice = choose_mode(full);

  EXPECT_EQ(choice.mode, SccacheMode::proxy);
  EXPECT_THAT(choice.note, HasSubstr("no room"));
}

TEST(SccacheMode, AChangeIsRecordedAndAnnounced) {
  const auto to_disk = choose_mode(facts(SccacheMode::disk, std::nullopt));
  EXPECT_EQ(to_disk.mode, SccacheMode::disk);
  EXPECT_THAT(to_disk.note,
              HasSubstr("sccache-mode is disk now, the tag was last used in mode proxy: a cold start"));
  EXPECT_EQ(to_disk.record, k_here);

  auto warm = facts(SccacheMode::proxy, k_here);
  warm.tag_has_mode = true;
  const auto to_proxy = choose_mode(warm);
  EXPECT_EQ(to_proxy.mode, SccacheMode::proxy);
  EXPECT_THAT(to_proxy.note, HasSubstr("the tag was last used in mode disk"));
  EXPECT_THAT(to_proxy.note, Not(HasSubstr("cold")));
  ASSERT_TRUE(to_proxy.record.has_value());
  EXPECT_EQ(to_proxy.record->mode, SccacheMode::proxy);

  auto moved = facts(SccacheMode::disk, k_here);
  moved.checkout = "elsewhere";
  const auto to_there = choose_mode(moved);
  EXPECT_THAT(to_there.note, HasSubstr("another path"));
  ASSERT_TRUE(to_there.record.has_value());
  EXPECT_EQ(to_there.record->checkout, "elsewhere");
}

TEST(SccacheMode, WhatStaysAsItWasIsNeitherRecordedNorAnnounced) {
  for (const auto& same :
       {facts(SccacheMode::disk, k_here), facts(SccacheMode::proxy, std::nullopt),
        facts(SccacheMode::proxy, ModeRecord{.mode = SccacheMode::proxy, .checkout = "elsewhere"})}) {
    const auto choice = choose_mode(same);
    EXPECT_EQ(choice.mode, same.requested);
    EXPECT_THAT(choice.note, IsEmpty());
    EXPECT_EQ(choice.record, std::nullopt);
  }
}

TEST(SccacheMode, AFirstUseIsNoChange) {
  auto first = facts(SccacheMode::disk, std::nullopt);
  first.tag_is_empty = true;

  const auto choice = choose_mode(first);

  EXPECT_THAT(choice.note, IsEmpty());
  EXPECT_EQ(choice.record, k_here);
}

}  // namespace
}  // namespace agent::app
