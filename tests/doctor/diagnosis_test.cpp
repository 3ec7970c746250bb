#include "agent/doctor/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "agent/doctor/bundle.hpp"
#include "agent/doctor/rule.hpp"

namespace agent::doctor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A run of ours, four Rust lookups all missed, and one like it before.
Chart two_cold_runs() {
  Chart chart;
  chart.source = Source::run;
  chart.figures.tag = "t";
  chart.figures.backend = "disk:///b";
  chart.figures.mode = "read-write";
  chart.figures.sccache_mode = "proxy";
  chart.figures.tag_objects_before = 4;
  chart.figures.lookups_hit = 0;
  chart.figures.lookups_missed = 4;
  chart.statistics.emplace();
  chart.statistics->languages["Rust"] = {.hits = 0, .misses = 4, .errors = 0};
  chart.statistics->writes = 4;
  chart.requests.keys["absent"] = {1, 2, 3, 4};
  chart.requests.keys["stored"] = {1, 2, 3, 4};
  chart.surroundings.folder = "/src";
  chart.surroundings.environment = {{"CARGO_HOME", "/h"}};
  app::RunRecord before;
  before.figures = chart.figures;
  before.statistics = chart.statistics;
  before.surroundings = chart.surroundings;
  before.requests.keys["absent"] = {11, 12, 13, 14};
  before.requests.keys["stored"] = {11, 12, 13, 14};
  chart.previous = before;
  return chart;
}

std::string first_rule(const Chart& chart) {
  const auto diagnosis = examine(chart);
  return diagnosis.verdicts.empty() ? "" : diagnosis.verdicts.front().rule;
}

TEST(Diagnosis, OfAnEmptyChartIsHealthy) {
  EXPECT_THAT(examine(Chart{}).verdicts, IsEmpty());
}

TEST(Diagnosis, NamesAreThereOnce) {
  const auto names = rule_names();

  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  EXPECT_GE(names.size(), 40U);
}

// A name that no earlier rule has would never keep anything back.
TEST(Diagnosis, RulesGiveWayOnlyToEarlierOnes) {
  std::set<std::string_view> earlier;
  for (const auto& rule : key_rules()) {
    for (const auto name : rule.unless) {
      EXPECT_TRUE(earlier.contains(name)) << rule.name << " gives way to " << name;
    }
    earlier.insert(rule.name);
  }
}

TEST(Diagnosis, OtherKeysThanLastTimeAreDrift) {
  EXPECT_EQ(first_rule(two_cold_runs()), "key-drift");
}

TEST(Diagnosis, TheSameKeysMissedAgainAreALoss) {
  auto chart = two_cold_runs();
  chart.previous->requests = chart.requests;

  EXPECT_EQ(first_rule(chart), "storage-lost");
}

// Two recorded runs of four compilations, each with another key the second time; `change` gets the later
// ones.
Chart two_explained_runs(const std::function<void(sccache::KeyedCompilation&)>& change) {
  auto chart = two_cold_runs();
  for (std::uint64_t n = 0; n < 4; ++n) {
    const auto name = std::to_string(n) + ".o";
    const sccache::KeyedCompilation one{
        .name = name, .key = n, .outcome = "miss", .arguments = {"-DA=1", "-c", "-o", name}, .inputs = {0}};
    chart.previous->keys.compilations.push_back(one);
    chart.keys.compilations.push_back(one);
    chart.keys.compilations.back().key += 10;
    change(chart.keys.compilations.back());
  }
  chart.previous->keys.files = {{.path = "/src/include/config.h", .digest = 7}};
  chart.keys.files = chart.previous->keys.files;
  return chart;
}

TEST(Diagnosis, AHeaderBehindTheMissesIsNamed) {
  auto chart = two_explained_runs([](auto&) {});
  chart.keys.files.front().digest = 8;

  const auto verdicts = examine(chart).verdicts;

  ASSERT_FALSE(verdicts.empty());
  EXPECT_EQ(verdicts.front().rule, "file-changed");
  EXPECT_THAT(verdicts.front().title, HasSubstr("include/config.h changed since the last run, and 4 keys"));
}

TEST(Diagnosis, AnArgumentBehindTheMissesIsNamed) {
  const auto chart = two_explained_runs([](auto& one) { one.arguments.front() = "-DA=2"; });

  const auto verdicts = examine(chart).verdicts;

  ASSERT_FALSE(verdicts.empty());
  EXPECT_EQ(verdicts.front().rule, "argument-changed");
  EXPECT_THAT(verdicts.front().evidence.front(), HasSubstr("last run -DA=1, this run -DA=2"));
}

TEST(Diagnosis, ArgumentsThatDifferByCompilationAreNoCause) {
  const auto chart = two_explained_runs([](auto& one) { one.arguments.front() = "-DA=" + one.name; });

  EXPECT_EQ(first_rule(chart), "key-drift");
}

TEST(Diagnosis, AVariableOfTheKeyShowsBothValues) {
  auto chart = two_cold_runs();
  chart.surroundings.environment = {{"CARGO_HOME", "/other"}};

  const auto verdicts = examine(chart).verdicts;

  ASSERT_FALSE(verdicts.empty());
  EXPECT_EQ(verdicts.front().rule, "cargo-home-per-run");
  EXPECT_THAT(verdicts.front().evidence.front(), HasSubstr("last run /h, this run /other"));
}

TEST(Diagnosis, WarmRunsAreLeftAlone) {
  auto chart = two_cold_runs();
  chart.statistics->languages["Rust"] = {.hits = 9, .misses = 1, .errors = 0};
  chart.surroundings.environment = {{"CARGO_HOME", "/other"}};

  EXPECT_EQ(first_rule(chart), "");
}

TEST(Diagnosis, CargosQuestionsAreNotInTheCeiling) {
  auto chart = two_cold_runs();
  chart.statistics->not_cached = {{"-", 30}, {"missing input", 2}, {"crate-type", 4}};

  const auto ceiling = ceiling_of(chart);

  EXPECT_EQ(ceiling.cacheable, 4U);
  EXPECT_EQ(ceiling.total, 8U);
  EXPECT_EQ(ceiling.sentence(), "At most 50.0 % of 8 compilations can be cached: not crate-type.");
}

TEST(Diagnosis, TheProxyOfTheEnvironmentCountsOnlyWhereItCatches) {
  Chart chart;
  chart.surroundings.environment = {{"SCCACHE_WEBDAV_ENDPOINT", "http://127.0.0.1:7420/sccache"},
                                    {"http_proxy", "http://p:1"}};
  EXPECT_EQ(first_rule(chart), "proxy-catches-loopback");

  chart.surroundings.environment.emplace_back("NO_PROXY", "example.org, 127.0.0.1");
  EXPECT_EQ(first_rule(chart), "");
}

TEST(Diagnosis, DeadSettingsAreNamedWithTheirLine) {
  Chart chart;
  chart.project.workflows = parse_yaml_lines("env:\n  SCCACHE_GHA_CACHE_TO: x\n", "w.yml");

  const auto verdicts = examine(chart).verdicts;

  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts.front().rule, "dead-github-settings");
  EXPECT_EQ(verdicts.front().evidence.front(), "w.yml:2: SCCACHE_GHA_CACHE_TO = x");
}

// What cannot be made on one machine in a minute; the others are made for real in cases.py.
TEST(Diagnosis, NamesCausesThatOnlyAFleetOrATimeLimitShows) {
  const auto warm = [] {
    auto chart = two_cold_runs();
    chart.previous.reset();
    chart.figures.tag_objects_before = 1;
    return chart;
  };
  auto timeouts = warm();
  timeouts.statistics->timeouts = 3;
  EXPECT_EQ(first_rule(timeouts), "timeouts");

  auto backend = warm();
  backend.figures.miss_reasons = {{"backend error", 4}};
  EXPECT_EQ(first_rule(backend), "backend-errors");

  auto gone = warm();
  gone.figures.miss_reasons = {{"pack gone", 3}, {"corrupt", 1}};
  EXPECT_EQ(first_rule(gone), "objects-lost");

  auto unreachable = warm();
  unreachable.figures.fallbacks = {{"agent-unreachable", 12}};
  EXPECT_EQ(first_rule(unreachable), "agent-unreachable");

  auto elsewhere = warm();
  elsewhere.figures.lookups_missed = 0;
  EXPECT_EQ(first_rule(elsewhere), "agent-not-asked");

  auto newer = two_cold_runs();
  newer.previous->statistics->version = "0.16.0";
  newer.statistics->version = "0.19.0";
  EXPECT_EQ(first_rule(newer), "sccache-changed");
}

// What was stored last time is hit now, and not stored again.
TEST(Diagnosis, InDiskModeNewSourcesBesideOldOnesAreNoDrift) {
  auto chart = two_cold_runs();
  for (auto* run : {&chart.figures, &chart.previous->figures}) {
    run->sccache_mode = "disk";
  }
  chart.previous->requests.keys = {{"stored", {1, 2, 3, 4}}};
  chart.requests.keys = {{"stored", {5, 6, 7, 8}}};
  chart.statistics->languages["Rust"] = {.hits = 4, .misses = 4, .errors = 0};

  EXPECT_EQ(first_rule(chart), "");
  ASSERT_TRUE(overlap(chart));
  EXPECT_EQ(overlap(chart)->asked, 8U);
  EXPECT_EQ(overlap(chart)->again, 4U);

  chart.statistics->languages["Rust"] = {.hits = 0, .misses = 4, .errors = 0};
  EXPECT_EQ(first_rule(chart), "key-drift");
}

TEST(Diagnosis, InDiskModeKeysThatTheLastRunHitAreNotKnown) {
  auto chart = two_cold_runs();
  for (auto* run : {&chart.figures, &chart.previous->figures}) {
    run->sccache_mode = "disk";
  }
  chart.previous->requests.keys = {{"stored", {1}}};
  chart.previous->statistics->languages["Rust"] = {.hits = 4, .misses = 1, .errors = 0};
  chart.requests.keys = {{"stored", {5, 6, 7, 8}}};

  EXPECT_FALSE(overlap(chart));
  EXPECT_EQ(first_rule(chart), "");
}

const report::Verdict* verdict_of(const std::vector<report::Verdict>& verdicts, std::string_view rule) {
  const auto at = std::ranges::find(verdicts, rule, &report::Verdict::rule);
  return at == verdicts.end() ? nullptr : &*at;
}

// An empty CARGO_TERM_COLOR ends cargo with an error.
TEST(Diagnosis, AVariableThatIsNotSetNowIsToBeUnset) {
  auto chart = two_cold_runs();
  chart.previous->surroundings.environment = {{"CARGO_HOME", "/h"}, {"CARGO_TERM_COLOR", "always"}};
  chart.surroundings.environment = {{"CARGO_HOME", "/h"}, {"CARGO_PROFILE_DEV_DEBUG", "0"}};

  const auto verdicts = examine(chart).verdicts;

  const auto* verdict = verdict_of(verdicts, "cargo-variable-changed");
  ASSERT_NE(verdict, nullptr);
  EXPECT_EQ(verdict->fix,
            "env:\n  CARGO_PROFILE_DEV_DEBUG: \"0\"   # the same in every run\n"
            "unset CARGO_TERM_COLOR   # in every run");
}

TEST(Diagnosis, AValueThatIsNotOnRecordWholeIsNotGiven) {
  auto chart = two_cold_runs();
  chart.surroundings.environment = {{"CARGO_HOME", "/h"}, {"CARGO_A_TOKEN", "(hidden)"}};

  const auto verdicts = examine(chart).verdicts;

  const auto* verdict = verdict_of(verdicts, "cargo-variable-changed");
  ASSERT_NE(verdict, nullptr);
  EXPECT_EQ(verdict->fix, "# The same value in every run: CARGO_A_TOKEN");
}

TEST(Diagnosis, NoBackendIsNeverRecommended) {
  auto chart = two_cold_runs();
  chart.previous->figures.backend = "none";

  const auto verdicts = examine(chart).verdicts;

  const auto* verdict = verdict_of(verdicts, "backend-changed");
  ASSERT_NE(verdict, nullptr);
  EXPECT_EQ(verdict->fix, "hearth run --backend 'disk:///b' -- …   # in every run");
}

TEST(Diagnosis, TheIdleTimeoutThatIsSetIsNamed) {
  Chart chart;
  chart.server = {.asked = true, .running = false, .address = "127.0.0.1:4226"};
  chart.surroundings.environment = {{"SCCACHE_IDLE_TIMEOUT", "60"}};

  const auto verdicts = examine(chart).verdicts;

  const auto* verdict = verdict_of(verdicts, "server-not-running");
  ASSERT_NE(verdict, nullptr);
  EXPECT_EQ(verdict->evidence.back(),
            "SCCACHE_IDLE_TIMEOUT is 60: it ends by itself after 60 s without work");
}

// Four C lookups that a run before should have prevented.
Chart two_c_runs(const std::string& flags_then, const std::string& flags_now) {
  auto chart = two_cold_runs();
  for (auto* statistics : {&*chart.statistics, &*chart.previous->statistics}) {
    statistics->languages = {{"C/C++", {.hits = 0, .misses = 4, .errors = 0}}};
  }
  chart.previous->surroundings.environment = {{"CFLAGS", flags_then}};
  chart.surroundings.environment = {{"CFLAGS", flags_now}};
  return chart;
}

TEST(Diagnosis, OnlyDefinitionsOfATimeACommitOrABuildAreVolatile) {
  for (const auto* flag : {"-DTIMEOUT=30", "-DUPDATE_RATE=4", "-DTIME_LIMIT=30", "-DSHADE=1",
                           "-DDIGITS=123456789", "-DGIT_LEVEL=2"}) {
    EXPECT_EQ(verdict_of(examine(two_c_runs("", flag)).verdicts, "volatile-define"), nullptr) << flag;
  }
  for (const auto* flag :
       {"-DBUILD_ID=42", "-DBUILD_TIME=20:15:04", "-DGIT_SHA=\"ab12cd3\"", "-DX=1795299908"}) {
    EXPECT_NE(verdict_of(examine(two_c_runs("", flag)).verdicts, "volatile-define"), nullptr) << flag;
  }
}

TEST(Diagnosis, ADefinitionThatTheLastRunHadTooIsNotVolatile) {
  const auto chart = two_c_runs("-O2 -DBUILD_ID=42", "-DBUILD_ID=42");

  EXPECT_EQ(verdict_of(examine(chart).verdicts, "volatile-define"), nullptr);
}

TEST(Diagnosis, OnlyATagThatEndsInARunNamesOne) {
  auto chart = two_cold_runs();
  for (const auto* tag : {"ci-run-linux", "run-1-2-linux", "case-run-2", "case-run-2-x"}) {
    chart.figures.tag = tag;
    EXPECT_EQ(verdict_of(examine(chart).verdicts, "run-scoped"), nullptr) << tag;
  }
  chart.figures.tag = "a-run-b-run-2-1";
  EXPECT_NE(verdict_of(examine(chart).verdicts, "run-scoped"), nullptr);
}

TEST(Diagnosis, AModeOfMoonThatAWorkflowComputesIsNotJudged) {
  Chart chart;
  chart.project.workflows = parse_yaml_lines("env:\n  MOON_CACHE: ${{ vars.MODE }}\n", "w.yml");
  EXPECT_EQ(first_rule(chart), "");

  chart.project.workflows = parse_yaml_lines("env:\n  MOON_CACHE: read-only\n", "w.yml");
  EXPECT_EQ(first_rule(chart), "unknown-moon-mode");
}

// Half of the compilations or more cannot be cached, for these reasons.
Chart uncacheable(std::map<std::string, std::uint64_t> reasons) {
  Chart chart;
  chart.statistics.emplace();
  chart.statistics->not_cached = std::move(reasons);
  return chart;
}

TEST(Diagnosis, OfSeveralFlagsTheMostFrequentIsNamed) {
  const auto verdicts = examine(uncacheable({{"-fmodules", 1}, {"-save-temps", 9}})).verdicts;

  ASSERT_FALSE(verdicts.empty());
  EXPECT_EQ(verdicts.front().title, "The flag -save-temps makes compilations uncacheable");
}

TEST(Diagnosis, SeveralArchitecturesInOneCallHaveARemedyOfTheirOwn) {
  const auto verdicts =
      examine(uncacheable({{"multiple different -arch, and SCCACHE_CACHE_MULTIARCH not set", 4}})).verdicts;

  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts.front().rule, "many-architectures");
  EXPECT_THAT(verdicts.front().fix, HasSubstr("export SCCACHE_CACHE_MULTIARCH=1"));
}

TEST(Diagnosis, AsJsonHasVerdictsAndCeiling) {
  const auto json = to_json(examine(two_cold_runs()));

  EXPECT_EQ(json["verdicts"].array()->front()["certainty"], io::Json("likely"));
  EXPECT_EQ(json["ceiling"]["total"], io::Json(4));
  EXPECT_TRUE(json["ceiling"]["reasons"].is_object());
}

TEST(Bundle, HoldsBothRunsAndNoSecret) {
  auto chart = two_cold_runs();
  chart.project.cargo_config = parse_toml("[registry]\ntoken = \"sesame\"\n", "config.toml");

  const auto text = bundle_of(chart, examine(chart)).dump();

  EXPECT_THAT(text, HasSubstr("\"previous\":{"));
  EXPECT_THAT(text, HasSubstr("key-drift"));
  EXPECT_THAT(text, Not(HasSubstr("sesame")));
}

}  // namespace
}  // namespace agent::doctor
