#include "agent/server/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::server {
namespace {

using agent::tests::FailsWith;

Token token() {
  Token made;
  made.id = "t_000000000000000000000001";
  made.name = "ci";
  made.workspace = "acme/ci";
  made.level = Level::save;
  made.write_tag_prefixes = {"pr-7-"};
  made.secret_sha256 = std::string(64, 'a');
  made.created_ms = 5;
  made.expires_ms = 9;
  return made;
}

TagRecord tag() {
  TagRecord made;
  made.tag = "rust";
  made.generation = 2;
  made.version = "2.ab";
  made.previous = "1.cd";
  made.entry = "e_000000000000000000000001";
  made.description = io::JsonObject{{"manifest_root_digest", "sha256:1"}, {"total_size_bytes", 7}};
  made.manifest = Blob{.digest = {}, .size_bytes = 7};
  made.producer = "t ci";
  made.created_ms = 5;
  made.published_ms = 6;
  return made;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << text;
  return text.replace(at, from.size(), to);
}

TEST(Records, AreReadAsTheyWereWritten) {
  EXPECT_EQ(parse_token(encode(token())), token());
  EXPECT_EQ(parse_tag_record(encode(tag())), tag());
  Entry entry;
  entry.id = "e_000000000000000000000001";
  entry.description = io::JsonObject{{"a", 1}};
  EXPECT_EQ(parse_entry(encode(entry)), entry);
}

TEST(Records, OfNewerFormatsAreNotUnderstood) {
  EXPECT_THAT(parse_token(replaced(encode(token()), R"("format":1)", R"("format":2)")),
              FailsWith(Errc::unsupported));
  EXPECT_THAT(parse_tag_record(replaced(encode(tag()), R"("format":1)", R"("format":2)")),
              FailsWith(Errc::unsupported));
}

// A damaged record must not become a permission.
TEST(Records, OfTokensAreRefusedWhereAnythingIsMissing) {
  const auto good = encode(token());
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{R"("level":"save")", R"("level":"root")"},
                                                        {R"("expires_ms":9)", R"("expires_ms":"9")"},
                                                        {R"("revoked":false)", R"("revoked":0)"},
                                                        {R"(["pr-7-"])", R"([""])"},
                                                        {R"(["pr-7-"])", "null"},
                                                        {R"("workspace":"acme/ci")", R"("workspace":"acme")"},
                                                        {std::string(64, 'a'), std::string(63, 'a')}}) {
    EXPECT_THAT(parse_token(replaced(good, from, to)), FailsWith(Errc::corrupt)) << to;
  }
}

TEST(Records, OfDeletedTagsKeepTheirNameAndVersion) {
  TagRecord gone;
  gone.tag = "rust";
  gone.generation = 3;
  gone.version = "3.ef";
  gone.is_deleted = true;

  const auto read = parse_tag_record(encode(gone));

  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->is_deleted);
  EXPECT_EQ(read->version, "3.ef");
}

}  // namespace
}  // namespace agent::server
