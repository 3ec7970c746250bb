// What the storage finds out about its service when it opens, and what it says when it cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/s3_fixture.hpp"

namespace agent::backends {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::FailsSaying;
using tests::FailsWith;
using tests::s3_refusal;
using tests::Succeeds;
using Effect = tests::FakeS3::Fault::Effect;

class S3Opening : public tests::S3Fixture {};

TEST_F(S3Opening, AsksWhatBecomesOfConditionsAndCleansUp) {
  fake_.set_script({});

  const auto storage = open();

  const auto seen = fake_.seen();
  ASSERT_EQ(seen.size(), 4);
  EXPECT_THAT(seen[0], testing::StartsWith("!PUT /bucket/p/probe/"));
  EXPECT_THAT(seen[3], testing::StartsWith("DELETE /bucket/p/probe/"));
  EXPECT_EQ(storage->describe(), "s3://bucket/p?endpoint=" + fake_.url().substr(fake_.url().find("http://")));
}

TEST_F(S3Opening, LooksFirstWhereTheStoreIgnoresConditions) {
  fake_.ignore_conditions();
  const auto storage = open();
  fake_.set_script({});

  EXPECT_THAT(storage->describe(), HasSubstr("single writer"));
  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("1")), Put::created);
  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("2")), Put::existed);
  const auto first = storage->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(first, Succeeds());
  EXPECT_THAT(storage->compare_and_swap("tags/t", "\"other\"", "2"), FailsWith(Errc::conflict));
  EXPECT_THAT(storage->compare_and_swap("tags/t", *first, "2"), Succeeds());
  EXPECT_EQ(fake_.content_of("p/packs/one"), "1");
  EXPECT_EQ(fake_.content_of("p/tags/t"), "2");
}

TEST_F(S3Opening, TreatsAStoreThatDoesNotKnowConditionsAlike) {
  fail_next("PUT", 2, {.effect = Effect::none, .answer = s3_refusal(501, "NotImplemented")});

  EXPECT_THAT(open()->describe(), HasSubstr("single writer"));
}

// versitygw answers 409 to a first write whose folder another probe removes at that moment.
TEST_F(S3Opening, TakesARefusalWithoutAVerdictForNoObject) {
  fail_next("PUT", 1, {.effect = Effect::none, .answer = s3_refusal(409, "ExistingObjectIsDirectory")});

  EXPECT_THAT(open()->describe(), Not(HasSubstr("single writer")));
}

TEST_F(S3Opening, AsksLaterWhereItGetsNoVerdict) {
  fail_next("PUT", 3, {.effect = Effect::none, .answer = s3_refusal(409, "ConditionalRequestConflict")});
  const auto storage = open();

  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("x")), Put::created);
  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("y")), Put::existed);

  EXPECT_THAT(storage->describe(), Not(HasSubstr("single writer")));
}

TEST_F(S3Opening, BelievesTheSecondTimeThatConditionsAreIgnored) {
  auto probes = std::make_shared<std::atomic<int>>(0);
  fake_.set_script([=](const auto& request) -> std::optional<tests::FakeS3::Fault> {
    const bool second = request.head.method == "PUT" && probes->fetch_add(1) == 1;  // it was tidied away
    return second ? std::optional(
                        tests::FakeS3::Fault{.effect = Effect::none, .answer = net::text_response(200, "")})
                  : std::nullopt;
  });

  EXPECT_THAT(open()->describe(), Not(HasSubstr("single writer")));
  EXPECT_EQ(probes->load(), 6);
}

TEST_F(S3Opening, OpensForReadingWhereWritingIsForbidden) {
  fake_.put("p/tags/t", "1");
  fail_next("PUT", 100, {.effect = Effect::none, .answer = s3_refusal(403, "AccessDenied")});

  const auto storage = open();

  EXPECT_EQ(storage->read("tags/t")->value().content, "1");
  EXPECT_THAT(storage->put_if_absent("packs/one", std::string_view("x")), FailsWith(Errc::denied));
  EXPECT_THAT(storage->describe(), Not(HasSubstr("single writer")));
}

TEST_F(S3Opening, DoesNotOpenWithWrongKeysOrWithoutABucket) {
  fail_next("PUT", 1, {.effect = Effect::none, .answer = s3_refusal(403, "InvalidAccessKeyId")});
  EXPECT_THAT(try_open(fake_.url()), FailsWith(Errc::denied));

  fail_next("PUT", 1, {.effect = Effect::none, .answer = s3_refusal(404, "NoSuchBucket")});
  EXPECT_THAT(try_open(fake_.url()), FailsSaying("bucket 'bucket' does not exist"));
}

TEST_F(S3Opening, OpensWhileTheServiceIsDownAndAsksLater) {
  fail_next("PUT", 3, {.effect = Effect::none, .answer = s3_refusal(503, "ServiceUnavailable")});
  const auto storage = open();

  EXPECT_EQ(storage->put_if_absent("packs/one", std::string_view("x")), Put::created);

  EXPECT_THAT(fake_.seen(), testing::Contains(testing::StartsWith("DELETE /bucket/p/probe/")));
}

TEST_F(S3Opening, OpensNothingWithoutKeys) {
  services_.variables = tests::variables_of({{"AWS_EC2_METADATA_DISABLED", "true"}});

  EXPECT_THAT(try_open(fake_.url()), FailsWith(Errc::denied));
  EXPECT_THAT(try_open(fake_.url()), FailsSaying("AWS_ACCESS_KEY_ID"));
}

}  // namespace
}  // namespace agent::backends
