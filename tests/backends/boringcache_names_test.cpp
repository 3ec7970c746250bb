#include "agent/backends/boringcache_names.hpp"

#include <gtest/gtest.h>

#include "agent/backends/object_name.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using agent::tests::FailsWith;

TEST(BoringcacheNames, GoThereAndBack) {
  for (const std::string name : {"packs/ab/0123", "tags/r/s/rust-1.95.0_x", "a..b", "...", "-", "a-", "a.",
                                 "a_s", "a__/_", "a.-.", "x/.y/-z"}) {
    const auto tag = tag_of_object(name);
    ASSERT_TRUE(tag.has_value()) << name;
    EXPECT_EQ(object_of_tag(*tag), name) << *tag;
    EXPECT_EQ(tag->find(".."), std::string::npos) << *tag;
    EXPECT_TRUE(tag->back() != '.' && tag->back() != '-') << *tag;
    EXPECT_EQ(tag->find('/'), std::string::npos) << *tag;
  }
}

TEST(BoringcacheNames, AreReadableInTheUsualCase) {
  EXPECT_EQ(tag_of_object("packs/ab/0123"), "hearth_packs_sab_s0123");
  EXPECT_EQ(tag_of_object("tags/r/s/rust-1.95.0"), "hearth_tags_sr_ss_srust-1.95.0");
}

TEST(BoringcacheNames, OfAPrefixBeginAllThatBeginWithIt) {
  const std::string name = "packs/a.-..b/c";
  for (std::size_t size = 0; size <= name.size(); ++size) {
    EXPECT_TRUE(tag_of_object(name)->starts_with(tag_prefix_of(name.substr(0, size)))) << size;
  }
}

TEST(BoringcacheNames, OfOthersAreNone) {
  EXPECT_EQ(object_of_tag("rust"), std::nullopt);
  EXPECT_EQ(object_of_tag("hearth_a_x"), std::nullopt);
  EXPECT_EQ(object_of_tag("hearth_a_"), std::nullopt);
}

TEST(BoringcacheNames, HaveRoomForEveryTag) {
  const auto longest =
      "tags/" + std::string(32, 'a') + "/" + std::string(32, 'b') + "/" + std::string(200, '_');

  EXPECT_TRUE(tag_of_object(longest).has_value());
  EXPECT_THAT(tag_of_object(std::string(400, '_')), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::backends
