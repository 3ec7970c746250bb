// Publishing that is cut off: whatever was acknowledged is in the tag, and nothing in it is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using testing::Contains;
using testing::Pair;
using tests::ChildProcess;
using tests::FaultyStorage;
using tests::Operation;
using tests::Succeeds;

class Crash : public TagFixture {
protected:
  std::map<std::string, std::string> batch(int number) const {
    return {{fmt::format("{}/a", number), fmt::format("content {}", number)},
            {fmt::format("{}/b", number), std::string(3000, static_cast<char>('a' + number % 26))}};
  }

  // Every batch that was acknowledged is there, whole.
  void expect_all_of(const std::vector<std::uint8_t>& numbers) {
    const auto found = contents();
    for (const auto number : numbers) {
      for (const auto& [key, content] : batch(number)) {
        EXPECT_THAT(found, Contains(Pair(key, content)));
      }
    }
  }
};

TEST_F(Crash, BetweenAnyTwoStepsLosesNothingThatWasAcknowledged) {
  bool finished = false;
  for (int steps = 1; !finished; ++steps) {
    ASSERT_LT(steps, 40) << "two publishes take fewer calls than this";
    std::filesystem::remove_all(folder_.path() / "cache");
    storage_ = open_storage();
    ASSERT_THAT(writer(*storage_)->publish(items(batch(0))), Succeeds());

    const ChildProcess child([&](auto acknowledge) {
      int left = steps;
      FaultyStorage mortal(*storage_, [&](Operation, std::string_view) -> std::optional<tests::Fault> {
        if (left-- == 0) {
          ::_exit(1);
        }
        return std::nullopt;
      });
      const auto mine = writer(mortal);
      for (const auto number : {std::uint8_t{1}, std::uint8_t{2}}) {
        if (!mine->publish(items(batch(number))) || !acknowledge(number)) {
          ::_exit(2);
        }
      }
    });
    finished = child.finished();
    auto acknowledged = child.acknowledged();
    EXPECT_EQ(acknowledged.size() == 2, finished);

    acknowledged.push_back(0);
    expect_all_of(acknowledged);
    ASSERT_THAT(writer(*storage_)->publish(items(batch(1))), Succeeds());  // the next run goes on
    expect_all_of({0, 1});
  }
}

TEST_F(Crash, AtAnyMomentLosesNothingThatWasAcknowledged) {
  std::vector<std::uint8_t> acknowledged;
  std::minstd_rand random(1);
  // A slow machine acknowledges little before the kill: it gets more rounds, and more time in each.
  for (unsigned round = 0; round < 12 || acknowledged.size() <= 3; ++round) {
    ASSERT_LT(round, 120U);
    const ChildProcess child([&](auto acknowledge) {
      const auto mine = writer(*storage_);
      for (auto number = static_cast<std::uint8_t>(round * 20);; ++number) {
        if (!mine->publish(items(batch(number))) || !acknowledge(number)) {
          ::_exit(2);
        }
      }
    });
    std::this_thread::sleep_for(std::chrono::microseconds(500 + (random() % (10'000 * (1 + (round / 12))))));
    child.kill();
    EXPECT_FALSE(child.finished());

    for (const auto number : child.acknowledged()) {
      acknowledged.push_back(number);
    }
    expect_all_of(acknowledged);
  }
}

}  // namespace
}  // namespace agent::publish
