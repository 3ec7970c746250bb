#include "agent/publish/retention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/backends/forwarding_storage.hpp"
#include "agent/publish/catalog.hpp"
#include "tests/publish/retention_fixture.hpp"
#include "tests/support/counting_storage.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::Operation;
using tests::Succeeds;

TEST_F(Retention, KeepsWhatATagRefersTo) {
  time_passes(1000h);

  const auto figures = collect();

  EXPECT_EQ(figures.tags, 1U);
  EXPECT_EQ(figures.packs, 3U);
  EXPECT_EQ(figures.removed_objects, 0U);
  EXPECT_EQ(figures.waiting_objects, 0U);
  EXPECT_THAT(contents(), SizeIs(3));
  EXPECT_EQ(in_storage("garbage/"), 0U);
}

TEST_F(Retention, RemovesWhatWasUnreferencedForADay) {
  const auto before = contents();
  time_passes(1000h);
  compact();
  const auto first = collect();
  EXPECT_EQ(first.removed_objects, 0U) << "it was referred to a moment ago, however old it is";
  EXPECT_EQ(first.waiting_objects, 3U);
  EXPECT_TRUE(first.next);
  time_passes(23h);
  EXPECT_EQ(collect().removed_objects, 0U);

  time_passes(2h);
  const auto last = collect();

  EXPECT_EQ(last.removed_objects, 3U);
  EXPECT_GT(last.removed_bytes, 3000U);
  EXPECT_EQ(last.waiting_objects, 0U);
  EXPECT_EQ(in_storage("packs/"), 1U);
  EXPECT_EQ(in_storage("garbage/"), 0U);
  EXPECT_EQ(contents(), before);
}

TEST_F(Retention, RemovesManifestsThatWereReplaced) {
  const std::string large(100, 'x');
  ASSERT_THAT(storage_->put_if_absent("manifests/00/" + std::string(64, '0'), std::string_view(large)),
              Succeeds());
  collect();
  time_passes(25h);

  EXPECT_EQ(collect().removed_objects, 1U);

  EXPECT_EQ(in_storage("manifests/"), 0U);
}

TEST_F(Retention, KeepsWhatAnyScopeOfAnyRepositoryRefersTo) {
  const auto main_branch = *read_head(*storage_, tag_of("refs/heads/main"));
  const TagId other{.repository = "another/one", .scope = "refs/pull/7/merge", .tag = "t"};
  auto manifest = main_branch.manifest;
  manifest.generation = 1;
  ASSERT_THAT(replace_head(*storage_, other, {}, manifest), Succeeds());
  ASSERT_THAT(remove_tag(*storage_, tag_of("refs/heads/main")), Succeeds());
  collect();
  time_passes(48h);

  EXPECT_EQ(collect().removed_objects, 0U);

  EXPECT_EQ(in_storage("packs/"), 3U);
}

TEST_F(Retention, AMarkProvesNothingOnceItsObjectIsReferredToAgain) {
  const auto head = *read_head(*storage_, tag_of("refs/heads/main"));
  const auto pointer = storage_->read(*pointer_name(tag_of("refs/heads/main")));
  ASSERT_THAT(remove_tag(*storage_, tag_of("refs/heads/main")), Succeeds());
  EXPECT_EQ(collect().waiting_objects, 3U);
  time_passes(30h);
  ASSERT_THAT(replace_head(*storage_, tag_of("refs/heads/main"), {}, head.manifest), Succeeds());
  EXPECT_EQ(collect().removed_objects, 0U);
  ASSERT_THAT(remove_tag(*storage_, tag_of("refs/heads/main")), Succeeds());

  EXPECT_EQ(collect().removed_objects, 0U);

  EXPECT_EQ(in_storage("packs/"), 3U);
}

TEST_F(Retention, RemovesNothingWhereATagCannotBeRead) {
  compact();
  collect();
  time_passes(48h);
  ASSERT_THAT(storage_->compare_and_swap("tags/a/b/c", std::nullopt, "nonsense"), Succeeds());

  const auto figures = collect_garbage(*storage_, clock_, {});

  EXPECT_THAT(figures, FailsWith(Errc::corrupt));
  EXPECT_THAT(figures, FailsSaying("tags/a/b/c"));
  EXPECT_EQ(in_storage("packs/"), 4U);
}

TEST_F(Retention, RemovesNothingWhereATagOfAnotherBranchMayNotBeRead) {
  compact();
  collect();
  time_passes(48h);
  class Hidden final : public backends::ForwardingStorage {
  public:
    using ForwardingStorage::ForwardingStorage;
    Result<std::optional<backends::Versioned>> read(std::string_view name) override {
      return name.starts_with("tags/") ? Result<std::optional<backends::Versioned>>() : inner().read(name);
    }
  } hidden(*storage_);

  EXPECT_THAT(collect_garbage(hidden, clock_, {}), FailsWith(Errc::denied));

  EXPECT_EQ(in_storage("packs/"), 4U);
}

TEST_F(Retention, RemovesNothingWhereTheStorageCannotList) {
  FaultyStorage faulty(*storage_, [](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    return operation == Operation::list
               ? std::optional<tests::Fault>(tests::Refuse{{.code = Errc::unsupported, .message = "no"}})
               : std::nullopt;
  });

  EXPECT_THAT(collect_garbage(faulty, clock_, {}), FailsWith(Errc::unsupported));
}

TEST_F(Retention, WhicheverCallFailsItRemovesNothingThatIsNeeded) {
  const auto before = contents();
  compact();
  collect();
  for (int n = 0;; ++n) {
    ASSERT_LT(n, 60);
    int left = n;
    FaultyStorage faulty(*storage_, [&](Operation, std::string_view) -> std::optional<tests::Fault> {
      return left-- == 0 ? std::optional<tests::Fault>(tests::Refuse{tests::timed_out()}) : std::nullopt;
    });
    const auto figures = collect_garbage(faulty, clock_, {});
    EXPECT_EQ(contents(), before);
    if (figures) {
      break;
    }
    collect();  // the next run goes on
  }
  time_passes(25h);
  EXPECT_EQ(collect().removed_objects, 3U);
  EXPECT_EQ(contents(), before);
}

TEST_F(Retention, ADryRunChangesNothing) {
  compact();
  collect();
  time_passes(25h);
  ASSERT_THAT(storage_->put_if_absent("packs/00/new", std::string_view("x")), Succeeds());  // tells the time
  tests::CountingStorage counted(*storage_);

  const auto figures = collect_garbage(counted, clock_, {.tag_bytes = 1, .idle = 1h, .dry_run = true});

  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ(figures->removed_objects, 3U);
  EXPECT_EQ(figures->removed_tags, 1U);
  EXPECT_EQ(counted.uploads(), 0);
  EXPECT_EQ(in_storage("packs/"), 5U);
  EXPECT_EQ(in_storage("tags/"), 1U);
}

TEST_F(Retention, TakesTheOldestOutOfATagBeyondItsBudget) {
  const auto head = *read_head(*storage_, tag_of("refs/heads/main"));
  const auto one = head.manifest.packs.front().size_bytes;

  const auto figures = collect({.tag_bytes = 2 * one});

  EXPECT_EQ(figures.trimmed_packs, 1U);
  EXPECT_EQ(figures.removed_objects, 0U);
  const auto left = contents();
  EXPECT_THAT(left, SizeIs(2));
  EXPECT_FALSE(left.contains("a"));
  EXPECT_EQ(in_storage("packs/"), 3U);
  EXPECT_EQ(collect({.tag_bytes = 2 * one}).waiting_objects, 1U);
  time_passes(25h);
  EXPECT_EQ(collect({.tag_bytes = 2 * one}).removed_objects, 1U);
  EXPECT_THAT(contents(), SizeIs(2));
}

}  // namespace
}  // namespace agent::publish
