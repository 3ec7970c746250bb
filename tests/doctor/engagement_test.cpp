// Whether sccache was asked: what the folder looks like when the command has ended, against what was counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/doctor/diagnosis.hpp"

namespace agent::doctor {
namespace {

using ::testing::IsEmpty;

// `hearth run -- <command>` in a Cargo project, of which sccache saw nothing.
Chart cargo_run(std::string command) {
  Chart chart;
  chart.source = Source::run;
  chart.ran = {.began_ms = 1000, .ended_ms = 2000};
  chart.figures.mode = "read-write";
  chart.statistics.emplace();
  chart.surroundings.command = std::move(command);
  chart.surroundings.environment = {{"RUSTC_WRAPPER", "/h/sccache"}};
  chart.project.cargo = true;
  chart.project.target = "target/debug";
  return chart;
}

std::string first_rule(const Chart& chart) {
  const auto diagnosis = examine(chart);
  return diagnosis.verdicts.empty() ? "" : diagnosis.verdicts.front().rule;
}

TEST(Engagement, UnitsThatTheRunCompiledAreNotWarm) {
  auto chart = cargo_run("env (01234567)");
  chart.project.cargo_output = {.folder = {}, .units = 6, .written = 6, .packages_before = 0};

  EXPECT_EQ(first_rule(chart), "wrapper-missing");
}

TEST(Engagement, LostOnTheWayIsNamedEvenWhereAFewCompilationsCame) {
  auto chart = cargo_run("env (01234567)");
  chart.statistics->languages["Rust"] = {.hits = 1, .misses = 0, .errors = 0};
  chart.project.cargo_output = {.folder = {}, .units = 20, .written = 20, .packages_before = 0};

  EXPECT_EQ(first_rule(chart), "wrapper-missing");
}

TEST(Engagement, UnitsOfBeforeAreWarm) {
  auto chart = cargo_run("env (01234567)");
  chart.statistics->languages["Rust"] = {.hits = 1, .misses = 0, .errors = 0};
  chart.project.cargo_output = {.folder = {}, .units = 21, .written = 1, .packages_before = 20};

  const auto verdicts = examine(chart).verdicts;

  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts.front().rule, "warm-target");
  EXPECT_EQ(verdicts.front().certainty, report::Certainty::certain);
}

TEST(Engagement, ACommandThatBuiltNothingIsNoFault) {
  for (const auto* command : {"true (01234567)", "nosuchcmd (01234567)", "make (01234567)"}) {
    auto chart = cargo_run(command);
    chart.project.make = true;
    chart.project.cargo_output = {.folder = {}, .units = 9, .written = 0, .packages_before = 9};

    EXPECT_THAT(examine(chart).verdicts, IsEmpty()) << command;
  }
}

TEST(Engagement, ACargoThatCompiledNothingWasLikelyWarm) {
  auto chart = cargo_run("cargo (01234567)");
  chart.project.cargo_output = {.folder = {}, .units = 9, .written = 0, .packages_before = 9};

  const auto verdicts = examine(chart).verdicts;

  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts.front().rule, "warm-target");
  EXPECT_EQ(verdicts.front().certainty, report::Certainty::likely);
}

// A compilation that fails is no hit and no miss.
TEST(Engagement, ACompilationThatFailedWasAskedFor) {
  auto chart = cargo_run("cargo (01234567)");
  chart.statistics->executed = 1;
  chart.project.cargo_output = {.folder = {}, .units = 1, .written = 1, .packages_before = 0};

  EXPECT_THAT(examine(chart).verdicts, IsEmpty());
}

// Of disk mode nothing but stores is seen where sccache's server ended before it told its figures.
TEST(Engagement, WhatWasStoredWasAskedForWhateverStatisticsAreLost) {
  auto chart = cargo_run("cargo (01234567)");
  chart.statistics.reset();
  chart.figures.stores = 6;
  chart.project.cargo_output = {.folder = {}, .units = 6, .written = 6, .packages_before = 0};

  EXPECT_THAT(examine(chart).verdicts, IsEmpty());
}

TEST(Engagement, ABuildOfMakeThatWroteObjectsLostTheWrapper) {
  auto chart = cargo_run("make (01234567)");
  chart.project.cargo = false;
  chart.project.make = true;
  chart.project.written = {"a0.o"};

  EXPECT_EQ(first_rule(chart), "wrapper-missing");
}

TEST(Engagement, AStaleBuildFolderOfCMakeIsNoCause) {
  auto chart = cargo_run("true (01234567)");
  chart.project.cargo = false;
  chart.project.cmake = true;
  chart.project.cmake_cache_path = "build/CMakeCache.txt";
  chart.project.cmake_cache = parse_cmake_cache("CMAKE_BUILD_TYPE:STRING=Debug\n", "build/CMakeCache.txt");
  EXPECT_THAT(examine(chart).verdicts, IsEmpty());

  chart.project.cmake_built = true;
  EXPECT_EQ(first_rule(chart), "configured-before");
}

TEST(Engagement, AStaleFolderWithAnotherLauncherIsNoCause) {
  auto chart = cargo_run("true (01234567)");
  chart.project.cargo = false;
  chart.project.cmake = true;
  chart.project.cmake_cache_path = "build/CMakeCache.txt";
  chart.project.cmake_cache =
      parse_cmake_cache("CMAKE_C_COMPILER_LAUNCHER:STRING=ccache\n", "build/CMakeCache.txt");

  EXPECT_THAT(examine(chart).verdicts, IsEmpty());
}

// A Cargo project as it lies there, with sccache's client, and no server behind it.
Chart cargo_here(io::Environment environment) {
  Chart chart;
  chart.server.asked = true;
  chart.statistics.emplace();  // the client's zeros
  chart.project.cargo = true;
  chart.surroundings.environment = std::move(environment);
  return chart;
}

TEST(Engagement, IncrementalIsNamedBeforeAnythingWasCompiled) {
  auto chart = cargo_here({{"RUSTC_WRAPPER", "sccache"}, {"CARGO_INCREMENTAL", "1"}});
  EXPECT_EQ(first_rule(chart), "incremental");

  chart.server.running = true;
  EXPECT_EQ(first_rule(chart), "incremental");

  chart.statistics->languages["Rust"] = {.hits = 5, .misses = 0, .errors = 0};  // and none was refused
  EXPECT_EQ(first_rule(chart), "");
}

TEST(Engagement, AVariableThatSwitchesIncrementalOffGoesBeforeProfiles) {
  auto chart = cargo_here({{"CARGO_INCREMENTAL", "0"}});
  chart.server.running = true;
  chart.surroundings.environment.emplace_back("RUSTC_WRAPPER", "sccache");
  chart.project.manifest = parse_toml("[profile.dev]\nincremental = true\n", "Cargo.toml");

  EXPECT_EQ(first_rule(chart), "");
}

TEST(Engagement, AnSccacheThatIsNotThereIsNamed) {
  Chart chart;
  chart.server.missing = {"RUSTC_WRAPPER=sccache"};

  EXPECT_EQ(first_rule(chart), "sccache-missing");
}

TEST(Engagement, WhatCouldNotBeSeenIsSaid) {
  Chart chart;
  EXPECT_TRUE(text_of(examine(chart), chart).ends_with("Nothing is wrong.\n"));

  chart.unseen = {"sccache's statistics: there is no sccache on PATH"};
  EXPECT_TRUE(text_of(examine(chart), chart)
                  .ends_with("Not seen: sccache's statistics: there is no sccache on PATH.\n"
                             "Nothing was found in the rest.\n"));
  EXPECT_EQ(to_json(examine(chart))["unseen"].array()->size(), 1U);
}

TEST(Engagement, OfACommandThatBuiltNothingNoBuildWasSeen) {
  const auto chart = cargo_run("true (01234567)");

  EXPECT_EQ(examine(chart).unseen.size(), 1U);
}

TEST(Engagement, TheRunThatIsLookedAtIsNamed) {
  auto chart = cargo_run("make (01234567)");
  chart.ran = {.began_ms = 1'795'377'600'000, .ended_ms = 1'795'377'660'000};
  chart.surroundings.folder = "/src";

  EXPECT_EQ(examine(chart).looked_at, "the run of 2026-11-22 20:00 UTC in /src: make (01234567)");
}

}  // namespace
}  // namespace agent::doctor
