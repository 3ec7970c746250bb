// The summaries of made-up runs against tests/golden/summary-*. HEARTH_UPDATE_GOLDEN=1 writes them anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "agent/io/file.hpp"
#include "agent/io/process.hpp"
#include "agent/report/markdown.hpp"
#include "agent/report/notices.hpp"
#include "agent/report/text.hpp"
#include "tests/report/sample_figures.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::report {
namespace {

using tests::Succeeds;

struct Case {
  std::string name;
  Figures figures;
  Ending ending = Ending::drained;
};

std::vector<Case> cases() {
  Figures none;
  return {
      {.name = "warm", .figures = tests::warm_figures()},
      {.name = "trend", .figures = tests::trend_figures()},
      {.name = "cold", .figures = tests::cold_figures()},
      {.name = "read-only", .figures = tests::read_only_figures()},
      {.name = "nothing-compiled", .figures = tests::nothing_compiled_figures()},
      {.name = "nothing-cacheable", .figures = tests::nothing_cacheable_figures()},
      {.name = "no-statistics", .figures = tests::no_statistics_figures()},
      {.name = "agent-died", .figures = tests::cold_figures(), .ending = Ending::died},
      {.name = "agent-died-early", .figures = none, .ending = Ending::died},
      {.name = "not-started", .figures = none, .ending = Ending::not_started},
      {.name = "troubled", .figures = tests::troubled_figures(), .ending = Ending::late},
      {.name = "hostile", .figures = tests::hostile_figures()},
  };
}

void expect_golden(const std::string& name, const std::string& actual) {
  const auto path = std::filesystem::path(io::environment_value("HEARTH_SOURCE_DIR")) / "tests/golden" /
                    ("summary-" + name);
  if (!io::environment_value("HEARTH_UPDATE_GOLDEN").empty()) {
    ASSERT_THAT(io::write_file(path, actual), Succeeds());
  }
  const auto expected = io::read_file(path, std::uint64_t{1} << 20U);
  ASSERT_THAT(expected, Succeeds());
  EXPECT_EQ(actual, *expected) << path;
}

TEST(SummaryGolden, Markdown) {
  for (const auto& run : cases()) {
    expect_golden(run.name + ".md", markdown(run.figures, run.ending));
  }
}

TEST(SummaryGolden, Json) {
  for (const auto& run : cases()) {
    expect_golden(run.name + ".json", to_json(run.figures).dump(2) + "\n");
  }
}

TEST(SummaryGolden, TerminalAndAnnotations) {
  for (const auto& run : cases()) {
    auto shown = text(run.figures, run.ending);
    for (const auto& line : notices(run.figures, run.ending)) {
      shown += line + "\n";
    }
    expect_golden(run.name + ".txt", shown);
  }
}

}  // namespace
}  // namespace agent::report
