#include "agent/publish/tag_head.hpp"

#include <gtest/gtest.h>

#include "tests/publish/tag_fixture.hpp"

namespace agent::publish {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

class TagHead : public TagFixture {
protected:
  const TagId id_ = tag_of("refs/heads/main");

  // Points the tag at a manifest of these bytes, under the name it is given.
  void point_at(std::string_view manifest, const Digest& name) {
    ASSERT_THAT(storage_->put_if_absent(manifest_name(name), manifest), Succeeds());
    const Pointer pointer{.id = id_, .generation = 3, .manifest = name};
    ASSERT_THAT(storage_->compare_and_swap(*pointer_name(id_), std::nullopt, encode(pointer)), Succeeds());
  }
};

TEST_F(TagHead, OfAMissingTagIsEmpty) {
  const auto head = read_head(*storage_, id_);

  ASSERT_THAT(head, Succeeds());
  EXPECT_EQ(head->version, std::nullopt);
  EXPECT_EQ(head->generation, 0U);
}

TEST_F(TagHead, ReadsPointerAndManifest) {
  const Manifest manifest{.generation = 3};
  point_at(*encode(manifest), io::sha256(io::bytes_of(*encode(manifest))));

  const auto head = read_head(*storage_, id_);

  ASSERT_THAT(head, Succeeds());
  EXPECT_EQ(head->generation, 3U);
  EXPECT_EQ(head->manifest, manifest);
}

TEST_F(TagHead, AManifestThatIsNotItsDigestIsCorrupt) {
  point_at(*encode(Manifest{.generation = 3}), Digest{});

  const auto head = read_head(*storage_, id_);

  EXPECT_THAT(head, FailsWith(Errc::corrupt));
  EXPECT_THAT(head, FailsSaying("manifests/00/"));
  EXPECT_THAT(head, FailsSaying(storage_->describe()));
}

TEST_F(TagHead, AManifestOfANewerVersionIsUnsupported) {
  auto bytes = *encode(Manifest{.generation = 3});
  bytes[8] = 9;
  point_at(bytes, io::sha256(io::bytes_of(bytes)));

  EXPECT_THAT(read_head(*storage_, id_), FailsWith(Errc::unsupported));
}

TEST_F(TagHead, RefusesATagThatIsNoName) {
  EXPECT_THAT(read_head(*storage_, {.repository = "o/n", .scope = "s", .tag = "../x"}),
              FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::publish
