#include "agent/plan/hit_rate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace agent::plan {
namespace {

using ::testing::DoubleNear;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr double k_near = 1e-9;

// Builds of a hundred objects of which each changes `churn` others: what a run asks for is known, but for the
// changes of itself and those beside it.
std::vector<PastRun> trace(std::size_t runs, std::uint64_t churn) {
  std::vector<std::uint64_t> keys(100);
  std::ranges::generate(keys, [next = std::uint64_t{0}]() mutable { return next++; });
  std::vector<PastRun> past;
  for (std::size_t run = 0; run < runs; ++run) {
    for (std::uint64_t i = 0; run > 0 && i < churn; ++i) {
      keys[((run * churn) + i) % keys.size()] = 1000 + (run * churn) + i;
    }
    auto asked = keys;
    std::ranges::sort(asked);
    past.push_back({.id = std::to_string(run),
                    .asked = asked,
                    .known = asked,
                    .hit_rate = run == 0 ? 0 : 1 - (static_cast<double>(churn) / 100)});
  }
  return past;
}

TEST(HitForecast, OfOneAgentIsWhatEachRunFoundOfTheOnesBefore) {
  const auto runs = trace(6, 5);
  const HitForecast forecast(runs);

  EXPECT_THAT(forecast.for_agents(1)->rate, DoubleNear(0.95, k_near));
  EXPECT_FALSE(forecast.for_agents(1)->extrapolated);
}

TEST(HitForecast, FallsWithTheAgentsThatRunBesideEachOther) {
  const auto runs = trace(6, 5);
  const HitForecast forecast(runs);

  EXPECT_THAT(forecast.for_agents(2)->rate, DoubleNear(0.90, k_near));
  EXPECT_THAT(forecast.for_agents(5)->rate, DoubleNear(0.75, k_near));
}

TEST(HitForecast, GoesOnBeyondTheRunsOnRecordAndSaysSo) {
  const auto runs = trace(6, 5);
  const HitForecast forecast(runs);
  double last = 1;

  for (const std::uint64_t agents : {5U, 6U, 10U, 40U}) {
    const auto rate = forecast.for_agents(agents);
    EXPECT_LT(rate->rate, last) << agents;
    EXPECT_EQ(rate->extrapolated, agents > 5) << agents;
    last = rate->rate;
  }
  EXPECT_GT(last, 0);
}

TEST(HitForecast, IsCheckedAgainstRunsThatCameLater) {
  auto runs = trace(6, 5);
  runs.back().hit_rate = 0.85;  // the backend lost some
  const HitForecast forecast(runs);

  ASSERT_THAT(forecast.checks(), SizeIs(4));
  EXPECT_THAT(forecast.checks().front().forecast, DoubleNear(0.95, k_near));
  EXPECT_THAT(forecast.checks().back().recorded, DoubleNear(0.85, k_near));
  EXPECT_THAT(*forecast.mean_error(), DoubleNear(0.025, k_near));
}

TEST(HitForecast, IsNotMisledByOneRunThatChangedEverything) {
  auto runs = trace(7, 5);
  for (auto& key : runs[3].asked) {
    key += 100'000;
  }
  const HitForecast forecast(runs);

  EXPECT_THAT(forecast.for_agents(1)->rate, DoubleNear(0.95, k_near));
}

TEST(HitForecast, SaysNothingOfOneRun) {
  const auto runs = trace(1, 5);
  const HitForecast forecast(runs);

  EXPECT_EQ(forecast.for_agents(1).has_value(), false);
  EXPECT_THAT(forecast.checks(), IsEmpty());
  EXPECT_EQ(forecast.mean_error(), std::nullopt);
}

TEST(HitForecast, OfRunsThatShareNothingIsZero) {
  auto runs = trace(3, 0);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (auto& key : runs[i].asked) {
      key += i * 1000;
    }
    runs[i].known = runs[i].asked;
  }
  const HitForecast forecast(runs);

  EXPECT_EQ(forecast.for_agents(1)->rate, 0);
  EXPECT_EQ(forecast.for_agents(40)->rate, 0);
}

}  // namespace
}  // namespace agent::plan
