// GitHub's 10 GB: what nothing refers to and generations that were replaced go through the REST interface,
// and nothing else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "agent/backends/github_generation.hpp"
#include "agent/backends/github_service.hpp"
#include "agent/publish/catalog.hpp"
#include "agent/publish/compactor.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/relief.hpp"
#include "agent/publish/retention.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/publish/tag_writer.hpp"
#include "tests/contract/github_emulator.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using tests::Succeeds;

constexpr std::string_view k_main = "refs/heads/main";

class GithubRelief : public testing::Test {
protected:
  // As another job on this ref would have it.
  std::unique_ptr<backends::ObjectStorage> open(const std::string& ref = std::string(k_main),
                                                const std::string& url = "github://?patience=200ms") const {
    auto storage =
        backends::open_storage(url, {.clock = clock_,
                                     .registry = registry_,
                                     .variables = emulator_.variables(tests::k_reads_and_writes, ref)});
    EXPECT_THAT(storage, Succeeds());
    return storage ? *std::move(storage) : nullptr;
  }

  static TagId tag(std::string_view ref = k_main) {
    return {.repository = "octo/project", .scope = std::string(ref), .tag = "rust-sccache"};
  }

  void publish(const std::vector<std::string>& keys, const std::string& ref = std::string(k_main)) const {
    const auto storage = open(ref);
    TagWriter writer({.tag = tag(ref), .producer = "a test", .folder = folder_.path() / "outgoing"},
                     {.storage = *storage,
                      .clock = clock_,
                      .packs = std::make_shared<PackCache>(),
                      .conflict = [] {},
                      .uploaded = [](std::uint64_t) {},
                      .pause = [](std::chrono::milliseconds) { return true; }});
    std::vector<store::PackItem> items;
    for (const auto& key : keys) {
      items.push_back(
          {.key = key, .object = tests::stored_object(folder_.path(), std::string(10'000, key.back()))});
    }
    ASSERT_THAT(writer.publish(items), Succeeds());
  }

  void compact() const {
    const auto storage = open();
    Compactor compactor(
        {.tag = tag(), .producer = "", .folder = folder_.path() / "compacting", .limits = {.packs = 2}},
        {.storage = *storage, .clock = clock_, .packs = std::make_shared<PackCache>(), .go_on = [] {
           return true;
         }});
    ASSERT_THAT(compactor.run(std::uint64_t{1} << 30U), Succeeds());
  }

  RetentionFigures collect(bool dry_run = false) const {
    const auto storage = open();
    const auto figures = collect_garbage(*storage, clock_, {.dry_run = dry_run});
    EXPECT_THAT(figures, Succeeds());
    return figures.value_or(RetentionFigures());
  }

  void hours_pass(int hours) const {
    emulator_.control("advance", io::JsonObject{{"seconds", hours * 3600}});
  }

  // Of a fresh reader.
  std::size_t objects(const std::string& ref = std::string(k_main)) const {
    const auto storage = open(ref);
    metrics::Registry registry;
    TagView view(*storage, {.own = tag(ref), .also = {}}, registry);
    EXPECT_THAT(view.refresh(), Succeeds());
    EXPECT_EQ(registry.total("hearth_tag_packs_skipped_total"), 0U);
    return view.figures().objects;
  }

  std::size_t entries(std::string_view prefix) const {
    const auto all = emulator_.control("entries", io::JsonObject{});
    return static_cast<std::size_t>(std::ranges::count_if(
        *all.array(), [&](const io::Json& entry) { return entry.text("key").starts_with(prefix); }));
  }

  SystemClock clock_;
  mutable metrics::Registry registry_;
  tests::TempFolder folder_;
  tests::GithubEmulator emulator_;
};

TEST_F(GithubRelief, RemovesPacksThatWereReplacedADayBefore) {
  for (const auto* const key : {"a", "b", "c"}) {
    publish({key});
  }
  compact();
  const auto before = entries("packs/");
  EXPECT_EQ(collect(true).removed_objects, 0U);
  EXPECT_GT(collect().waiting_objects, 0U);
  EXPECT_EQ(entries("packs/"), before);
  hours_pass(25);

  const auto figures = collect();

  EXPECT_EQ(figures.removed_objects, before - open()->list("packs/")->size());
  EXPECT_GT(figures.removed_bytes, 10'000U);
  EXPECT_LT(entries("packs/"), before);
  EXPECT_EQ(entries("garbage/"), 0U);
  EXPECT_EQ(objects(), 3U);
}

TEST_F(GithubRelief, RemovesGenerationsThatWereReplacedButTheLastOnes) {
  for (int i = 0; i < 14; ++i) {
    publish({fmt::format("key/{:02}", i)});
  }
  ASSERT_EQ(entries("tags/"), 14U);
  EXPECT_EQ(collect().removed_generations, 0U) << "their numbers must not come free yet";
  hours_pass(25);
  publish({"key/14"});
  EXPECT_EQ(collect(true).removed_generations, 6U);
  EXPECT_EQ(entries("tags/"), 15U);

  EXPECT_EQ(collect().removed_generations, 6U);

  EXPECT_EQ(entries("tags/"), 9U);
  EXPECT_EQ(objects(), 15U);
  publish({"key/15"});
  EXPECT_EQ(objects(), 16U);
}

TEST_F(GithubRelief, TouchesNothingOfBranchesThatItCannotRead) {
  const std::string other = "refs/pull/7/merge";
  publish({"a"});
  publish({"a", "b"}, other);
  ASSERT_THAT(remove_tag(*open(), tag()), Succeeds());
  collect();
  hours_pass(25);

  const auto figures = collect();

  EXPECT_EQ(figures.unreadable_tags, 1U);
  EXPECT_EQ(figures.removed_objects, 1U) << "its own";
  EXPECT_EQ(objects(other), 2U);
}

TEST_F(GithubRelief, OfALateGenerationKeepsWhatTheHeadRefersTo) {
  // Newest is what was finalised last, and generation 2, which was passed over, comes after its successor.
  emulator_.control("settings", io::JsonObject{{"newest", "finalised"}});
  publish({"a"});
  const auto name = *pointer_name(tag());
  const auto first = open()->read(name);
  ASSERT_THAT(first, Succeeds());
  const auto config =
      backends::github_config({.scheme = "github", .rest = "", .text = "github"}, emulator_.variables());
  ASSERT_THAT(config, Succeeds());
  const auto slow = backends::open_actions_cache(*config, clock_, registry_);
  const auto reserved = slow->reserve(backends::generation_key(name, 2));
  ASSERT_TRUE(reserved && *reserved);
  publish({"b"});
  ASSERT_EQ(objects(), 2U);
  const auto late = backends::encode_generation(
      {.number = 2, .base = 1, .skipped = {}, .digest = {}, .content = (*first)->content});
  ASSERT_THAT(slow->upload(**reserved, std::string_view(late)), Succeeds());
  ASSERT_THAT(slow->finalise(**reserved, late.size()), Succeeds());
  ASSERT_EQ(objects(), 1U) << "the head stands behind it for those who do not know it";
  collect();
  hours_pass(25);

  const auto figures = collect();

  EXPECT_EQ(figures.removed_objects, 0U);
  publish({"c"});
  EXPECT_EQ(objects(), 3U) << "the next writer finds both";
}

TEST_F(GithubRelief, BeginsWhereTheRepositoryIsNearlyFull) {
  for (const auto* const key : {"a", "b", "c"}) {
    publish({key});
  }
  compact();
  collect();
  hours_pass(25);
  const auto before = entries("packs/");
  const auto relieve = [&](const std::string& url) {
    const auto storage = open(std::string(k_main), url);
    relieve_storage(*storage, clock_, registry_, [] { return true; });
  };

  relieve("github://?patience=200ms&quota=10MiB");
  EXPECT_EQ(entries("packs/"), before);
  EXPECT_EQ(registry_.total("hearth_relieved_objects_total"), 0U);
  relieve("github://?patience=200ms&quota=64KiB");

  EXPECT_LT(entries("packs/"), before);
  EXPECT_GT(registry_.total("hearth_relieved_objects_total"), 0U);
  EXPECT_GT(registry_.total("hearth_relieved_bytes_total"), 10'000U);
  EXPECT_EQ(objects(), 3U);
}

TEST_F(GithubRelief, DoesNothingWithoutATokenOrTheRightToDelete) {
  publish({"a"});
  const auto variables = emulator_.variables();
  const auto without = backends::open_storage(
      "github", {.clock = clock_, .registry = registry_, .variables = [&](const char* name) {
                   return std::string_view(name) == "GITHUB_TOKEN" ? std::string() : variables(name);
                 }});
  ASSERT_THAT(without, Succeeds());
  EXPECT_FALSE(*(*without)->usage());
  EXPECT_THAT(collect_garbage(**without, clock_, {}), tests::FailsWith(Errc::unsupported));
  relieve_storage(**without, clock_, registry_, [] { return true; });
  ASSERT_THAT(remove_tag(*open(), tag()), Succeeds());
  collect();
  hours_pass(25);
  emulator_.control("settings", io::JsonObject{{"rest_writes", false}});

  const auto refused = collect_garbage(*open(), clock_, {});

  EXPECT_THAT(refused, tests::FailsWith(Errc::denied));
  EXPECT_THAT(refused, tests::FailsSaying("actions: write"));
  EXPECT_THAT(refused.error().message, testing::Not(testing::HasSubstr("ghs_emulator")));
}

}  // namespace
}  // namespace agent::publish
