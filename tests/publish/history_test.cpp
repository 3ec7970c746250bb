// Many writers of one tag, and a reader that holds the tag against what was acknowledged by then.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <random>
#include <thread>

#include "agent/core/guarded.hpp"
#include "agent/publish/compactor.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/counting_storage.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/ranged_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using tests::FaultyStorage;
using tests::Operation;
using tests::Succeeds;

using Contents = std::map<std::string, std::string>;

struct Trouble {
  unsigned refused_percent = 0;  // a call is not carried out
  unsigned lost_percent = 0;     // it is, and its answer is lost
};

class History : public TagFixture {
protected:
  // Publishes until it is acknowledged, as a publisher does.
  void publish(TagWriter& mine, const Contents& batch) {
    for (int tries = 0; tries < 100; ++tries) {
      if (mine.publish(items(batch))) {
        acknowledged_.with([&](Contents& all) { all.insert(batch.begin(), batch.end()); });
        return;
      }
    }
    ADD_FAILURE() << "never acknowledged";
  }

  static FaultyStorage::Script script(Trouble trouble, unsigned seed) {
    const auto random = std::make_shared<Guarded<std::minstd_rand>>(seed);
    return [=](Operation operation, std::string_view) -> std::optional<tests::Fault> {
      const auto draw = random->with([](auto& engine) { return engine() % 100; });
      if (draw < trouble.refused_percent) {
        return tests::Refuse{tests::timed_out()};
      }
      const bool writes = operation == Operation::swap || operation == Operation::put;
      if (writes && draw < trouble.refused_percent + trouble.lost_percent) {
        return tests::LoseAnswer{tests::timed_out()};
      }
      return std::nullopt;
    };
  }

  void write(int number, int batches, Trouble trouble) {
    const auto disk = open_storage();
    tests::RangedStorage ranged(*disk);
    auto& inner = number % 2 == 0 ? *disk : static_cast<backends::ObjectStorage&>(ranged);
    tests::CountingStorage counted(inner);
    FaultyStorage faulty(counted, script(trouble, static_cast<unsigned>(number) + 1));
    const auto mine = writer(faulty);
    for (int b = 0; b < batches; ++b) {
      publish(*mine, {{fmt::format("{}/{}", number, b), fmt::format("content {} {}", number, b)},
                      {fmt::format("{}/{}/more", number, b), std::string(500, 'm')}});
    }
    tag_calls_ += counted.calls() - counted.pack_reads();
  }

  // What was acknowledged before a read began is in it.
  void watch(const std::stop_token& stop) {
    const auto storage = open_storage();
    while (!stop.stop_requested()) {
      const auto before = acknowledged_.with([](const Contents& all) { return all; });
      metrics::Registry registry;
      TagView view(*storage, {.own = tag_of("refs/heads/main"), .also = {}}, registry);
      ASSERT_THAT(view.refresh(), Succeeds());
      for (const auto& [key, content] : before) {
        const auto entry = view.find(key);
        ASSERT_TRUE(entry) << key << " was acknowledged and is not there";
        ASSERT_EQ(entry->digest, io::sha256(io::bytes_of(content))) << key;
      }
      std::this_thread::sleep_for(10ms);
    }
  }

  void run(int writers, int batches, Trouble trouble) {
    conflict_pause_ = 1ms;
    {
      std::jthread reader([this](const std::stop_token& stop) { watch(stop); });
      std::latch start(writers);
      std::vector<std::jthread> threads;
      for (int w = 0; w < writers; ++w) {
        threads.emplace_back([&, w] {
          start.arrive_and_wait();
          write(w, batches, trouble);
        });
      }
    }
    EXPECT_EQ(contents(), acknowledged_.with([](const Contents& all) { return all; }));
  }

  Guarded<Contents> acknowledged_;
  std::atomic<int> tag_calls_{0};
};

// A publish without a conflict is three calls: the pointer, the pack, the swap.
TEST_F(History, AConflictCostsTwoCallsMore) {
  constexpr int k_batches = 3;
  constexpr int k_writers = 16;
  run(k_writers, k_batches, {});

  const auto extra = tag_calls_ - (3 * k_writers * k_batches);
  const auto conflicts = conflicts_.load();
  const auto each = conflicts == 0 ? 0.0 : static_cast<double>(extra) / conflicts;
  fmt::print("{} publishes, {} conflicts, {:.2f} extra calls per conflict\n", k_writers * k_batches,
             conflicts, each);
  EXPECT_LE(each, 2.0);
}

TEST_F(History, TwoWritersLoseNothingWhateverGoesWrong) {
  run(2, 20, {.refused_percent = 8, .lost_percent = 8});
}

TEST_F(History, SixteenWritersLoseNothingWhateverGoesWrong) {
  run(16, 4, {.refused_percent = 5, .lost_percent = 5});
}

TEST_F(History, CompactionBesideWritersLosesNothing) {
  std::atomic<std::size_t> compacted{0};
  {
    const std::jthread compaction([&](const std::stop_token& stop) {
      const auto storage = open_storage();
      FaultyStorage faulty(*storage, script({.refused_percent = 2, .lost_percent = 5}, 99));
      Compactor mine(
          {.tag = tag_of("refs/heads/main"),
           .producer = "",
           .folder = folder_.path() / "compacting",
           .limits = {}},
          {.storage = faulty, .clock = clock_, .packs = std::make_shared<PackCache>(), .go_on = [] {
             return true;
           }});
      while (!stop.stop_requested()) {
        const auto step = mine.run(std::uint64_t{1} << 30U);
        compacted += step ? step->packs : 0;
        std::this_thread::sleep_for(1ms);
      }
    });
    run(4, 12, {.refused_percent = 3, .lost_percent = 5});
  }

  EXPECT_GE(compacted, 8U);
  EXPECT_EQ(contents(), acknowledged_.with([](const Contents& all) { return all; }));
}

}  // namespace
}  // namespace agent::publish
