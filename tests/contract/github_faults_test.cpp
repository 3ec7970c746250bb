// The github storage against everything that can go wrong on every call of the service: what it hands out is
// right or an error, what it acknowledges is there, and once the trouble is over it goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/contract/github_emulator.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using namespace std::string_literals;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

// The system's clock, put forward by tests: what has to wait need not be waited for.
class ForwardClock final : public Clock {
public:
  Steady now() const override { return std::chrono::steady_clock::now() + ahead(); }
  Wall wall() const override { return std::chrono::system_clock::now() + ahead(); }
  void advance(std::chrono::seconds by) { ahead_s_ += by.count(); }

private:
  std::chrono::seconds ahead() const { return std::chrono::seconds(ahead_s_.load()); }
  std::atomic<std::int64_t> ahead_s_{0};
};

class GithubStorage : public testing::Test {
protected:
  static void SetUpTestSuite() { emulator_ = new tests::GithubEmulator(); }
  static void TearDownTestSuite() {
    delete emulator_;
    emulator_ = nullptr;
  }

  void SetUp() override { emulator_->control("reset", io::JsonObject{{"entries", true}}); }

  std::unique_ptr<ObjectStorage> open(const std::string& url = "github://?patience=200ms",
                                      int permission = tests::k_reads_and_writes) {
    auto storage = open_storage(
        url, {.clock = clock_, .registry = registry_, .variables = emulator_->variables(permission)});
    EXPECT_THAT(storage, Succeeds());
    return storage ? *std::move(storage) : nullptr;
  }

  static void break_next(const std::string& method, const std::string& kind, int status = 503) {
    emulator_->control("faults",
                       io::JsonArray{io::JsonObject{
                           {"method", method}, {"kind", kind}, {"status", status}, {"seconds", 0.1}}});
  }

  static void mend() { emulator_->control("faults", io::JsonArray{}); }

  static inline tests::GithubEmulator* emulator_ = nullptr;
  ForwardClock clock_;
  metrics::Registry registry_;
};

struct Trouble {
  const char* method;
  const char* kind;
  int status;
};

std::vector<Trouble> troubles() {
  std::vector<Trouble> all;
  for (const auto* method :
       {"CreateCacheEntry", "FinalizeCacheEntryUpload", "GetCacheEntryDownloadURL", "blob.put", "blob.get"}) {
    for (const int status : {400, 401, 403, 404, 409, 412, 423, 429, 500, 502, 503}) {
      all.push_back({.method = method, .kind = "status", .status = status});
    }
    for (const auto* kind : {"reset", "lose", "stall", "truncate", "flip"}) {
      all.push_back({.method = method, .kind = kind, .status = 0});
    }
    if (!std::string_view(method).starts_with("blob.")) {
      all.push_back({.method = method, .kind = "ok_false", .status = 0});
    }
  }
  return all;
}

// Right, or an error that names the storage; a look-up that was lied to may miss.
void expect_right(const Result<std::optional<std::string>>& got, std::string_view right,
                  const Trouble& trouble) {
  if (!got) {
    EXPECT_THAT(got, FailsSaying("github://octo/project"));
    return;
  }
  const bool damaged = std::string_view(trouble.kind) == "flip";  // above, digests find that
  const bool may_miss = std::string_view(trouble.kind) == "ok_false" || damaged || trouble.status == 404;
  if (*got) {
    EXPECT_TRUE(**got == right || damaged) << **got;
  } else {
    EXPECT_TRUE(may_miss);
  }
}

TEST_F(GithubStorage, IsRightOrSaysSoWhateverGoesWrong) {
  for (const auto& trouble : troubles()) {
    SCOPED_TRACE(fmt::format("{} {} {}", trouble.method, trouble.kind, trouble.status));
    SetUp();
    const auto clean = open();
    ASSERT_THAT(clean->put_if_absent("packs/old", std::string_view("old bytes")), Succeeds());
    const auto first = clean->compare_and_swap("tags/t", std::nullopt, "1");
    ASSERT_THAT(first, Succeeds());
    const auto storage = open();
    const auto inject = [&] { break_next(trouble.method, trouble.kind, trouble.status); };

    inject();
    expect_right(storage->get("packs/old", {.offset = 0, .size = 9}), "old bytes", trouble);
    clock_.advance(std::chrono::seconds(70));
    inject();
    const auto head = storage->read("tags/t");
    expect_right(head ? *head ? Result<std::optional<std::string>>((*head)->content) : std::nullopt
                      : std::unexpected(head.error()),
                 "1", trouble);
    clock_.advance(std::chrono::seconds(70));
    inject();
    const auto put = storage->put_if_absent("packs/new", std::string_view("new bytes"));
    clock_.advance(std::chrono::seconds(70));
    inject();
    const auto swapped = storage->compare_and_swap("tags/t", *first, "1, 2");
    mend();
    clock_.advance(std::chrono::seconds(70));

    const auto reader = open();
    if (put) {
      EXPECT_EQ(reader->get("packs/new", {.offset = 0, .size = 9}), "new bytes");
    }
    if (swapped) {
      EXPECT_EQ((*reader->read("tags/t"))->content, "1, 2");
    }
    EXPECT_THAT(storage->put_if_absent("packs/new", std::string_view("new bytes")), Succeeds());
    EXPECT_EQ(reader->get("packs/new", {.offset = 0, .size = 9}), "new bytes");
    const auto now = storage->read("tags/t");
    ASSERT_THAT(now, Succeeds());
    ASSERT_TRUE(now->has_value());
    EXPECT_THAT((*now)->content, testing::AnyOf("1", "1, 2"));
    const auto again = storage->compare_and_swap("tags/t", (*now)->version, "1, 2, 3");
    EXPECT_THAT(again, Succeeds());
    EXPECT_EQ((*open()->read("tags/t"))->content, "1, 2, 3");
  }
}

TEST_F(GithubStorage, ObeysAServiceThatLimitsUploads) {
  emulator_->control("settings", io::JsonObject{{"uploads_per_minute", 1}});
  const auto storage = open();
  ASSERT_THAT(storage->put_if_absent("one", std::string_view("x")), Succeeds());

  const auto limited = storage->put_if_absent("two", std::string_view("x"));
  const auto not_asked = storage->put_if_absent("two", std::string_view("x"));

  ASSERT_THAT(limited, FailsWith(Errc::transient));
  ASSERT_TRUE(limited.error().retry_after.has_value());
  EXPECT_GT(*limited.error().retry_after, std::chrono::seconds(30));
  ASSERT_THAT(not_asked, FailsWith(Errc::transient));
  EXPECT_TRUE(not_asked.error().retry_after.has_value());
  EXPECT_EQ(emulator_->counters()["answers"]["CreateCacheEntry 429"].count(), 1);
  EXPECT_EQ(storage->get("one", {.offset = 0, .size = 1}), "x");
  emulator_->control("settings", io::JsonObject{{"uploads_per_minute", 0}});
  clock_.advance(std::chrono::seconds(61));
  EXPECT_EQ(storage->put_if_absent("two", std::string_view("x")), Put::created);
}

TEST_F(GithubStorage, UploadsWhatIsLargeInBlocks) {
  const std::string large((std::size_t{70} << 20U) + 3, 'x');

  ASSERT_EQ(open()->put_if_absent("large", std::string_view(large)), Put::created);

  EXPECT_EQ(emulator_->counters()["calls"]["blob.block"].count(), 3);
  EXPECT_EQ(open()->get("large", {.offset = large.size() - 3, .size = 3}), "xxx");
}

TEST_F(GithubStorage, ReadsALongRangeInSeveralPieces) {
  std::string large(std::size_t{70} << 20U, 'x');
  large.back() = 'y';
  ASSERT_EQ(open()->put_if_absent("large", std::string_view(large)), Put::created);

  const auto whole = open()->get("large", {.offset = 0, .size = large.size()});

  ASSERT_THAT(whole, Succeeds());
  EXPECT_TRUE(*whole == large);
}

TEST_F(GithubStorage, AsksForAUrlAgainOnceItHasExpired) {
  const auto storage = open();
  ASSERT_THAT(storage->put_if_absent("one", std::string_view("x")), Succeeds());
  ASSERT_EQ(storage->get("one", {.offset = 0, .size = 1}), "x");
  emulator_->control("advance", io::JsonObject{{"seconds", 4'000}});

  EXPECT_EQ(storage->get("one", {.offset = 0, .size = 1}), "x");

  EXPECT_EQ(emulator_->counters()["answers"]["blob.get 403"].count(), 1);
}

TEST_F(GithubStorage, SaysWhoseTokenOnlyReads) {
  const auto reader = open("github", tests::k_reads);

  const auto refused = reader->compare_and_swap("tags/t", std::nullopt, "1");

  EXPECT_THAT(refused, FailsWith(Errc::denied));
  EXPECT_THAT(refused, FailsSaying("cache write denied"));
  EXPECT_THAT(refused, FailsSaying("read-only"));
}

TEST_F(GithubStorage, ServesVersionOneAlike) {
  const auto storage = open("github://?service=v1&patience=200ms");

  ASSERT_EQ(storage->put_if_absent("packs/one", std::string_view("0123456789")), Put::created);
  ASSERT_EQ(storage->put_if_absent("packs/one", std::string_view("other")), Put::existed);
  ASSERT_EQ(storage->put_if_absent("packs/empty", std::string_view()), Put::created);
  const auto first = storage->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(first, Succeeds());

  EXPECT_EQ(storage->get("packs/one", {.offset = 4, .size = 3}), "456");
  EXPECT_EQ(storage->get("packs/empty", {.offset = 0, .size = 0}), "");
  EXPECT_EQ(storage->get("packs/none", {.offset = 0, .size = 1}), std::nullopt);
  EXPECT_THAT(storage->compare_and_swap("tags/t", *first, "2"), Succeeds());
  EXPECT_THAT(storage->compare_and_swap("tags/t", *first, "3"), FailsWith(Errc::conflict));
  EXPECT_EQ((*open("github://?service=v1")->read("tags/t"))->content, "2");
  EXPECT_EQ((*open()->read("tags/t"))->content, "2");  // the entries are the same
}

TEST_F(GithubStorage, GoesOnWithTheGenerationBeforeAnEvictedHead) {
  const auto storage = open();
  const auto first = storage->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(storage->compare_and_swap("tags/t", *first, "2"), Succeeds());
  emulator_->control("evict", io::JsonObject{{"key", "tags/t/0000000002."}});
  clock_.advance(std::chrono::seconds(5));

  const auto now = storage->read("tags/t");

  ASSERT_THAT(now, Succeeds());
  EXPECT_EQ((*now)->content, "1");
  EXPECT_THAT(storage->compare_and_swap("tags/t", (*now)->version, "3"), Succeeds());
  EXPECT_EQ((*open()->read("tags/t"))->content, "3");
}

}  // namespace
}  // namespace agent::backends
