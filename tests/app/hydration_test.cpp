#include "agent/app/hydration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "agent/app/agent.hpp"
#include "agent/backends/disk_directory.hpp"
#include "agent/publish/tag_head.hpp"
#include "agent/publish/touch_set.hpp"
#include "tests/app/running_agent.hpp"

namespace agent::app {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::Succeeds;

constexpr std::string_view k_result = "a/b/abc";
constexpr std::string_view k_learnt = "preprocessor/a/b/c/abc";

class HydrationTest : public tests::AgentFixture {
protected:
  Config disk(const std::string& store) const {
    auto options = config(store);
    options.sccache_mode = SccacheMode::disk;
    options.sccache_dir = folder_.path() / (store + ".sccache") / "cache";
    options.checkout = "/home/runner/work/project";
    return options;
  }

  static void write(const Config& at, std::string_view path, const std::string& bytes) {
    const auto file = at.sccache_dir / path;
    ASSERT_THAT(io::make_folders(file.parent_path()), Succeeds());
    ASSERT_THAT(io::write_file(file, bytes), Succeeds());
  }

  static std::string read(const Config& at, std::string_view path) {
    return io::read_file(at.sccache_dir / path, 1U << 20U).value_or("(none)");
  }

  // A job in disk mode that adds two entries.
  void publish_two() {
    const auto first = disk("first");
    start(first);
    write(first, k_result, "object");
    write(first, k_learnt, "headers");
    const auto figures = agent_->drain(10s);
    EXPECT_EQ(figures.stores, 3U);  // and the record of the mode
    EXPECT_EQ(figures.published, 3U);
    agent_.reset();
  }
};

TEST_F(HydrationTest, FillsANewFolderWithWhatAnEarlierJobAdded) {
  publish_two();
  const auto second = disk("second");

  start(second);

  EXPECT_EQ(read(second, k_result), "object");
  EXPECT_EQ(read(second, k_learnt), "headers");
  ASSERT_TRUE(agent_->disk_cache().has_value());
  EXPECT_EQ(agent_->disk_cache()->folder, second.sccache_dir);
  EXPECT_GT(agent_->disk_cache()->size_bytes, 13U);
  const auto figures = agent_->drain(10s);
  EXPECT_EQ(figures.stores, 0U);  // nothing new
  EXPECT_EQ(figures.bytes_read, 13U);
  EXPECT_FALSE(figures.lookups_hit.has_value());  // sccache asked nobody but its folder
  EXPECT_EQ(figures.generation, 1U);
  EXPECT_THAT(figures.notes, IsEmpty());
}

TEST_F(HydrationTest, RecordsWhatSccacheAnsweredWith) {
  publish_two();
  const SystemClock clock;
  const auto storage = *backends::DiskDirectory::open(folder_.path() / "backend", clock);
  const auto tag = config().chain.own;
  auto head = *publish::read_head(*storage, tag);
  auto older = head.manifest;
  ++older.generation;
  older.packs.front().created_ms -= std::uint64_t{20} * 24 * 60 * 60 * 1000;  // today's would not be recorded
  ASSERT_THAT(publish::replace_head(*storage, tag, head, older), Succeeds());
  const auto second = disk("second");
  start(second);
  // As sccache does when it answers with a file of its folder.
  io::fs::last_write_time(second.sccache_dir / k_result, io::fs::file_time_type::clock::now() + 1s);

  agent_->drain(10s);

  const auto after = *publish::read_head(*storage, tag);
  const auto touches = publish::touches_of(after.manifest);
  ASSERT_EQ(touches.packs.size(), 1U);
  const auto& days = touches.packs.begin()->second;  // of the mode's record, the result, and what was learnt
  EXPECT_THAT(days, testing::SizeIs(3));
  EXPECT_EQ(std::ranges::count(days, publish::day_of(clock.wall())), 2) << "the record and the result";
  EXPECT_LT(days.back(), days.front());
  agent_.reset();
  start(disk("third"));
  agent_->drain(10s);
  EXPECT_EQ(publish::read_head(*storage, tag)->generation, after.generation) << "once a day";
}

TEST_F(HydrationTest, CollectsWhenAskedToFlush) {
  const auto options = disk("store");
  start(options);
  write(options, k_result, "object");

  const auto flushed = io::parse_json(control("POST", "/flush?deadline=10s").body, "flush");

  ASSERT_THAT(flushed, Succeeds());
  EXPECT_EQ((*flushed)["published"].count(), 2U);
}

TEST_F(HydrationTest, CollectsByTheClock) {
  auto options = disk("store");
  options.snapshot_interval = 50ms;
  start(options);
  write(options, k_result, "object");

  EXPECT_TRUE(eventually([&] { return agent_->figures().stores == 2U; }));
}

TEST_F(HydrationTest, AutoStaysInTheModeOfTheTag) {
  publish_two();
  auto second = disk("second");
  second.sccache_mode = SccacheMode::automatic;

  start(second);

  EXPECT_EQ(read(second, k_result), "object");
  EXPECT_TRUE(agent_->disk_cache().has_value());
}

TEST_F(HydrationTest, AutoFillsNothingForAnotherPath) {
  publish_two();
  auto second = disk("second");
  second.sccache_mode = SccacheMode::automatic;
  second.checkout = "/somewhere/else";

  start(second);

  EXPECT_FALSE(agent_->disk_cache().has_value());
  EXPECT_FALSE(io::fs::exists(second.sccache_dir));
  EXPECT_THAT(agent_->figures().notes, Contains(HasSubstr("another path")));
}

TEST_F(HydrationTest, AutoFillsNothingWhereThereIsNoRoom) {
  publish_two();
  auto second = disk("second");
  second.sccache_mode = SccacheMode::automatic;
  second.min_free_bytes = std::uint64_t{1} << 60U;

  start(second);

  EXPECT_FALSE(agent_->disk_cache().has_value());
  EXPECT_THAT(agent_->figures().notes, Contains(HasSubstr("no room")));
}

TEST_F(HydrationTest, AChangeToProxyIsAnnouncedAndKept) {
  publish_two();
  auto second = disk("second");
  second.sccache_mode = SccacheMode::proxy;

  start(second);
  EXPECT_FALSE(agent_->disk_cache().has_value());
  EXPECT_THAT(agent_->figures().notes, Contains(HasSubstr("a cold start")));
  agent_->drain(10s);

  auto third = disk("third");
  third.sccache_mode = SccacheMode::automatic;
  start(third);
  EXPECT_FALSE(agent_->disk_cache().has_value());
  EXPECT_THAT(agent_->figures().notes, IsEmpty());
}

TEST_F(HydrationTest, GoesOnWhereAKilledAgentStopped) {
  publish_two();
  const auto options = disk("second");
  start(options);
  write(options, "d/e/def", "before");
  agent_.reset();  // without a drain
  write(options, "d/e/deg", "after");

  start(options);  // the folder is in use: it is not filled again

  EXPECT_EQ(read(options, "d/e/def"), "before");
  EXPECT_TRUE(agent_->disk_cache().has_value());
  EXPECT_EQ(agent_->drain(10s).published, 2U);
  start(disk("third"));
  EXPECT_EQ(read(disk("third"), "d/e/deg"), "after");
}

TEST_F(HydrationTest, FillsAnewWhatIsNotToBeResumed) {
  publish_two();
  auto options = disk("second");
  start(options);
  write(options, "d/e/def", "left behind");
  agent_.reset();
  options.leftover = Config::Leftover::removed;

  start(options);

  EXPECT_EQ(read(options, "d/e/def"), "(none)");
  EXPECT_EQ(read(options, k_result), "object");
}

TEST_F(HydrationTest, AReadOnlyJobIsFilledAndPublishesNothing) {
  publish_two();
  auto options = disk("second");
  options.mode = publish::Mode::read_only;
  start(options);
  write(options, "d/e/def", "new");

  const auto figures = agent_->drain(10s);

  EXPECT_EQ(read(options, k_result), "object");
  EXPECT_EQ(figures.published, 0U);
  EXPECT_EQ(figures.refused.at("read-only"), 1U);
}

TEST_F(HydrationTest, WorksWithoutServingAnything) {
  auto options = disk("store");
  options.address.clear();
  options.control.clear();
  start(options);
  EXPECT_EQ(agent_->endpoint(), "");
  write(options, k_result, "object");

  EXPECT_EQ(agent_->drain(10s).published, 2U);
}

TEST_F(HydrationTest, UsesTheProxyWhereTheFolderCannotBeMade) {
  auto options = disk("store");
  ASSERT_THAT(io::write_file(folder_.path() / "file", "x"), Succeeds());
  options.sccache_dir = folder_.path() / "file" / "cache";

  start(options);

  EXPECT_FALSE(agent_->disk_cache().has_value());
  EXPECT_THAT(agent_->figures().notes, Contains(HasSubstr("disk mode cannot be used")));
  EXPECT_EQ(put("a/b/c/key", "bytes"), 201);
}

}  // namespace
}  // namespace agent::app
