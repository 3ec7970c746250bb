// What a server says that is in trouble, and what comes from those in between. What the two say to each other
// when all is well: tests/contract and tests/server/generations_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>

#include "agent/backends/object_storage.hpp"
#include "tests/backends/fake_boringcache.hpp"
#include "tests/backends/fake_s3.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using tests::api_answer;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FakeRequest;
using tests::Succeeds;

constexpr Range k_one_byte{.offset = 0, .size = 1};

class BoringcacheStorage : public testing::Test {
protected:
  // Every request whose method and path are these is answered so.
  void answer(const std::string& method, const std::string& path_end, const net::Response& response) {
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

// --- what is not there ------------------------------------------------------------------------------------

TEST_F(BoringcacheStorage, WhatOnlyAProxyDoesNotFindIsNotAbsent) {
  ASSERT_EQ(storage_->put_if_absent("packs/ab/1", std::string_view(pack_)), Put::created);
  ASSERT_THAT(storage_->compare_and_swap("tags/t", std::nullopt, "1"), Succeeds());
  const auto lost = net::text_response(404, "404 page not found\n");

  answer("GET", "/caches", lost);
  EXPECT_THAT(storage_->get("packs/ab/1", k_one_byte), FailsWith(Errc::transient)) << "it is listed";
  answer("DELETE", "/caches", lost);
  EXPECT_THAT(storage_->remove("packs/ab/1"), FailsWith(Errc::transient));
  answer("GET", "/pointer", lost);
  EXPECT_THAT(storage_->read("tags/t"), FailsWith(Errc::transient));

  fake_.set_script([=](const FakeRequest&) { return std::optional(lost); });
  EXPECT_THAT(storage_->get("packs/ab/1", k_one_byte), FailsWith(Errc::transient));
  EXPECT_THAT(storage_->read("tags/t"), FailsWith(Errc::transient));
  EXPECT_THAT(storage_->list(""), FailsWith(Errc::transient));
  EXPECT_THAT(storage_->put_if_absent("packs/ab/2", std::string_view("x")), FailsWith(Errc::transient));
  EXPECT_THAT(storage_->compare_and_swap("tags/t", "e", "2"), FailsWith(Errc::transient));

  fake_.set_script({});
  EXPECT_EQ(storage_->get("packs/ab/1", k_one_byte), "p");
}

TEST_F(BoringcacheStorage, AbsentIsWhatTheApiItselfDoesNotFind) {
  ASSERT_EQ(storage_->put_if_absent("packs/ab/1", std::string_view(pack_)), Put::created);

  EXPECT_EQ(storage_->get("packs/ab/2", k_one_byte), std::nullopt);
  EXPECT_FALSE(storage_->read("tags/none").value().has_value());
  answer("GET", "/caches", api_answer(404, R"({"error":"there is no tag","code":"not_found"})"));
  EXPECT_EQ(storage_->get("packs/ab/1", k_one_byte), std::nullopt);
}

TEST_F(BoringcacheStorage, OfAServerThatNamesNoCodeAbsentIsWhatItDoesNotListEither) {
  const auto bare = net::text_response(404, "");
  answer("GET", "/caches", bare);
  EXPECT_EQ(storage_->get("packs/ab/2", k_one_byte), std::nullopt);
  answer("GET", "/pointer", bare);
  EXPECT_FALSE(storage_->read("tags/none").value().has_value());
}

TEST_F(BoringcacheStorage, ABlobIsGoneWhereTheServerOrItsStorageSaysSo) {
  ASSERT_EQ(storage_->put_if_absent("packs/ab/1", std::string_view(pack_)), Put::created);
  const auto is_blob = [](const FakeRequest& request) {
    return request.head.method == "GET" && request.head.path.contains("sha256:");
  };
  const auto blobs_are = [&](const net::Response& response) {
    fake_.set_script([=](const FakeRequest& request) {
      return is_blob(request) ? std::optional(response) : std::nullopt;
    });
  };

  blobs_are(api_answer(404, R"({"error":"there is no such blob any more","code":"not_found"})"));
  EXPECT_EQ(storage_->get("packs/ab/1", k_one_byte), std::nullopt);
  blobs_are(tests::s3_refusal(404, "NoSuchKey"));
  EXPECT_EQ(storage_->get("packs/ab/1", k_one_byte), std::nullopt);
  blobs_are(net::text_response(404, "404 page not found\n"));
  EXPECT_THAT(storage_->get("packs/ab/1", k_one_byte), FailsWith(Errc::transient));
  blobs_are(tests::s3_refusal(403, "AccessDenied"));
  EXPECT_THAT(storage_->get("packs/ab/1", k_one_byte), FailsWith(Errc::transient));
}

TEST_F(BoringcacheStorage, AUrlThatEndedIsAskedForAnew) {
  ASSERT_EQ(storage_->put_if_absent("packs/ab/1", std::string_view(pack_)), Put::created);
  auto left = std::make_shared<std::atomic<int>>(1);
  fake_.set_script([=](const FakeRequest& request) {
    const bool is_blob = request.head.method == "GET" && request.head.path.contains("sha256:");
    return is_blob && left->fetch_sub(1) > 0 ? std::optional(tests::s3_refusal(403, "AccessDenied"))
                                             : std::nullopt;
  });

  EXPECT_EQ(storage_->get("packs/ab/1", k_one_byte), "p");
}

}  // namespace
}  // namespace agent::backends
