#include "agent/app/session_report.hpp"

#include <gtest/gtest.h>

namespace agent::app {
namespace {

RunRecord run() {
  RunRecord record{.id = "run-1", .started_ms = 1'000, .ended_ms = 3'500};
  record.figures.tag = "rust-any";
  record.figures.hits = 90;
  record.figures.misses = 10;
  record.figures.lookups_hit = 500;
  record.figures.bytes_read = 7;
  return record;
}

TEST(SessionReport, SaysWhatTheRunFoundAndWhereItRan) {
  const auto report = session_report(run(), [](const char* name) {
    return std::string(std::string_view(name) == "GITHUB_REF_NAME" ? "main" : "");
  });

  const auto& session = report["sessions"].array()->front();
  EXPECT_EQ(session.text("session_id"), "run-1");
  EXPECT_EQ(session["session_duration_ms"].count(), 2'500);
  EXPECT_EQ(session["hit_count"].count(), 90);
  EXPECT_EQ(session["miss_count"].count(), 10);
  EXPECT_EQ(session["bytes_read"].count(), 7);
  EXPECT_EQ(session.text("run_ref_name"), "main");
  EXPECT_TRUE(session["run_uid"].is_null());
  EXPECT_EQ(session["metadata_hints"].text("tag"), "rust-any");
}

TEST(SessionReport, CountsLookupsWhereSccacheSaidNothing) {
  auto record = run();
  record.figures.hits.reset();
  record.figures.misses.reset();

  const auto report = session_report(record, [](const char*) { return std::string(); });

  EXPECT_EQ(report["sessions"].array()->front()["hit_count"].count(), 500);
  EXPECT_EQ(report["sessions"].array()->front()["miss_count"].count(), 0);
}

TEST(SessionReport, NamesNoMoreMissesThanFit) {
  auto record = run();
  record.requests.keys["absent"].assign(k_most_reported_misses + 5, 0xabcU);
  record.requests.keys["stored"].assign(3, 1);

  const auto report = session_report(record, [](const char*) { return std::string(); });

  const auto& missed = *report["missed_keys"].array();
  EXPECT_EQ(missed.size(), k_most_reported_misses);
  EXPECT_EQ(missed.front().text("key_hash"), "0000000000000abc");
  EXPECT_EQ(missed.front()["miss_count"].count(), 1);
}

}  // namespace
}  // namespace agent::app
