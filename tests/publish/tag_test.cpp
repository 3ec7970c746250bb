#include "agent/publish/tag.hpp"

#include <gtest/gtest.h>

#include "agent/backends/object_name.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

TagId tag(std::string repository, std::string scope, std::string name) {
  return {.repository = std::move(repository), .scope = std::move(scope), .tag = std::move(name)};
}

TEST(Mode, RoundTripsThroughItsName) {
  for (const auto mode : {Mode::read_write, Mode::read_only, Mode::write_only, Mode::off}) {
    EXPECT_EQ(parse_mode(name_of(mode)), mode);
  }
}

TEST(Mode, RefusesOtherNamesAndListsTheModes) {
  for (const auto* text : {"", "rw", "Read-Write", "readonly", " off"}) {
    EXPECT_THAT(parse_mode(text), FailsWith(Errc::invalid)) << text;
  }
  EXPECT_THAT(parse_mode("rw"), FailsSaying("'rw'"));
  EXPECT_THAT(parse_mode("rw"), FailsSaying("read-only"));
}

TEST(PointerName, TellsRepositoriesScopesAndTagsApart) {
  const auto name = pointer_name(tag("o/n", "refs/heads/main", "t"));
  ASSERT_THAT(name, Succeeds());

  EXPECT_NE(*name, *pointer_name(tag("o/m", "refs/heads/main", "t")));
  EXPECT_NE(*name, *pointer_name(tag("o/n", "refs/heads/dev", "t")));
  EXPECT_NE(*name, *pointer_name(tag("o/n", "refs/heads/main", "u")));
  EXPECT_NE(*name, *pointer_name(tag("refs/heads/main", "o/n", "t")));
}

TEST(PointerName, FitsEveryStorage) {
  const auto name =
      pointer_name(tag(std::string(1024, '/'), "refs/heads/\xc3\xbc \n?", std::string(200, 'x')));

  ASSERT_THAT(name, Succeeds());
  EXPECT_THAT(backends::check_object_name(*name), Succeeds());
}

TEST(PointerName, RefusesTagsThatCouldLeaveTheirFolder) {
  for (const auto& bad : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                          std::string("a b"), std::string(201, 'x'), std::string("a\0b", 3)}) {
    EXPECT_THAT(pointer_name(tag("o/n", "s", bad)), FailsWith(Errc::invalid)) << bad;
  }
  EXPECT_THAT(pointer_name(tag("", "s", "t")), FailsWith(Errc::invalid));
  EXPECT_THAT(pointer_name(tag("o/n", "", "t")), FailsWith(Errc::invalid));
  EXPECT_THAT(pointer_name(tag("o/n", std::string(1025, 's'), "t")), FailsWith(Errc::invalid));
}

TEST(DigestNames, AreSharded) {
  Digest digest;
  digest.bytes.fill(0xab);

  EXPECT_EQ(pack_name(digest), "packs/ab/" + digest.hex());
  EXPECT_EQ(manifest_name(digest), "manifests/ab/" + digest.hex());
}

}  // namespace
}  // namespace agent::publish
