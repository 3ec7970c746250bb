#include "agent/server/rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/backends/disk_directory.hpp"
#include "agent/backends/forwarding_storage.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::server {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

// Others come between: before a swap, so that it is refused; or behind it, so that it is done and taken for
// refused, as S3 has it where the answer was lost and whose object it is was asked too late.
class ContestedStorage final : public backends::ForwardingStorage {
public:
  using ForwardingStorage::ForwardingStorage;

  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    if (before_swap && is_contested(content)) {
      std::exchange(before_swap, nullptr)();
    }
    auto swapped = inner().compare_and_swap(name, expected, content);
    if (swapped && behind_swap && is_contested(content)) {
      std::exchange(behind_swap, nullptr)();
      return fail(Errc::conflict, "somebody else moved {}", name);
    }
    return swapped;
  }

  std::function<void()> before_swap;  // called once
  std::function<void()> behind_swap;  // called once
  std::function<bool(std::string_view content)> is_contested = [](std::string_view) { return true; };
};

class ContestedRows : public testing::Test {
protected:
  static Digest digest_of(const std::string& content) { return io::sha256(io::bytes_of(content)); }

  Result<void> upsert(Rows& rows, const std::string& key, const std::string& content = "any") {
    const Blob blob{.digest = digest_of(content), .size_bytes = content.size()};
    AGENT_TRY(const auto prepared,
              rows.prepare(workspace_, {{.name_space = "sccache", .key = key, .blob = blob}}));
    return rows.upsert(workspace_, "rust", prepared);
  }

  void upsert_many(Rows& rows, const std::string& prefix, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_THAT(upsert(rows, fmt::format("{}{}", prefix, i)), Succeeds());
    }
  }

  // As a server sees them that has nothing in memory.
  Result<Rows::View> view() {
    Rows fresh(*disk_, clock_);
    return fresh.view(workspace_, "rust");
  }

  std::optional<Digest> blob_of(const std::string& key) {
    const auto seen = view();
    EXPECT_THAT(seen, Succeeds());
    const auto row = seen ? Rows::find(*seen, key) : std::nullopt;
    return row ? std::optional(row->blob.digest) : std::nullopt;
  }

  std::vector<std::string> current_keys() {
    const auto seen = view();
    EXPECT_THAT(seen, Succeeds());
    std::vector<std::string> keys;
    for (std::size_t i = 0; seen && seen->current && i < seen->current->size(); ++i) {
      keys.emplace_back(seen->current->row(i).key);
    }
    return keys;
  }

  std::size_t segments_kept() { return disk_->list(row_segments_prefix(workspace_)).value().size(); }

  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  SystemClock clock_;
  std::unique_ptr<backends::DiskDirectory> disk_ = *backends::DiskDirectory::open(folder_.path(), clock_);
  ContestedStorage storage_{*disk_};
  Workspace workspace_{.owner = "acme", .name = "ci"};
  Rows ours_{storage_, clock_};
  Rows theirs_{*disk_, clock_};
};

TEST_F(ContestedRows, AreMergedByASwapThatWasOvertaken) {
  upsert_many(ours_, "k", k_merge_rows_from - 1);
  storage_.is_contested = [](std::string_view content) {  // the merge's swap, not that of the last upsert
    std::size_t segments = 0;
    for (auto at = content.find("\"id\""); at != std::string_view::npos;
         at = content.find("\"id\"", at + 1)) {
      ++segments;
    }
    return segments < k_merge_rows_from;
  };
  storage_.behind_swap = [this] { EXPECT_THAT(upsert(theirs_, "other"), Succeeds()); };

  upsert_many(ours_, "last", 1);

  const auto seen = view();
  ASSERT_THAT(seen, Succeeds());
  EXPECT_TRUE(Rows::find(*seen, "k0"));
  EXPECT_TRUE(Rows::find(*seen, "last0"));
  EXPECT_TRUE(Rows::find(*seen, "other"));
  EXPECT_EQ(seen->segments.size(), 2);
  EXPECT_EQ(segments_kept(), 2) << "what was merged is removed";
}

TEST_F(ContestedRows, AreMarkedByASwapThatWasOvertaken) {
  upsert_many(ours_, "k", 2);
  ASSERT_THAT(ours_.mark_current(workspace_, "rust", {"k0"}), Succeeds());
  storage_.behind_swap = [this] { EXPECT_THAT(upsert(theirs_, "other"), Succeeds()); };

  const auto marked = ours_.mark_current(workspace_, "rust", {"k1"});

  ASSERT_THAT(marked, Succeeds());
  EXPECT_THAT(current_keys(), testing::ElementsAre("k1"));
  EXPECT_EQ(segments_kept(), 4) << "three of rows and one of marks";
}

TEST_F(ContestedRows, StayMarkedByWhoeverOvertookThat) {
  upsert_many(ours_, "k", 2);
  storage_.behind_swap = [this] {
    EXPECT_THAT(theirs_.mark_current(workspace_, "rust", {"k1"}), Succeeds());
  };

  ASSERT_THAT(ours_.mark_current(workspace_, "rust", {"k0"}), Succeeds());

  EXPECT_THAT(current_keys(), testing::ElementsAre("k1"));
}

TEST_F(ContestedRows, AreAddedOnceByASwapThatWasOvertaken) {
  storage_.behind_swap = [this] { EXPECT_THAT(upsert(theirs_, "key", "newer"), Succeeds()); };

  ASSERT_THAT(upsert(ours_, "key", "older"), Succeeds());

  EXPECT_EQ(blob_of("key"), digest_of("newer"));
  EXPECT_EQ(view()->segments.size(), 2);
}

TEST_F(ContestedRows, AreAddedOnceWhereTheyWereMergedSince) {
  upsert_many(ours_, "k", k_merge_rows_from - 2);
  storage_.behind_swap = [this] { EXPECT_THAT(upsert(theirs_, "other", "newer"), Succeeds()); };

  ASSERT_THAT(upsert(ours_, "other", "older"), Succeeds());

  EXPECT_EQ(blob_of("other"), digest_of("newer"));
  EXPECT_EQ(view()->segments.size(), 1);
  EXPECT_EQ(segments_kept(), 1);
}

TEST_F(ContestedRows, ThatWereAddedSinceStayWhereOthersWereDeleted) {
  upsert_many(ours_, "k", 2);
  storage_.behind_swap = [this] { EXPECT_THAT(upsert(theirs_, "newer"), Succeeds()); };

  EXPECT_EQ(ours_.remove(workspace_, "rust").value(), true);

  EXPECT_FALSE(blob_of("k0"));
  EXPECT_TRUE(blob_of("newer"));
  EXPECT_EQ(segments_kept(), 1);
}

TEST_F(ContestedRows, AreAddedAndMarkedAfterOthersWhereTheSwapWasNotDone) {
  storage_.before_swap = [this] { EXPECT_THAT(upsert(theirs_, "key", "older"), Succeeds()); };
  ASSERT_THAT(upsert(ours_, "key", "newer"), Succeeds());
  EXPECT_EQ(blob_of("key"), digest_of("newer"));

  upsert_many(theirs_, "k", 1);
  storage_.before_swap = [this] {
    EXPECT_THAT(theirs_.mark_current(workspace_, "rust", {"key"}), Succeeds());
  };
  ASSERT_THAT(ours_.mark_current(workspace_, "rust", {"k0"}), Succeeds());
  EXPECT_THAT(current_keys(), testing::ElementsAre("k0"));
}

TEST_F(ContestedRows, ThatOthersChangedTooOftenAreAReasonToTryAgainAndNothingIsRemoved) {
  storage_.behind_swap = [this] { upsert_many(theirs_, "k", k_remembered_row_versions + 1); };

  EXPECT_THAT(upsert(ours_, "key"), FailsWith(Errc::transient));

  EXPECT_TRUE(blob_of("key")) << "it was done, and merged since";
  EXPECT_TRUE(blob_of("k0"));
}

}  // namespace
}  // namespace agent::server
