#include "agent/publish/tag_view.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/io/file.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using testing::SizeIs;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::Operation;
using tests::Refuse;
using tests::Succeeds;

class TagViewTest : public TagFixture {
protected:
  void SetUp() override {
    ASSERT_THAT(writer(*storage_)->publish(items({{"a", "first"}, {"b", "second"}})), Succeeds());
  }

  static TagChain chain(std::vector<std::string> also = {}) {
    TagChain made{.own = tag_of("refs/heads/main"), .also = {}};
    for (auto& scope : also) {
      made.also.push_back(tag_of(std::move(scope)));
    }
    return made;
  }

  std::string value(const TagView& view, std::string_view key) {
    const auto entry = view.find(key);
    return entry ? read(*storage_, *entry) : "(absent)";
  }

  std::filesystem::path only_pack() const {
    const auto packs = storage_->list("packs/");
    EXPECT_THAT(*packs, SizeIs(1));
    return folder_.path() / "cache" / packs->front().name;
  }

  std::uint64_t skipped(std::string_view reason) {
    for (const auto& [label, count] : registry_.by_label("hearth_tag_packs_skipped_total", "reason")) {
      if (label == reason) {
        return count;
      }
    }
    return 0;
  }

  metrics::Registry registry_;
};

TEST_F(TagViewTest, IsEmptyBeforeTheFirstRefresh) {
  const TagView view(*storage_, chain(), registry_);

  EXPECT_EQ(value(view, "a"), "(absent)");
  EXPECT_EQ(view.figures().generation, 0U);
}

TEST_F(TagViewTest, FindsWhatTheTagHolds) {
  TagView view(*storage_, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(value(view, "a"), "first");
  EXPECT_EQ(value(view, "b"), "second");
  EXPECT_EQ(value(view, "c"), "(absent)");
  EXPECT_EQ(value(view, ""), "(absent)");
  const auto figures = view.figures();
  EXPECT_EQ(figures.generation, 1U);
  EXPECT_EQ(figures.objects, 2U);
  EXPECT_EQ(figures.bytes, 11U);
  EXPECT_EQ(figures.packs, 1U);
  EXPECT_EQ(registry_.total("hearth_tag_objects"), 2U);
  EXPECT_EQ(registry_.total("hearth_tag_bytes"), 11U);
  EXPECT_EQ(registry_.total("hearth_tag_generation"), 1U);
}

TEST_F(TagViewTest, AMissingTagIsAnEmptyOne) {
  TagView view(*storage_, {.own = tag_of("refs/heads/other"), .also = {}}, registry_);

  EXPECT_THAT(view.refresh(), Succeeds());
  EXPECT_EQ(view.figures().objects, 0U);
}

TEST_F(TagViewTest, AnUnchangedTagCostsOneRead) {
  FaultyStorage counted(*storage_);
  int calls = 0;
  TagView view(counted, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());
  counted.set_script([&](Operation, std::string_view) {
    ++calls;
    return std::nullopt;
  });

  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(calls, 1);
}

TEST_F(TagViewTest, RefreshReadsOnlyNewPacks) {
  FaultyStorage counted(*storage_);
  int opened = 0;
  TagView view(counted, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());
  ASSERT_THAT(writer(*storage_)->publish(items({{"b", "changed"}, {"c", "third"}})), Succeeds());
  counted.set_script([&](Operation operation, std::string_view) {
    opened += operation == Operation::open ? 1 : 0;
    return std::nullopt;
  });

  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(opened, 1);
  EXPECT_EQ(value(view, "a"), "first");
  EXPECT_EQ(value(view, "b"), "changed");
  EXPECT_EQ(value(view, "c"), "third");
  EXPECT_EQ(view.figures().objects, 3U);
  EXPECT_EQ(view.figures().bytes, 5U + 7U + 5U);
}

TEST_F(TagViewTest, TheOwnScopeWinsOverAllOthersWhateverTheirGeneration) {
  ASSERT_THAT(writer(*storage_, "base")->publish(items({{"a", "base"}, {"x", "base"}})), Succeeds());
  ASSERT_THAT(writer(*storage_, "base")->publish(items({{"y", "base"}})), Succeeds());
  ASSERT_THAT(writer(*storage_, "default")->publish(items({{"x", "default"}, {"z", "default"}})), Succeeds());
  TagView view(*storage_, chain({"base", "default"}), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(value(view, "a"), "first");
  EXPECT_EQ(value(view, "x"), "base");
  EXPECT_EQ(value(view, "y"), "base");
  EXPECT_EQ(value(view, "z"), "default");
}

TEST_F(TagViewTest, AChainMayNameAScopeTwice) {
  TagView view(*storage_, chain({"refs/heads/main", "refs/heads/main"}), registry_);

  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(view.figures().packs, 1U);
}

TEST_F(TagViewTest, KeepsWhatItHadWhenThePointerCannotBeRead) {
  FaultyStorage faulty(*storage_);
  TagView view(faulty, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());
  faulty.set_script([](Operation, std::string_view) { return Refuse{tests::timed_out()}; });

  EXPECT_THAT(view.refresh(), FailsWith(Errc::transient));

  EXPECT_EQ(value(view, "a"), "first");
}

TEST_F(TagViewTest, ABrokenScopeDoesNotKeepTheOthersFromBeingRead) {
  ASSERT_THAT(storage_->compare_and_swap(*pointer_name(tag_of("base")), std::nullopt, "not a pointer"),
              Succeeds());
  TagView view(*storage_, chain({"base"}), registry_);

  const auto refreshed = view.refresh();

  EXPECT_THAT(refreshed, FailsWith(Errc::corrupt));
  EXPECT_THAT(refreshed, FailsSaying("tags/"));
  EXPECT_EQ(value(view, "a"), "first");
}

TEST_F(TagViewTest, SaysThatAPointerIsOfANewerVersion) {
  ASSERT_THAT(storage_->compare_and_swap(*pointer_name(tag_of("new")), std::nullopt, R"({"format":3})"),
              Succeeds());
  TagView view(*storage_, {.own = tag_of("new"), .also = {}}, registry_);

  EXPECT_THAT(view.refresh(), FailsWith(Errc::unsupported));
}

TEST_F(TagViewTest, LeavesAMissingPackOutAndCountsIt) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"c", "third"}})), Succeeds());
  const auto head = read_head(*storage_, tag_of("refs/heads/main"));
  ASSERT_THAT(head, Succeeds());
  for (const auto& pack : head->manifest.packs) {
    if (pack.generation == 1) {
      ASSERT_THAT(storage_->remove(pack_name(pack.digest)), Succeeds());
    }
  }
  TagView view(*storage_, chain(), registry_);

  EXPECT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(value(view, "a"), "(absent)");
  EXPECT_EQ(value(view, "c"), "third");
  EXPECT_EQ(skipped("missing"), 1U);
}

TEST_F(TagViewTest, LeavesATruncatedPackOut) {
  ASSERT_EQ(::truncate(only_pack().c_str(), 40), 0);
  TagView view(*storage_, chain(), registry_);

  EXPECT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(skipped("corrupt"), 1U);
  EXPECT_EQ(view.figures().objects, 0U);
}

TEST_F(TagViewTest, LeavesAPackWithABrokenFooterOut) {
  const auto file = io::open_file(only_pack(), O_RDWR);
  ASSERT_THAT(
      io::write_all_at(file->get(), io::bytes_of("X"), std::filesystem::file_size(only_pack()) - 80, "pack"),
      Succeeds());
  TagView view(*storage_, chain(), registry_);

  EXPECT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(skipped("corrupt"), 1U);
}

TEST_F(TagViewTest, TriesAPackThatCouldNotBeReadAgain) {
  FaultyStorage faulty(*storage_, [](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    return operation == Operation::open ? std::optional<tests::Fault>(Refuse{tests::timed_out()})
                                        : std::nullopt;
  });
  TagView view(faulty, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());
  EXPECT_EQ(skipped("unreadable"), 1U);
  faulty.set_script({});

  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(value(view, "a"), "first");
}

TEST_F(TagViewTest, NeverGivesOutBytesThatDoNotMatch) {
  const auto file = io::open_file(only_pack(), O_RDWR);
  const auto bytes = io::read_file(only_pack(), 1 << 20).value();
  ASSERT_THAT(io::write_all_at(file->get(), io::bytes_of("X"), bytes.find("first"), "pack"), Succeeds());
  TagView view(*storage_, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_FALSE(view.find("a"));
  EXPECT_FALSE(view.find("a"));

  EXPECT_EQ(registry_.total("hearth_tag_objects_corrupt_total"), 1U);
  EXPECT_EQ(value(view, "b"), "second");
}

TEST_F(TagViewTest, ADistrustedObjectIsAbsentUntilAnotherIsPublished) {
  TagView view(*storage_, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());
  view.distrust("a");
  view.distrust("unknown");
  ASSERT_THAT(view.refresh(), Succeeds());
  EXPECT_EQ(value(view, "a"), "(absent)");
  EXPECT_EQ(value(view, "b"), "second");

  // A publisher that shares the view's packs does not take the wrong object for one that need not be stored.
  TagWriter mine({.tag = tag_of("refs/heads/main"), .producer = "", .folder = folder_.path() / "mine"},
                 {.storage = *storage_,
                  .clock = clock_,
                  .packs = view.packs(),
                  .conflict = [] {},
                  .uploaded = [](std::uint64_t) {},
                  .pause = [](std::chrono::milliseconds) { return true; }});
  ASSERT_THAT(mine.publish(items({{"a", "first"}, {"b", "second"}})), Succeeds());
  ASSERT_THAT(view.refresh(), Succeeds());

  EXPECT_EQ(value(view, "a"), "first");
  EXPECT_EQ(read_head(*storage_, tag_of("refs/heads/main"))->manifest.packs.size(), 2U);
}

TEST_F(TagViewTest, SaysWhereToReadWhatCannotBeOpenedInPlace) {
  FaultyStorage remote(*storage_, [](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::open) {
      return Refuse{{.code = Errc::unsupported, .message = "ranges only"}};
    }
    return std::nullopt;
  });
  TagView view(remote, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());

  const auto entry = view.find("a");

  ASSERT_TRUE(entry);
  EXPECT_TRUE(std::holds_alternative<RemoteExtent>(entry->where));
  EXPECT_EQ(read(*storage_, *entry), "first");
}

TEST_F(TagViewTest, EntriesOutliveTheViewAndThePack) {
  std::optional<TagEntry> entry;
  {
    TagView view(*storage_, chain(), registry_);
    ASSERT_THAT(view.refresh(), Succeeds());
    entry = view.find("a");
  }
  std::filesystem::remove(only_pack());

  EXPECT_EQ(read(*storage_, *entry), "first");
}

TEST_F(TagViewTest, PreloadsWithinItsBudgetAndDeadline) {
  TagView view(*storage_, chain(), registry_);
  ASSERT_THAT(view.refresh(), Succeeds());
  const auto size = std::filesystem::file_size(only_pack());
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);

  EXPECT_EQ(view.preload(1 << 20, soon), size);
  EXPECT_EQ(view.preload(10, soon), 10U);
  EXPECT_EQ(view.preload(1 << 20, std::chrono::steady_clock::now() - std::chrono::seconds(1)), 0U);
}

}  // namespace
}  // namespace agent::publish
