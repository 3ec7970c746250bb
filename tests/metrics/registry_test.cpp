#include "agent/metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "agent/core/text.hpp"

namespace agent::metrics {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// The figures of an exposition text, by "name{labels}"; fails the test at a line that is neither comment nor
// sample (exposition format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/, 2026-11).
class Exposition {
public:
  explicit Exposition(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    for (const auto line : split(text, '\n')) {
      if (!line.empty()) {
        read(std::string(line));
      }
    }
  }

  const std::map<std::string, double>& samples() const { return samples_; }
  const std::map<std::string, std::string>& types() const { return types_; }

private:
  void read(const std::string& line) {
    static const std::regex comment(R"(# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.*))");
    static const std::regex sample(
        R"re(([a-z_:][a-z0-9_:]*)(\{([a-z_]+="([^"\\]|\\["\\n])*",?)*\})? (\S+))re");
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      if (match[1] == "TYPE") {
        EXPECT_TRUE(types_.emplace(match[2], match[3]).second) << "a second TYPE: " << line;
        current_ = match[2];
      }
      return;
    }
    ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
    EXPECT_TRUE(match[1].str().starts_with(current_)) << "not below its TYPE: " << line;
    char* end = nullptr;
    const auto value = match[5].str();
    EXPECT_TRUE(samples_.emplace(match[1].str() + match[2].str(), std::strtod(value.c_str(), &end)).second)
        << "a second sample: " << line;
    EXPECT_EQ(*end, '\0') << line;
  }

  std::map<std::string, double> samples_;
  std::map<std::string, std::string> types_;
  std::string current_;
};

TEST(Histogram, HasNoFiguresBeforeTheFirstObservation) {
  const Histogram histogram;
  EXPECT_EQ(histogram.mean(), std::nullopt);
  EXPECT_EQ(histogram.quantile(0.5), std::nullopt);
  EXPECT_EQ(histogram.count(), 0U);
}

TEST(Histogram, IsAtMost19PercentTooHigh) {
  constexpr int k_steps = 554;  // from a microsecond to ten minutes
  for (int step = 0; step < k_steps; ++step) {
    const double seconds = 1.1e-6 * std::pow(1.037, step);
    Histogram histogram;
    histogram.observe(std::chrono::nanoseconds(std::llround(seconds * 1e9)));
    const auto quantile = *histogram.quantile(0.5);
    EXPECT_GE(quantile, seconds * 0.999);
    EXPECT_LE(quantile, seconds * 1.19);
  }
}

TEST(Histogram, ShowsTheBucketsThatAreNotEmpty) {
  Histogram histogram;
  histogram.observe(std::chrono::microseconds(2));
  histogram.observe(std::chrono::microseconds(2));
  histogram.observe(std::chrono::milliseconds(1));

  const auto buckets = histogram.buckets();

  ASSERT_EQ(buckets.size(), 2U);
  EXPECT_EQ(buckets[0].count, 2U);
  EXPECT_NEAR(buckets[0].up_to_seconds, 2e-6, 1e-12);
  EXPECT_EQ(buckets[1].count, 1U);
  EXPECT_EQ(buckets[1].up_to_seconds, histogram.quantile(1).value());
}

TEST(Histogram, OrdersItsQuantiles) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) {
    histogram.observe(std::chrono::milliseconds(i));
  }

  EXPECT_NEAR(*histogram.quantile(0.5), 0.5, 0.5 * 0.19);
  EXPECT_NEAR(*histogram.quantile(0.95), 0.95, 0.95 * 0.19);
  EXPECT_NEAR(*histogram.quantile(0.99), 0.99, 0.99 * 0.19);
  EXPECT_NEAR(*histogram.quantile(0), 0.001, 0.001 * 0.19);
  EXPECT_GE(*histogram.quantile(1), 1.0);
  EXPECT_NEAR(*histogram.mean(), 0.5005, 1e-9);
  EXPECT_NEAR(histogram.sum(), 500.5, 1e-6);
}

TEST(Histogram, TakesWhatIsOutOfItsRange) {
  Histogram histogram;
  histogram.observe(-5s);
  histogram.observe(0ns);
  EXPECT_LE(*histogram.quantile(1), 1e-6);
  EXPECT_EQ(histogram.sum(), 0);

  histogram.observe(24h);
  EXPECT_EQ(histogram.count(), 3U);
  EXPECT_GE(*histogram.quantile(1), 600);
}

TEST(Registry, GivesTheSameFigureForTheSameNameAndLabels) {
  Registry registry;
  auto& first = registry.counter("hearth_refused_total", "help", {{"reason", "full"}});
  auto& same = registry.counter("hearth_refused_total", "help", {{"reason", "full"}});
  auto& other = registry.counter("hearth_refused_total", "help", {{"reason", "large"}});

  EXPECT_EQ(&first, &same);
  EXPECT_NE(&first, &other);
}

TEST(Registry, SumsANameOverItsLabels) {
  Registry registry;
  registry.counter("hearth_refused_total", "help", {{"reason", "full"}}).add(2);
  registry.counter("hearth_refused_total", "help", {{"reason", "large"}}).add(3);
  registry.counter("hearth_other_total", "help").add(100);
  registry.gauge("hearth_pending", "help").set(7);
  registry.gauge("hearth_negative", "help").set(-7);

  EXPECT_EQ(registry.total("hearth_refused_total"), 5U);
  EXPECT_EQ(registry.total("hearth_pending"), 7U);
  EXPECT_EQ(registry.total("hearth_negative"), 0U);
  EXPECT_EQ(registry.total("hearth_undeclared_total"), 0U);
}

TEST(Registry, SplitsANameByALabel) {
  Registry registry;
  registry.counter("hearth_calls_total", "help", {{"op", "get"}, {"result", "ok"}}).add(2);
  registry.counter("hearth_calls_total", "help", {{"op", "get"}, {"result", "failed"}}).add(1);
  registry.counter("hearth_calls_total", "help", {{"op", "put"}, {"result", "ok"}}).add(5);
  registry.counter("hearth_calls_total", "help").add(50);

  EXPECT_THAT(registry.by_label("hearth_calls_total", "op"), ElementsAre(Pair("get", 3U), Pair("put", 5U)));
  EXPECT_THAT(registry.by_label("hearth_calls_total", "backend"), IsEmpty());
}

TEST(Registry, FindsHistogramsOnlyByTheirName) {
  Registry registry;
  auto& histogram = registry.histogram("hearth_get_seconds", "help");
  registry.counter("hearth_gets_total", "help");

  EXPECT_EQ(registry.find_histogram("hearth_get_seconds"), &histogram);
  EXPECT_EQ(registry.find_histogram("hearth_gets_total"), nullptr);
  EXPECT_EQ(registry.find_histogram("hearth_put_seconds"), nullptr);
}

TEST(Prometheus, ReadsEveryLine) {
  Registry registry;
  registry.counter("hearth_refused_total", "Objects refused", {{"reason", "full"}}).add(2);
  registry.gauge("hearth_pending", "Objects pending").set(-3);
  registry.histogram("hearth_get_seconds", "Time of a lookup", {{"source", "local"}}).observe(250ms);
  registry.counter("hearth_refused_total", "Objects refused", {{"reason", "large"}}).add(3);

  const Exposition read(registry.prometheus());

  EXPECT_THAT(read.types(),
              ElementsAre(Pair("hearth_get_seconds", "summary"), Pair("hearth_pending", "gauge"),
                          Pair("hearth_refused_total", "counter")));
  EXPECT_EQ(read.samples().at("hearth_refused_total{reason=\"full\"}"), 2);
  EXPECT_EQ(read.samples().at("hearth_refused_total{reason=\"large\"}"), 3);
  EXPECT_EQ(read.samples().at("hearth_pending"), -3);
  EXPECT_EQ(read.samples().at("hearth_get_seconds_count{source=\"local\"}"), 1);
  EXPECT_EQ(read.samples().at("hearth_get_seconds_sum{source=\"local\"}"), 0.25);
  EXPECT_NEAR(read.samples().at("hearth_get_seconds{source=\"local\",quantile=\"0.95\"}"), 0.25, 0.05);
}

TEST(Prometheus, EscapesLabelValues) {
  Registry registry;
  registry.counter("hearth_odd_total", "help", {{"reason", "a\"b\\c\nd"}}).add();

  const auto text = registry.prometheus();

  EXPECT_THAT(text, HasSubstr(R"(hearth_odd_total{reason="a\"b\\c\nd"} 1)"));
  EXPECT_EQ(Exposition(text).samples().size(), 1U);
}

TEST(Prometheus, SaysNothingOfAnEmptyRegistry) {
  EXPECT_EQ(Registry().prometheus(), "");
}

TEST(Registry, CountsEveryUpdateOfManyThreads) {
  constexpr std::uint64_t k_threads = 8;
  constexpr std::uint64_t k_updates = 5000;
  Registry registry;
  std::atomic<bool> done = false;
  std::jthread scraper([&] {
    while (!done) {
      const Exposition read(registry.prometheus());
      const auto& types = read.types();
      const auto type = types.find("hearth_updates_total");
      EXPECT_TRUE(type == types.end() || type->second == "counter");
    }
  });
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < k_threads; ++i) {
      threads.emplace_back([&, i] {
        auto& counter = registry.counter("hearth_updates_total", "help", {{"thread", std::to_string(i % 3)}});
        auto& gauge = registry.gauge("hearth_level", "help");
        auto& histogram = registry.histogram("hearth_update_seconds", "help");
        for (std::uint64_t k = 0; k < k_updates; ++k) {
          counter.add();
          gauge.add(1);
          histogram.observe(1ms);
        }
      });
    }
  }
  done = true;
  scraper.join();

  EXPECT_EQ(registry.total("hearth_updates_total"), k_threads * k_updates);
  EXPECT_EQ(registry.total("hearth_level"), k_threads * k_updates);
  EXPECT_EQ(registry.find_histogram("hearth_update_seconds")->count(), k_threads * k_updates);
}

}  // namespace
}  // namespace agent::metrics
