// What the storage makes of answers that no healthy service gives; what it does with a real one is in
// tests/contract.
#include "agent/backends/s3.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/s3_fixture.hpp"
#include "tests/net/scripted_server.hpp"

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using tests::FailsWith;
using tests::FakeRequest;
using tests::FakeS3;
using tests::s3_refusal;
using tests::Succeeds;
using Effect = FakeS3::Fault::Effect;

class S3Storage : public tests::S3Fixture {};

// --- answers that are lost --------------------------------------------------------------------------------

TEST_F(S3Storage, KnowsItsOwnObjectWhenTheAnswerToItsCreationIsLost) {
  const auto storage = open();
  fail_next("PUT", 1, {.effect = Effect::done, .answer = std::nullopt});

  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("x")), Put::created);

  EXPECT_EQ(requests("PUT"), 1);
}

TEST_F(S3Storage, CreatesAgainWhatWasNotDone) {
  const auto storage = open();
  fail_next("PUT", 2, {.effect = Effect::none, .answer = std::nullopt});

  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("x")), Put::created);

  EXPECT_EQ(requests("PUT"), 3);
  EXPECT_EQ(fake_.content_of("p/packs/one"), "x");
}

TEST_F(S3Storage, CountsASwapAsDoneWhenItsAnswerIsLost) {
  const auto storage = open();
  const auto first = storage->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(first, Succeeds());
  fail_next("PUT", 1, {.effect = Effect::done, .answer = s3_refusal(500, "InternalError")});

  const auto second = storage->compare_and_swap("tags/t", *first, "2");

  ASSERT_THAT(second, Succeeds());
  EXPECT_EQ(storage->read("tags/t")->value().version, *second);
  EXPECT_EQ(requests("PUT"), 1);
}

TEST_F(S3Storage, IsNotTakenInByARivalWhoWroteTheSame) {
  const auto storage = open();
  const auto first = storage->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(first, Succeeds());
  std::atomic<bool> once{false};
  fake_.set_script([&](const FakeRequest& request) -> std::optional<FakeS3::Fault> {
    if (request.head.method != "PUT" || once.exchange(true)) {
      return std::nullopt;
    }
    fake_.put("p/tags/t", "2", "mark of somebody else");
    return FakeS3::Fault{.effect = Effect::none, .answer = std::nullopt};
  });

  EXPECT_THAT(storage->compare_and_swap("tags/t", *first, "2"), FailsWith(Errc::conflict));
}

TEST_F(S3Storage, FindsItsOwnDelayedWriteBehindARefusal) {
  const auto storage = open();
  std::atomic<int> puts{0};
  std::string mark;
  fake_.set_script([&](const FakeRequest& request) -> std::optional<FakeS3::Fault> {
    if (request.head.method == "PUT" && puts++ == 0) {
      mark = request.head.headers.get("x-amz-meta-hearth-write");
      return FakeS3::Fault{.effect = Effect::none, .answer = std::nullopt};
    }
    if (request.head.method == "PUT") {  // the first one arrives only now
      fake_.put("p/packs/one", "x", mark);
    }
    return std::nullopt;
  });

  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("x")), Put::created);

  EXPECT_EQ(puts, 2);
}

// --- refusals ---------------------------------------------------------------------------------------------

TEST_F(S3Storage, TellsEveryRefusalOfEveryCallApart) {
  struct Case {
    int status;
    std::string_view code;
    Errc meaning;
  };
  constexpr std::array k_cases = {Case{400, "InvalidRequest", Errc::invalid},
                                  Case{401, "", Errc::denied},
                                  Case{403, "AccessDenied", Errc::denied},
                                  Case{404, "NoSuchBucket", Errc::invalid},
                                  Case{429, "TooManyRequests", Errc::transient},
                                  Case{503, "SlowDown", Errc::transient},
                                  Case{403, "RequestTimeTooSkewed", Errc::denied},
                                  Case{301, "PermanentRedirect", Errc::invalid},
                                  Case{400, "RequestTimeout", Errc::transient},
                                  Case{403, "QuotaExceeded", Errc::full},
                                  Case{507, "", Errc::full},
                                  Case{405, "MethodNotAllowed", Errc::unsupported}};
  const auto storage = open();

  for (const auto& given : k_cases) {
    fake_.set_script([&](const FakeRequest&) -> std::optional<FakeS3::Fault> {
      return FakeS3::Fault{.effect = Effect::none, .answer = s3_refusal(given.status, given.code)};
    });
    for (const auto& [call, error] : call_all(*storage)) {
      ASSERT_TRUE(error) << call << " " << given.status;
      EXPECT_EQ(error->code, given.meaning) << call << " " << given.status << ": " << error->message;
      EXPECT_THAT(error->message, HasSubstr("s3://bucket/p"));
      EXPECT_THAT(error->message, Not(HasSubstr("confidential")));
    }
    EXPECT_EQ(fake_.seen().size(), 6) << given.code << ": none of these is worth repeating";
  }
}

TEST_F(S3Storage, WhatOnlyAProxyDoesNotFindIsNotAbsent) {
  fake_.put("p/packs/one", "x");
  fake_.put("p/tags/t", "1");
  const auto storage = open();
  const auto lost = net::text_response(404, "404 page not found\n");
  fake_.set_script([&](const FakeRequest&) -> std::optional<FakeS3::Fault> {
    return FakeS3::Fault{.effect = Effect::none, .answer = lost};
  });

  for (const auto& [call, error] : call_all(*storage)) {
    ASSERT_TRUE(error) << call;
    EXPECT_EQ(error->code, Errc::transient) << call << ": " << error->message;
    EXPECT_THAT(error->message, HasSubstr("check the URL")) << call;
  }
  fake_.set_script({});
  EXPECT_EQ(storage->get("packs/one", {.offset = 0, .size = 1}), "x");
  EXPECT_EQ(storage->get("packs/two", {.offset = 0, .size = 1}), std::nullopt);
  EXPECT_EQ(storage->read("tags/none").value(), std::nullopt);
}

TEST_F(S3Storage, RepeatsTwiceAtMostWhenTheServerIsInTrouble) {
  const auto storage = open();
  for (const int status : {500, 503}) {
    fake_.set_script([&](const FakeRequest&) -> std::optional<FakeS3::Fault> {
      return FakeS3::Fault{.effect = Effect::none, .answer = s3_refusal(status, "")};
    });

    EXPECT_THAT(storage->get("packs/one", {.offset = 0, .size = 1}), FailsWith(Errc::transient));
    EXPECT_EQ(requests("GET"), 3);
  }
  fail_next("GET", 2, {.effect = Effect::none, .answer = std::nullopt});
  EXPECT_THAT(storage->get("packs/one", {.offset = 0, .size = 1}), Succeeds());
}

TEST_F(S3Storage, PassesOnHowLongToWait) {
  const auto storage = open();
  auto refusal = s3_refusal(503, "ServiceUnavailable");
  refusal.headers.set("Retry-After", "7");
  fail_next("GET", 100, {.effect = Effect::none, .answer = refusal});
  const auto told = storage->read("tags/t");
  const auto asked = requests("GET");
  fail_next("GET", 100, {.effect = Effect::none, .answer = s3_refusal(503, "SlowDown")});
  const auto slow = storage->read("tags/t");

  EXPECT_EQ(told.error().retry_after, 7s);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(slow.error().retry_after, 1s);
}

TEST_F(S3Storage, CallsEveryKindOfRefusedConditionAConflict) {
  const auto storage = open();
  for (const int status : {409, 412, 423}) {
    fail_next("PUT", 1, {.effect = Effect::none, .answer = s3_refusal(status, "")});
    EXPECT_THAT(storage->compare_and_swap("tags/t", "\"e\"", "x"), FailsWith(Errc::conflict)) << status;
    EXPECT_EQ(fake_.seen().size(), 1);
  }
}

TEST_F(S3Storage, CreatesAgainAfterARivalsWriteCameToNothing) {
  const auto storage = open();
  fail_next("PUT", 1, {.effect = Effect::none, .answer = s3_refusal(409, "ConditionalRequestConflict")});

  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("x")), Put::created);

  EXPECT_EQ(requests("PUT"), 2);
}

TEST_F(S3Storage, RenewsCredentialsThatTheServiceCallsExpired) {
  const auto storage = open();
  fail_next("GET", 1, {.effect = Effect::none, .answer = s3_refusal(400, "ExpiredToken")});

  EXPECT_THAT(storage->read("tags/t"), Succeeds());

  EXPECT_EQ(requests("GET"), 2);
}

TEST_F(S3Storage, SaysWhatToDo) {
  const auto storage = open();
  const auto message_of = [&](int status, std::string_view code) {
    fail_next("GET", 1, {.effect = Effect::none, .answer = s3_refusal(status, code)});
    return storage->list("").error().message;
  };

  EXPECT_THAT(message_of(404, "NoSuchBucket"), HasSubstr("bucket 'bucket' does not exist"));
  EXPECT_THAT(message_of(403, "RequestTimeTooSkewed"), HasSubstr("clock differs from the store's"));
  EXPECT_THAT(message_of(403, "AccessDenied"), HasSubstr("use the mode read-only"));
  EXPECT_THAT(message_of(403, "SignatureDoesNotMatch"), HasSubstr("check the credentials"));
  EXPECT_THAT(message_of(301, "PermanentRedirect"), HasSubstr("region="));
}

// --- damaged answers --------------------------------------------------------------------------------------

TEST_F(S3Storage, CallsAnAnswerOfAnotherRangeCorrupt) {
  fake_.put("p/packs/one", "0123456789");
  const auto storage = open();
  auto elsewhere = net::text_response(206, "0123");
  elsewhere.headers.set("Content-Range", "bytes 2-5/10");
  fail_next("GET", 1, {.effect = Effect::none, .answer = elsewhere});
  EXPECT_THAT(storage->get("packs/one", {.offset = 0, .size = 4}), FailsWith(Errc::corrupt));

  fail_next("GET", 1, {.effect = Effect::none, .answer = net::text_response(206, "012")});
  EXPECT_THAT(storage->get("packs/one", {.offset = 0, .size = 4}), FailsWith(Errc::corrupt));

  fail_next("GET", 1, {.effect = Effect::none, .answer = net::text_response(200, "0123456789")});
  EXPECT_EQ(storage->get("packs/one", {.offset = 3, .size = 4}), "3456");
}

TEST_F(S3Storage, CallsATruncatedAnswerTransient) {
  const std::string refused =
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>";
  const net::tests::ScriptStep cut{.answer = "HTTP/1.1 206 Partial\r\nContent-Length: 9\r\n\r\n1234",
                                   .close = true};
  net::tests::ScriptedServer server({{.answer = refused}, cut, cut, cut});
  const auto storage = try_open("s3://bucket?region=r&endpoint=" + server.url());
  ASSERT_THAT(storage, Succeeds());

  EXPECT_THAT((*storage)->get("packs/one", {.offset = 0, .size = 9}), FailsWith(Errc::transient));
}

TEST_F(S3Storage, WaitsNoLongerThanItsTimeLimitForAServerThatStalls) {
  net::tests::ScriptedServer server({{.answer = "HTTP/1.1 206 Par"}});
  const auto begun = std::chrono::steady_clock::now();

  const auto storage = try_open("s3://bucket?region=r&endpoint=" + server.url(), {.timeout = 100ms});

  ASSERT_THAT(storage, Succeeds());  // it is asked again when it is needed
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
}

TEST_F(S3Storage, ReadsEmptyObjectsAndRefusesLargeOnes) {
  fake_.put("p/tags/empty", "");
  fake_.put("p/tags/large", std::string((std::size_t{16} << 20U) + 1, 'x'));
  const auto storage = open();

  EXPECT_EQ(storage->read("tags/empty")->value().content, "");
  EXPECT_THAT(storage->read("tags/large"), FailsWith(Errc::corrupt));
}

TEST_F(S3Storage, RefusesListsThatAreNone) {
  const auto storage = open();
  for (const std::string_view body :
       {"", "<html>", "<Other/>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><Contents><Key>p/a</Key></Contents></ListBucketResult>"}) {
    fail_next("GET", 1, {.effect = Effect::none, .answer = net::text_response(200, body)});
    EXPECT_THAT(storage->list(""), FailsWith(Errc::invalid)) << body;
  }
}

TEST_F(S3Storage, ListsPageByPageAndOnlyItsOwn) {
  for (const std::string_view key : {"p/a", "p/b", "p/c/d", "p/e", "p/odd name", "pq", "q/f"}) {
    fake_.put(std::string(key), "x");
  }
  const auto storage = open();

  const auto objects = storage->list("");

  ASSERT_THAT(objects, Succeeds());
  std::vector<std::string> names;
  std::ranges::transform(*objects, std::back_inserter(names), &ObjectInfo::name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("a", "b", "c/d", "e"));
}

// --- large objects ----------------------------------------------------------------------------------------

class LargeS3Object : public S3Storage {
protected:
  const std::string content_ = std::string((std::size_t{64} << 20U) + 1, 'x');
};

TEST_F(LargeS3Object, GoesInPartsUnderOneCondition) {
  const auto storage = open();
  fake_.set_script({});

  EXPECT_EQ(storage->put_if_absent("packs/large", std::string_view(content_)), Put::created);

  EXPECT_TRUE(fake_.content_of("p/packs/large") == content_);
  EXPECT_EQ(requests("PUT"), 5);
  EXPECT_EQ(fake_.seen().back(), "!POST /bucket/p/packs/large?uploadId=u-1");
  EXPECT_EQ(storage->put_if_absent("packs/large", std::string_view(content_)), Put::existed);
}

TEST_F(LargeS3Object, LeavesNoPartsBehindWhenOneIsRefused) {
  const auto storage = open();
  fail_next("PUT", 1, {.effect = Effect::none, .answer = s3_refusal(403, "AccessDenied")});

  EXPECT_THAT(storage->put_if_absent("packs/large", std::string_view(content_)), FailsWith(Errc::denied));

  EXPECT_EQ(fake_.seen().back(), "DELETE /bucket/p/packs/large?uploadId=u-1");
}

TEST_F(LargeS3Object, ReadsTheErrorInsideAnAnswerOf200) {
  const auto storage = open();
  const auto complete_with = [&](Effect effect, std::string_view code) {
    fake_.set_script([=](const FakeRequest& request) -> std::optional<FakeS3::Fault> {
      const bool completes = request.head.method == "POST" && request.head.query.starts_with("uploadId");
      return completes ? std::optional(FakeS3::Fault{.effect = effect, .answer = s3_refusal(200, code)})
                       : std::nullopt;
    });
  };

  complete_with(Effect::none, "PreconditionFailed");
  EXPECT_EQ(storage->put_if_absent("packs/a", std::string_view(content_)), Put::existed);
  complete_with(Effect::done, "InternalError");
  EXPECT_EQ(storage->put_if_absent("packs/b", std::string_view(content_)), Put::created);
  complete_with(Effect::none, "InternalError");
  EXPECT_THAT(storage->put_if_absent("packs/c", std::string_view(content_)), FailsWith(Errc::transient));
}

}  // namespace
}  // namespace agent::backends
