#include "agent/server/retention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "agent/backends/disk_directory.hpp"
#include "agent/backends/forwarding_storage.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/server/blobs.hpp"
#include "agent/server/garbage.hpp"
#include "agent/server/limits.hpp"
#include "agent/server/report_log.hpp"
#include "agent/server/rows.hpp"
#include "agent/server/tags.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::server {
namespace {

using namespace std::chrono_literals;
using agent::tests::FailsWith;
using agent::tests::Succeeds;

// A storage whose clock is turned by hand.
class TimedStorage final : public backends::ForwardingStorage {
public:
  TimedStorage(ObjectStorage& inner, const Clock& clock) : ForwardingStorage(inner), clock_(clock) {}

  Result<backends::Put> put_if_absent(std::string_view name, const backends::Source& source) override {
    written_.try_emplace(std::string(name), clock_.wall());
    return inner().put_if_absent(name, source);
  }
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    auto swapped = inner().compare_and_swap(name, expected, content);
    if (swapped) {
      written_.insert_or_assign(std::string(name), clock_.wall());
      if (after_swap) {
        std::exchange(after_swap, nullptr)(name);
      }
    }
    return swapped;
  }
  Result<void> remove(std::string_view name) override {
    written_.erase(std::string(name));
    return inner().remove(name);
  }
  Result<std::vector<backends::ObjectInfo>> list(std::string_view prefix) override {
    auto listed = inner().list(prefix);
    for (auto& object : *listed) {
      const auto known = written_.find(object.name);
      object.modified = known != written_.end() ? known->second : object.modified;
    }
    return listed;
  }

  std::function<void(std::string_view name)> after_swap;  // called once

private:
  const Clock& clock_;
  std::map<std::string, Wall> written_;
};

class Retention : public testing::Test {
protected:
  Digest put(const std::string& content) {
    const auto digest = io::sha256(io::bytes_of(content));
    EXPECT_THAT(blobs_.put(workspace_, digest, std::string_view(content)), Succeeds());
    return digest;
  }

  bool has(const Digest& digest) { return blobs_.size_of(workspace_, digest).value().has_value(); }

  // A tag whose entry is one blob, which is its manifest as well.
  std::string publish(const std::string& tag, const std::string& content) {
    const Blob blob{.digest = put(content), .size_bytes = content.size()};
    Entry wanted;
    wanted.tag = tag;
    wanted.description = io::JsonObject{{"manifest_root_digest", digest_text(blob.digest)},
                                        {"storage_mode", "cas"},
                                        {"total_size_bytes", std::uint64_t{content.size()}}};
    const auto entry = tags_.create_entry(workspace_, wanted).value();
    const auto done =
        tags_.change(workspace_, tag, [&](const TagRecord*) -> Result<std::optional<TagRecord>> {
          TagRecord record;
          record.entry = entry.id;
          record.description = entry.description;
          record.manifest = blob;
          return std::optional(std::move(record));
        });
    EXPECT_THAT(done, Succeeds());
    return entry.id;
  }

  void add_row(const std::string& tag, const std::string& key, const std::string& content) {
    const Blob blob{.digest = put(content), .size_bytes = content.size()};
    const auto prepared =
        rows_.prepare(workspace_, {{.name_space = "sccache", .key = key, .blob = blob}}).value();
    EXPECT_THAT(rows_.upsert(workspace_, tag, prepared), Succeeds());
  }

  KeepFigures keep(const KeepOptions& options = {}) {
    const auto done = keep_workspace(stores_, workspace_, options);
    EXPECT_THAT(done, Succeeds());
    return done ? *done : KeepFigures{};
  }

  void use_every_day(const std::string& tag, int days) {
    for (int i = 0; i < days; ++i) {
      reports_.used(workspace_, tag, 1);
      clock_.advance(24h);
    }
  }

  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  ManualClock clock_;
  std::unique_ptr<backends::DiskDirectory> disk_ = *backends::DiskDirectory::open(folder_.path(), clock_);
  TimedStorage storage_{*disk_, clock_};
  Workspace workspace_{.owner = "acme", .name = "ci"};
  Blobs blobs_{storage_, folder_.path()};
  Tags tags_{storage_, clock_};
  Rows rows_{storage_, clock_};
  ReportLog reports_{storage_, clock_};
  Stores stores_{.storage = storage_, .clock = clock_, .tags = tags_, .rows = rows_, .reports = reports_};
};

TEST_F(Retention, RemovesABlobADayAfterItWasMarked) {
  const auto lost = put("lost");
  publish("rust", "kept");
  add_row("cpp", "a", "row");
  clock_.advance(100h);

  EXPECT_EQ(keep().waiting_blobs, 1) << "age alone is no reason";
  clock_.advance(23h);
  EXPECT_EQ(keep().removed_blobs, 0);
  EXPECT_TRUE(has(lost));
  clock_.advance(2h);
  const auto last = keep();

  EXPECT_EQ(last.removed_blobs, 1);
  EXPECT_EQ(last.removed_bytes, 4);
  EXPECT_FALSE(has(lost));
  EXPECT_TRUE(has(io::sha256(io::bytes_of("kept"))));
  EXPECT_TRUE(has(io::sha256(io::bytes_of("row"))));
}

TEST_F(Retention, KeepsWhatAnUploadInProgressStaged) {
  const auto staged = put("staged");
  const auto noted = put("noted");
  keep();
  clock_.advance(25h);
  Entry wanted;
  wanted.description = io::JsonObject{{"manifest_root_digest", "x"}};
  const auto entry = tags_.create_entry(workspace_, wanted).value();
  ASSERT_THAT(tags_.note_blobs(workspace_, entry.id, {{.digest = staged, .size_bytes = 6}}), Succeeds());
  ASSERT_THAT(tags_.note_blobs(workspace_, {}, {{.digest = noted, .size_bytes = 5}}), Succeeds());

  EXPECT_EQ(keep().removed_blobs, 0);
  EXPECT_TRUE(has(staged));
  EXPECT_TRUE(has(noted));

  // The upload never ends: a day later its notes go, and a day after that its blobs.
  clock_.advance(25h);
  EXPECT_GE(keep().removed_records, 3);
  clock_.advance(25h);
  EXPECT_EQ(keep().removed_blobs, 2);
}

TEST_F(Retention, KeepsWhatAManifestNamesThoughItWasNeverStaged) {
  const auto named = put("named");
  const auto other = put("other");
  publish("rust", fmt::format(R"({{"blobs":[{{"digest":"{}"}}]}})", digest_text(named)));
  keep();
  clock_.advance(25h);

  EXPECT_EQ(keep().removed_blobs, 1);
  EXPECT_TRUE(has(named));
  EXPECT_FALSE(has(other));
}

TEST_F(Retention, KeepsWhatSomebodyRefersToWhileItIsBeingRemoved) {
  const auto blob = put("back again");
  const Blob sized{.digest = blob, .size_bytes = 10};
  keep();
  clock_.advance(25h);
  Result<void> refused;
  // After it was said what goes, and before it went.
  storage_.after_swap = [&](std::string_view) {  // the marks
    storage_.after_swap = [&](std::string_view) {
      refused = may_refer(storage_, workspace_, std::span(&sized, 1));
      EXPECT_THAT(tags_.note_blobs(workspace_, {}, {sized}), Succeeds());
    };
  };
  put("something new, so that there are marks to write");

  EXPECT_EQ(keep().removed_blobs, 0);

  EXPECT_THAT(refused, FailsWith(Errc::transient));
  EXPECT_TRUE(has(blob));
  EXPECT_THAT(may_refer(storage_, workspace_, std::span(&sized, 1)), Succeeds());
}

TEST_F(Retention, GivesWayToAnotherRunAndGoesOnWhereOneWasKilled) {
  const auto blob = put("lost");
  keep();
  clock_.advance(25h);
  const auto object = garbage_object(workspace_);
  const auto kept = storage_.read(object).value();
  ASSERT_THAT(storage_.compare_and_swap(object, kept->version, encode(GarbageState{.doomed = {blob}})),
              Succeeds());

  EXPECT_TRUE(keep().was_busy);
  EXPECT_TRUE(has(blob));
  clock_.advance(11min);
  EXPECT_EQ(keep().removed_blobs, 1);
  EXPECT_FALSE(has(blob));
}

TEST_F(Retention, RemovesTagsThatNobodyUsed) {
  publish("used", "one");
  publish("idle", "two");
  publish("hearth_tags_srepo", "three");
  add_row("idle-rows", "a", "four");
  use_every_day("used", 15);
  publish("new", "five");

  const auto figures = keep({.idle = std::chrono::days(14)});

  EXPECT_EQ(figures.idle_tags, 2);
  EXPECT_TRUE(tags_.find(workspace_, "used").value());
  EXPECT_TRUE(tags_.find(workspace_, "new").value());
  EXPECT_TRUE(tags_.find(workspace_, "hearth_tags_srepo").value());
  EXPECT_FALSE(tags_.find(workspace_, "idle").value());
  EXPECT_TRUE(rows_.list(workspace_).value().empty());
}

TEST_F(Retention, TakesNoTagForIdleWhereUsesWereNotWrittenDownForLong) {
  publish("old", "one");
  clock_.advance(24h * 30);
  use_every_day("other", 2);

  EXPECT_EQ(keep({.idle = std::chrono::days(14)}).idle_tags, 0);
}

TEST_F(Retention, RemovesTheLeastRecentlyUsedBeyondTheQuota) {
  publish("a", std::string(100, 'a'));
  publish("b", std::string(100, 'b'));
  publish("c", std::string(100, 'c'));
  clock_.advance(48h);
  reports_.used(workspace_, "a", 1);

  const auto figures = keep({.quota_bytes = 250});

  EXPECT_EQ(figures.quota_tags, 1);
  EXPECT_TRUE(tags_.find(workspace_, "a").value());
  EXPECT_EQ(tags_.list(workspace_, {}).value().size(), 2);
}

TEST_F(Retention, AFullWorkspaceSaysSo) {
  put(std::string(250, 'x'));

  keep({.quota_bytes = 100});

  EXPECT_THAT(may_refer(storage_, workspace_, {}), FailsWith(Errc::full));
  keep({.quota_bytes = 1'000});
  EXPECT_THAT(may_refer(storage_, workspace_, {}), Succeeds());
}

TEST_F(Retention, AWorkspacesOwnLimitsGoBeforeThoseOfTheServer) {
  publish("a", std::string(100, 'a'));
  publish("b", std::string(100, 'b'));
  const auto set = [&](const Limits& limits) {
    EXPECT_THAT(change_limits(storage_, workspace_, [&](Limits& current) { current = limits; }), Succeeds());
  };

  set({.quota_bytes = 0});
  EXPECT_EQ(keep({.quota_bytes = 150}).quota_tags, 0);
  set({.quota_bytes = 150});
  EXPECT_EQ(keep().quota_tags, 1);

  use_every_day("other", 15);
  publish("new", "new");
  set({.idle_days = 0});
  EXPECT_EQ(keep({.idle = std::chrono::days(14)}).idle_tags, 0);
  set({.idle_days = 14});
  EXPECT_EQ(keep().idle_tags, 1);
}

TEST_F(Retention, AQuotaThatWasSetHoldsAtOnce) {
  put(std::string(250, 'x'));
  keep();
  const auto set = [&](std::uint64_t quota) {
    return change_limits(storage_, workspace_, [&](Limits& limits) { limits.quota_bytes = quota; });
  };

  EXPECT_THAT(set(100), Succeeds());
  EXPECT_THAT(may_refer(storage_, workspace_, {}), FailsWith(Errc::full));
  EXPECT_THAT(set(1'000), Succeeds());
  EXPECT_THAT(may_refer(storage_, workspace_, {}), Succeeds());
}

TEST(Limits, AreReadAsTheyWereWrittenAndNeverGuessed) {
  const Limits limits{.quota_bytes = 5, .idle_days = 30};

  EXPECT_EQ(parse_limits(encode(limits)).value(), limits);
  EXPECT_EQ(parse_limits(encode(Limits{})).value(), Limits{});
  EXPECT_THAT(parse_limits("{}"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_limits(R"({"format":2})"), FailsWith(Errc::unsupported));
  EXPECT_THAT(parse_limits(R"({"format":1,"quota_bytes":"5"})"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_limits(R"({"format":1,"idle_days":61})"), FailsWith(Errc::corrupt));
}

TEST_F(Retention, WritesNothingOnADryRun) {
  put("lost");
  publish("a", std::string(100, 'a'));
  publish("b", std::string(100, 'b'));
  const auto before = storage_.list("").value().size();

  const auto figures = keep({.quota_bytes = 150, .dry_run = true});

  EXPECT_EQ(figures.quota_tags, 1);
  EXPECT_EQ(figures.waiting_blobs, 1);
  EXPECT_EQ(storage_.list("").value().size(), before);
  EXPECT_EQ(tags_.list(workspace_, {}).value().size(), 2);
}

TEST_F(Retention, RemovesNothingWhereSomethingCannotBeRead) {
  const auto blob = put("lost");
  keep();
  clock_.advance(25h);
  ASSERT_THAT(storage_.compare_and_swap("tags/acme/ci/t/broken", std::nullopt, "no record"), Succeeds());

  EXPECT_THAT(keep_workspace(stores_, workspace_, {}), FailsWith(Errc::corrupt));
  EXPECT_TRUE(has(blob));
}

TEST(Garbage, RecordsAreReadAsTheyWereWritten) {
  const GarbageState state{.doomed = {io::sha256(io::bytes_of("a"))}, .used_bytes = 5, .limit_bytes = 7};
  const GarbageMarks marks{{io::sha256(io::bytes_of("b")), 12}};

  EXPECT_EQ(parse_garbage_state(encode(state)).value(), state);
  EXPECT_EQ(parse_garbage_marks(encode(marks)).value(), marks);
  EXPECT_THAT(parse_garbage_state("{}"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_garbage_state(R"({"format":2})"), FailsWith(Errc::unsupported));
  EXPECT_THAT(parse_garbage_marks(R"({"format":1,"since_ms":{"x":1}})"), FailsWith(Errc::corrupt));
}

}  // namespace
}  // namespace agent::server
