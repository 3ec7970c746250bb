#include "agent/server/report_log.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::server {
namespace {

using agent::tests::Succeeds;

class ReportLogs : public testing::Test {
protected:
  static DayReport hits(std::uint64_t count) { return {.tools = {{"sccache", {.hits = count}}}}; }

  std::size_t waiting() { return storage_->list("reports/").value().size(); }

  std::uint64_t hits_today() {
    const auto days = log_.days(workspace_, today(), today());
    EXPECT_THAT(days, Succeeds());
    const auto& tools = days->front().tools;
    return tools.contains("sccache") ? tools.at("sccache").hits : 0;
  }

  Day today() const { return day_of(clock_.wall()); }

  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  ManualClock clock_;
  metrics::Registry registry_;
  std::unique_ptr<backends::ObjectStorage> storage_ =
      backends::open_storage("disk://" + folder_.path().string(), {.clock = clock_, .registry = registry_})
          .value();
  Workspace workspace_{.owner = "acme", .name = "ci"};
  ReportLog log_{*storage_, clock_};
};

TEST_F(ReportLogs, HaveWhatWasAddedAtOnce) {
  ASSERT_THAT(log_.add(workspace_, hits(3)), Succeeds());

  EXPECT_EQ(hits_today(), 3);
}

TEST_F(ReportLogs, CountNothingTwiceWhereFoldingWasCutShort) {
  ASSERT_THAT(log_.add(workspace_, hits(3)), Succeeds());
  const auto left = storage_->list("reports/").value().front();
  const auto content = storage_->read(left.name).value()->content;
  ASSERT_THAT(log_.fold(workspace_, today()), Succeeds());
  ASSERT_EQ(waiting(), 0);

  // As if the server had been killed between the swap and the removal.
  ASSERT_THAT(storage_->put_if_absent(left.name, std::string_view(content)), Succeeds());
  EXPECT_EQ(hits_today(), 3);
  ASSERT_THAT(log_.add(workspace_, hits(4)), Succeeds());
  ASSERT_THAT(log_.fold(workspace_, today()), Succeeds());

  EXPECT_EQ(hits_today(), 7);
  EXPECT_EQ(waiting(), 0);
}

TEST_F(ReportLogs, LoseNothingOfManyWritersThatFold) {
  constexpr int k_writers = 4;
  constexpr int k_reports = 40;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < k_writers; ++i) {
      writers.emplace_back([&] {
        ReportLog own(*storage_, clock_);  // a server of its own
        for (int k = 0; k < k_reports; ++k) {
          EXPECT_THAT(own.add(workspace_, hits(1)), Succeeds());
        }
      });
    }
  }

  EXPECT_EQ(hits_today(), k_writers * k_reports);
  EXPECT_LT(waiting(), k_writers * k_reports);
}

TEST_F(ReportLogs, NoteUsesOnceAMinute) {
  log_.used(workspace_, "rust", 1);
  EXPECT_EQ(waiting(), 1) << "the first use is written at once";
  log_.used(workspace_, "rust", 1);
  log_.used(workspace_, "cpp", 0);
  EXPECT_EQ(waiting(), 1);

  clock_.advance(std::chrono::minutes(2));
  log_.used(workspace_, "rust", 1);

  const auto tags = log_.days(workspace_, today(), today()).value().front().tags;
  EXPECT_EQ(tags.at("rust"), 3);
  EXPECT_EQ(tags.at("cpp"), 0);
}

TEST_F(ReportLogs, TidyFoldsYesterdayAndRemovesWhatIsOld) {
  ASSERT_THAT(log_.add(workspace_, hits(3)), Succeeds());
  const auto first = today();
  clock_.advance(std::chrono::hours(24));

  EXPECT_EQ(log_.tidy(workspace_, first).value(), 0);
  EXPECT_EQ(waiting(), 0);
  EXPECT_EQ(log_.days(workspace_, first, first).value().front().tools.at("sccache").hits, 3);

  EXPECT_EQ(log_.tidy(workspace_, first + 1).value(), 1);
  EXPECT_TRUE(log_.days(workspace_, first, first).value().front().tools.empty());
}

TEST_F(ReportLogs, KeepWorkspacesApart) {
  ASSERT_THAT(log_.add({.owner = "acme", .name = "ci2"}, hits(3)), Succeeds());

  EXPECT_EQ(hits_today(), 0);
}

}  // namespace
}  // namespace agent::server
