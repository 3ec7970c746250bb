#include "agent/publish/key_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

class KeyTableTest : public testing::Test {
protected:
  // A pack of these keys; the size of each object tells which pack it came from.
  ScopedPack pack(std::vector<std::string> keys, std::uint64_t mark, std::uint32_t scope = 0,
                  std::uint64_t generation = 1) {
    std::ranges::sort(keys);
    store::FooterBuilder footer;
    for (const auto& key : keys) {
      EXPECT_THAT(footer.add({.key = key, .offset = 24, .size = mark}), tests::Succeeds());
    }
    auto bytes = std::move(footer).finish(1 << 20, {static_cast<std::uint8_t>(++nonce_)});
    EXPECT_THAT(bytes, tests::Succeeds());
    const auto digest = io::sha256(io::bytes_of(*bytes));
    auto index = store::PackIndex::of_footer(*std::move(bytes), digest);
    EXPECT_THAT(index, tests::Succeeds());
    const PackRecord record{.digest = digest, .generation = generation};
    return {.scope = scope,
            .pack = std::make_shared<const LoadedPack>(record, *std::move(index), "name", std::nullopt,
                                                       nullptr, std::vector<std::atomic<std::uint8_t>>(1024),
                                                       std::vector<std::atomic<std::uint8_t>>(1024))};
  }

  std::uint64_t mark_of(std::string_view key) const {
    const auto found = table_.find(key);
    return found ? found->pack->index.at(found->position).size : 0;
  }

  KeyTable table_;
  unsigned nonce_ = 0;
};

TEST_F(KeyTableTest, IsEmptyAtFirst) {
  EXPECT_FALSE(table_.find("a"));
  EXPECT_EQ(table_.objects(), 0U);
}

TEST_F(KeyTableTest, FindsEveryKeyOfEveryPack) {
  table_.hold({pack({"a", "b"}, 1), pack({"c"}, 2)});

  EXPECT_EQ(mark_of("a"), 1U);
  EXPECT_EQ(mark_of("b"), 1U);
  EXPECT_EQ(mark_of("c"), 2U);
  EXPECT_EQ(mark_of("d"), 0U);
  EXPECT_EQ(table_.objects(), 3U);
  EXPECT_EQ(table_.bytes(), 4U);
}

TEST_F(KeyTableTest, TheLowerScopeWinsThenTheLaterGenerationInWhateverOrderTheyCome) {
  const auto own_old = pack({"own", "all"}, 1, 0, 1);
  const auto own_new = pack({"own", "all"}, 2, 0, 2);
  const auto base = pack({"base", "all"}, 3, 1, 9);
  const auto address = [](const ScopedPack& p) { return p.pack.get(); };
  std::vector<ScopedPack> packs = {own_old, own_new, base};
  std::ranges::sort(packs, {}, address);

  do {
    table_ = KeyTable();
    table_.hold(packs);
    EXPECT_EQ(mark_of("own"), 2U);
    EXPECT_EQ(mark_of("all"), 2U);
    EXPECT_EQ(mark_of("base"), 3U);
    EXPECT_EQ(table_.objects(), 3U);
    EXPECT_EQ(table_.bytes(), 7U);
  } while (std::ranges::next_permutation(packs, {}, address).found);
}

TEST_F(KeyTableTest, GrowsWithPacksThatAreAdded) {
  std::vector<ScopedPack> packs;
  for (int i = 0; i < 40; ++i) {
    std::vector<std::string> keys;
    for (int k = 0; k < 50; ++k) {
      keys.push_back(fmt::format("{:02}/{:02}", i, k));
    }
    packs.push_back(pack(keys, static_cast<std::uint64_t>(i) + 1));
    table_.hold(packs);
  }

  EXPECT_EQ(table_.objects(), 2000U);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(mark_of(fmt::format("{:02}/{:02}", i, i)), static_cast<std::uint64_t>(i) + 1);
  }
}

TEST_F(KeyTableTest, ForgetsPacksThatAreTakenOut) {
  const auto first = pack({"a", "b"}, 1, 0, 1);
  const auto second = pack({"b"}, 2, 0, 2);
  table_.hold({first, second});
  EXPECT_EQ(mark_of("b"), 2U);

  table_.hold({first});

  EXPECT_EQ(mark_of("b"), 1U);
  EXPECT_EQ(table_.packs().size(), 1U);
  table_.hold({});
  EXPECT_EQ(mark_of("a"), 0U);
}

TEST_F(KeyTableTest, VisitsEveryWinnerOnce) {
  table_.hold({pack({"a", "b"}, 1, 0, 1), pack({"b", "c"}, 2, 0, 2)});
  std::vector<std::string> seen;

  table_.each([&](const KeyTable::Found& found) {
    seen.push_back(fmt::format("{}={}", found.pack->index.key_at(found.position),
                               found.pack->index.at(found.position).size));
  });

  EXPECT_THAT(seen, testing::UnorderedElementsAre("a=1", "b=2", "c=2"));
}

TEST_F(KeyTableTest, ACopyIsIndependent) {
  const auto first = pack({"a"}, 1);
  table_.hold({first});
  auto copy = table_;

  copy.hold({first, pack({"b"}, 2)});

  EXPECT_FALSE(table_.find("b"));
  EXPECT_TRUE(copy.find("b"));
}

}  // namespace
}  // namespace agent::publish
