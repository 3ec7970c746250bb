#include "agent/app/backend_variables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::app {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using tests::FailsWith;
using tests::Succeeds;

TEST(BackendVariables, AreThoseThatTheBackendReads) {
  EXPECT_THAT(backend_variables("github"), Contains("ACTIONS_RUNTIME_TOKEN"));
  EXPECT_THAT(backend_variables("github://?service=v1"), Contains("ACTIONS_CACHE_URL"));
  EXPECT_THAT(backend_variables("github"), Not(Contains("AWS_SECRET_ACCESS_KEY")));
  EXPECT_THAT(backend_variables("s3://bucket/prefix"), Contains("AWS_SECRET_ACCESS_KEY"));
  EXPECT_THAT(backend_variables("s3://bucket/prefix"), Not(Contains("ACTIONS_RUNTIME_TOKEN")));
  EXPECT_THAT(backend_variables("disk:///x"), IsEmpty());
  EXPECT_THAT(backend_variables("none"), IsEmpty());
}

TEST(BackendVariables, TravelInAFileThatIsReadOnce) {
  const tests::TempFolder folder;
  const auto file = folder.path() / "secrets";
  const SecretVariables given = {{"ACTIONS_RUNTIME_TOKEN", Secret("a\"\n")}};
  ASSERT_THAT(io::write_file(file, encode_variables(given)), Succeeds());

  const auto variables = take_variables(file);

  ASSERT_THAT(variables, Succeeds());
  EXPECT_EQ((*variables)("ACTIONS_RUNTIME_TOKEN"), "a\"\n");
  EXPECT_EQ((*variables)("PATH"), io::environment_value("PATH"));
  EXPECT_FALSE(io::fs::exists(file));
  EXPECT_THAT(take_variables(file), FailsWith(Errc::not_found));
}

TEST(BackendVariables, RemoveTheFileEvenWhereItIsWrong) {
  const tests::TempFolder folder;
  const auto file = folder.path() / "secrets";
  ASSERT_THAT(io::write_file(file, "[]"), Succeeds());

  EXPECT_THAT(take_variables(file), FailsWith(Errc::invalid));

  EXPECT_FALSE(io::fs::exists(file));
}

TEST(BackendVariables, AreTextsOnly) {
  for (const auto* text : {"", "null", "[]", R"({"A":1})", R"({"A":null})", R"({"":"x"})", R"({"A":"x"}})"}) {
    EXPECT_THAT(parse_variables(text), FailsWith(Errc::invalid)) << text;
  }
  EXPECT_THAT(parse_variables(R"({"A":")" + std::string(70'000, 'x') + "\"}"), FailsWith(Errc::invalid));
}

TEST(BackendVariables, AnswerNothingElseWhereOnlyTheseCount) {
  const auto variables = only_these({{"A", Secret("1")}});

  EXPECT_EQ(variables("A"), "1");
  EXPECT_EQ(variables("PATH"), "");
}

}  // namespace
}  // namespace agent::app
