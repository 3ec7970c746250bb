#include "agent/server/tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/backends/disk_directory.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::server {
namespace {

using namespace std::chrono_literals;
using agent::tests::Succeeds;

const Workspace k_ci{.owner = "acme", .name = "ci"};

class TokensTest : public testing::Test {
protected:
  // Another replica over the same storage.
  Tokens replica() { return {*storage_, clock_, Secret("root-token-of-the-tests")}; }

  IssuedToken issue(Level level, std::vector<std::string> prefixes = {},
                    std::optional<std::chrono::seconds> lifetime = {}) {
    auto issued = tokens_.create({.name = "n",
                                  .workspace = k_ci.slug(),
                                  .level = level,
                                  .write_tag_prefixes = std::move(prefixes),
                                  .lifetime = lifetime});
    EXPECT_THAT(issued, Succeeds());
    return *std::move(issued);
  }

  static std::optional<Grant> check(Tokens& tokens, const Secret& text) {
    const auto grant = tokens.check(text.reveal());
    EXPECT_THAT(grant, Succeeds());
    return grant ? *grant : std::nullopt;
  }

  ManualClock clock_;
  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  std::unique_ptr<backends::DiskDirectory> storage_ = *backends::DiskDirectory::open(folder_.path(), clock_);
  Tokens tokens_ = replica();
};

TEST_F(TokensTest, OpenOneWorkspaceAtTheirLevel) {
  const auto issued = issue(Level::save);

  const auto grant = check(tokens_, issued.text);

  ASSERT_TRUE(grant);
  EXPECT_TRUE(grant->reaches(k_ci));
  EXPECT_FALSE(grant->reaches({.owner = "acme", .name = "other"}));
  EXPECT_TRUE(grant->may(Level::restore));
  EXPECT_TRUE(grant->may(Level::save));
  EXPECT_FALSE(grant->may(Level::admin));
}

TEST_F(TokensTest, AreRefusedWhenTheyDifferInOneLetter) {
  const auto issued = issue(Level::save);
  auto text = issued.text.reveal();
  text.back() = text.back() == '0' ? '1' : '0';

  EXPECT_FALSE(check(tokens_, Secret(text)));
  EXPECT_FALSE(check(tokens_, Secret(issued.text.reveal() + "0")));
  EXPECT_FALSE(check(tokens_, Secret(issued.token.id)));
  EXPECT_FALSE(check(tokens_, Secret()));
}

TEST_F(TokensTest, AreNotInTheStorage) {
  const auto issued = issue(Level::save);
  const auto kept = storage_->read(token_object(issued.token.id));
  ASSERT_THAT(kept, Succeeds());

  const auto text = issued.text.reveal();
  EXPECT_EQ((*kept)->content.find(text.substr(text.rfind('_') + 1)), std::string::npos);
}

TEST_F(TokensTest, TheAdministratorReachesEverything) {
  const auto grant = check(tokens_, Secret("root-token-of-the-tests"));

  ASSERT_TRUE(grant);
  EXPECT_TRUE(grant->is_root);
  EXPECT_TRUE(grant->reaches({.owner = "any", .name = "one"}));
  EXPECT_TRUE(grant->may(Level::admin));
}

TEST_F(TokensTest, WithoutAnAdministratorNoTextIsHis) {
  Tokens none(*storage_, clock_, Secret());

  EXPECT_FALSE(check(none, Secret()));
  EXPECT_FALSE(check(none, Secret("x")));
}

TEST_F(TokensTest, EndAtTheirTime) {
  const auto issued = issue(Level::save, {}, 60s);
  ASSERT_TRUE(check(tokens_, issued.text));

  clock_.advance(60s);

  EXPECT_FALSE(check(tokens_, issued.text));
}

TEST_F(TokensTest, RevokedOnesAreRefusedByEveryReplicaWithinSeconds) {
  const auto issued = issue(Level::save);
  auto other = replica();
  ASSERT_TRUE(check(other, issued.text));

  const auto revoked = tokens_.revoke(k_ci, issued.token.id);

  ASSERT_THAT(revoked, Succeeds());
  ASSERT_TRUE(*revoked);
  EXPECT_TRUE((*revoked)->is_revoked);
  EXPECT_FALSE(check(tokens_, issued.text));
  clock_.advance(2s);
  EXPECT_FALSE(check(other, issued.text));
}

TEST_F(TokensTest, RotatedOnesEndAndTheNewTextOpens) {
  const auto issued = issue(Level::save);

  const auto rotated = tokens_.rotate(k_ci, issued.token.id);

  ASSERT_THAT(rotated, Succeeds());
  ASSERT_TRUE(*rotated);
  EXPECT_FALSE(check(tokens_, issued.text));
  EXPECT_TRUE(check(tokens_, (*rotated)->text));
}

TEST_F(TokensTest, RevokedOnesDoNotComeBackByRotation) {
  const auto issued = issue(Level::save);
  ASSERT_THAT(tokens_.revoke(k_ci, issued.token.id), Succeeds());

  EXPECT_FALSE(tokens_.rotate(k_ci, issued.token.id)->has_value());
  EXPECT_FALSE(check(tokens_, issued.text));
}

TEST_F(TokensTest, OfAnotherWorkspaceCannotBeTouched) {
  const auto issued = issue(Level::save);
  const Workspace other{.owner = "acme", .name = "other"};

  EXPECT_FALSE(tokens_.revoke(other, issued.token.id)->has_value());
  EXPECT_FALSE(tokens_.rotate(other, issued.token.id)->has_value());
  EXPECT_TRUE(tokens_.list(other)->empty());
  EXPECT_TRUE(check(tokens_, issued.text));
}

TEST_F(TokensTest, PrefixesSayWhichTagsTheyWrite) {
  const auto limited = check(tokens_, issue(Level::save, {"pr-7-", "scratch"}).text);
  const auto reader = check(tokens_, issue(Level::restore, {"pr-7-"}).text);
  const auto any = check(tokens_, issue(Level::save).text);

  ASSERT_TRUE(limited && reader && any);
  EXPECT_TRUE(limited->may_write("pr-7-rust"));
  EXPECT_TRUE(limited->may_write("scratch"));
  EXPECT_FALSE(limited->may_write("pr-7"));
  EXPECT_FALSE(limited->may_write("main-pr-7-"));
  EXPECT_FALSE(reader->may_write("pr-7-rust"));
  EXPECT_TRUE(any->may_write("main"));
}

}  // namespace
}  // namespace agent::server
