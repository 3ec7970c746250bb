// What a server says that is in trouble, and what comes from those in between. What the two say to each other
// when all is well: tests/contract and tests/server/generations_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "agent/backends/object_storage.hpp"
#include "tests/backends/fake_boringcache.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using tests::api_answer;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FakeRequest;
using tests::Succeeds;

class BoringcacheStorage : public testing::Test {
protected:
  // Every request whose method and path are these is answered so.
  void answer(std::string method, std::string path_end, net::Response response) {
    fake_.set_script([=](const FakeRequest& request) {
      const bool is_it = request.head.method == method && request.head.path.ends_with(path_end);
      return is_it ? std::optional(response) : std::nullopt;
    });
  }

  tests::FakeBoringcache fake_;
  SystemClock clock_;
  metrics::Registry registry_;
  std::unique_ptr<ObjectStorage> storage_ =
      *open_storage(fake_.url(), {.clock = clock_,
                                  .registry = registry_,
                                  .variables = tests::variables_of({{"BORINGCACHE_SAVE_TOKEN", "t"}})});
  std::string pack_ = std::string(100'000, 'p');
};

// --- writing ----------------------------------------------------------------------------------------------

TEST_F(BoringcacheStorage, APackThatAnotherUploadIsInTheWayOfWasNotPut) {
  struct Step {
    std::string method;
    std::string path_end;
  };
  const std::array steps = {Step{"POST", "/caches"}, Step{"POST", "/blobs/stage"}, Step{"PUT", "/publish"},
                            Step{"PUT", ""}};  // the last one: of any place, so of the blob
  for (const auto& step : steps) {
    for (const int status : {409, 412, 423}) {
      answer(step.method, step.path_end, api_answer(status, R"({"error":"another upload in progress"})"));

      const auto put = storage_->put_if_absent("packs/ab/1", std::string_view(pack_));

      EXPECT_THAT(put, FailsWith(Errc::transient)) << step.method << step.path_end << " " << status;
      EXPECT_THAT(put, FailsSaying("another upload in progress"));
    }
  }
  fake_.set_script({});

  EXPECT_EQ(storage_->put_if_absent("packs/ab/1", std::string_view(pack_)), Put::created);
  EXPECT_EQ(storage_->put_if_absent("packs/ab/1", std::string_view(pack_)), Put::existed);
  EXPECT_EQ(storage_->get("packs/ab/1", {.offset = 0, .size = pack_.size()}), pack_);
}

TEST_F(BoringcacheStorage, WaitsAsLongAsAServerThatIsBusyAsks) {
  auto busy = api_answer(423, R"({"error":"pending"})");
  busy.headers.set("Retry-After", "7");
  answer("PUT", "/publish", busy);

  const auto put = storage_->put_if_absent("packs/ab/1", std::string_view(pack_));

  ASSERT_THAT(put, FailsWith(Errc::transient));
  EXPECT_EQ(put.error().retry_after, 7s);
}

TEST_F(BoringcacheStorage, ASwapThatOthersWereFasterThanIsAConflict) {
  const auto version = storage_->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(version, Succeeds());
  EXPECT_THAT(storage_->compare_and_swap("tags/t", std::nullopt, "2"), FailsWith(Errc::conflict));

  answer("PUT", "/publish", api_answer(409, R"({"error":"others keep changing it"})"));
  EXPECT_THAT(storage_->compare_and_swap("tags/t", *version, "2"), FailsWith(Errc::conflict));

  answer("PUT", "/publish", api_answer(423, R"({"error":"pending"})"));
  EXPECT_THAT(storage_->compare_and_swap("tags/t", *version, "2"), FailsWith(Errc::transient));

  answer("POST", "/caches", api_answer(409, R"({"error":"another upload in progress"})"));
  EXPECT_THAT(storage_->compare_and_swap("tags/t", *version, "2"), FailsWith(Errc::transient));
}

}  // namespace
}  // namespace agent::backends
