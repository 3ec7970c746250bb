#include "agent/plan/capacity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::plan {
namespace {

constexpr std::uint64_t k_gib = std::uint64_t{1} << 30U;

TEST(MaxAgents, IsTheFormulaRoundedDown) {
  const Host host{.memory_bytes = 64 * k_gib, .cores = 16};
  EXPECT_EQ(max_agents(host, {.compiler_bytes = k_gib, .max_tasks = 4}, {.jobs = 2}), 8U);
  EXPECT_EQ(max_agents(host, {.compiler_bytes = k_gib, .max_tasks = 4}, {.jobs = 2, .reserve_bytes = k_gib}),
            7U);
  EXPECT_EQ(max_agents(host, {.compiler_bytes = 65 * k_gib, .max_tasks = 1}, {}), 0U);
}

TEST(MeasuredAgents, CountWhatABuildReallyTook) {
  const Host host{.memory_bytes = 10 * k_gib, .cores = 4};
  const Job job{.compiler_bytes = 2 * k_gib, .max_tasks = 4, .peak_bytes = 2 * k_gib};
  EXPECT_EQ(max_agents(host, job, {}), 1U);
  EXPECT_EQ(measured_agents(host, job, {}), 5U);
  EXPECT_EQ(measured_agents(host, {.compiler_bytes = k_gib}, {}), std::nullopt);
}

TEST(Table, GoesToTheCountThatWasAskedAndMarksWhatDoesNotFit) {
  const Host host{.memory_bytes = 8 * k_gib, .cores = 2};
  const Job job{
      .compiler_bytes = k_gib, .max_tasks = 2, .peak_bytes = k_gib, .seconds = 10, .cpu_seconds = 20};
  const auto rows = table(host, job, {.jobs = 1}, 40);
  ASSERT_EQ(rows.front().agents, 1U);
  ASSERT_EQ(rows.back().agents, 40U);
  EXPECT_TRUE(rows.front().fits);
  EXPECT_FALSE(rows.back().fits);
  EXPECT_EQ(rows.back().tasks, 80U);
  EXPECT_DOUBLE_EQ(rows.front().job_seconds.value_or(0), 10);
  EXPECT_DOUBLE_EQ(rows.back().job_seconds.value_or(0), 400) << "the processors are shared";
  EXPECT_DOUBLE_EQ(rows.back().jobs_per_hour.value_or(0), 360);
  EXPECT_EQ(table(host, job, {}, 1).size(), 1U);
}

TEST(Table, WithoutAMeasuredBuildSaysNothingOfTimes) {
  const auto rows =
      table({.memory_bytes = k_gib, .cores = 2}, {.compiler_bytes = k_gib, .max_tasks = 1}, {}, 2);
  EXPECT_EQ(rows.front().job_seconds, std::nullopt);
  EXPECT_EQ(rows.front().jobs_per_hour, std::nullopt);
}

TEST(Advise, TakesAsManyAsKeepTheProcessorsBusy) {
  // Alone a job uses 2 of 8 processors: four at once use all.
  const Job job{
      .compiler_bytes = k_gib, .max_tasks = 2, .peak_bytes = k_gib, .seconds = 10, .cpu_seconds = 20};
  const auto advice = advise({.memory_bytes = 64 * k_gib, .cores = 8}, job, {.queued = 30});
  ASSERT_TRUE(advice);
  EXPECT_EQ(advice->agents, 4U);
  EXPECT_FALSE(advice->bound_by_memory);
  EXPECT_DOUBLE_EQ(advice->job_seconds.value_or(0), 10);
  EXPECT_DOUBLE_EQ(advice->last_done_after.value_or(0), 90) << "34 jobs in waves of four";
}

TEST(Advise, SaysWhenMemoryIsTheLimit) {
  const Job job{
      .compiler_bytes = k_gib, .max_tasks = 2, .peak_bytes = 3 * k_gib, .seconds = 10, .cpu_seconds = 10};
  const auto advice = advise({.memory_bytes = 8 * k_gib, .cores = 8}, job, {});
  ASSERT_TRUE(advice);
  EXPECT_EQ(advice->agents, 2U);
  EXPECT_TRUE(advice->bound_by_memory);
}

TEST(Advise, RefusesWhereNotEvenOneFits) {
  const auto advice =
      advise({.memory_bytes = k_gib, .cores = 2}, {.compiler_bytes = k_gib, .max_tasks = 2}, {.jobs = 1});
  ASSERT_FALSE(advice);
  EXPECT_EQ(advice.error().code, Errc::full);
  EXPECT_THAT(advice.error().message, testing::HasSubstr("--max-tasks"));
}

TEST(Advise, SaysThatNoneFitsWhereTheMemoryIsMoreThanCanBeCounted) {
  const Host host{.memory_bytes = 64 * k_gib, .cores = 2};
  const Job job{.compiler_bytes = 1024 * k_gib, .max_tasks = 65'536};  // 2^56 bytes: 256 of them are 2^64
  const Demand demand{.jobs = 256, .reserve_bytes = k_gib};
  EXPECT_EQ(max_agents(host, job, demand), 0U);
  const auto advice = advise(host, job, demand);
  ASSERT_FALSE(advice);
  EXPECT_EQ(advice.error().code, Errc::full);
  EXPECT_THAT(advice.error().message, testing::HasSubstr("256 jobs of 65536.0 TiB"));
  for (const auto& row : table(host, job, demand, 40)) {
    EXPECT_FALSE(row.fits) << row.agents;
    EXPECT_GT(row.memory_bytes, host.memory_bytes) << row.agents;
  }
}

TEST(MeasuredAgents, AreNoneWherePeaksAreMoreThanCanBeCounted) {
  const Job job{.compiler_bytes = k_gib, .peak_bytes = 1024 * 1024 * k_gib};
  EXPECT_EQ(measured_agents({.memory_bytes = 64 * k_gib}, job, {.jobs = 16'384}), 0U);
}

TEST(PlanJson, HasTheFormulaTheTableAndTheAdvice) {
  const auto json =
      to_json({.memory_bytes = 8 * k_gib, .cores = 2}, {.compiler_bytes = k_gib, .max_tasks = 2}, {}, 4);
  EXPECT_EQ(json["formula_agents"].count(), 4U);
  EXPECT_TRUE(json["measured_agents"].is_null());
  EXPECT_EQ(json["table"].array()->size(), 4U);
  EXPECT_EQ(json["advice"]["agents"].count(), 4U);
}

}  // namespace
}  // namespace agent::plan
