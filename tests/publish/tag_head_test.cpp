#include "agent/publish/tag_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

#include "agent/backends/forwarding_storage.hpp"
#include "tests/publish/tag_fixture.hpp"

namespace agent::publish {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

class TagHead : public TagFixture {
protected:
  const TagId id_ = tag_of("refs/heads/main");

  // Points the tag at an object with a manifest of these bytes, under the name it is given (format 1).
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

TEST_F(TagHead, ReadsAManifestFromWithinThePointer) {
  const Manifest manifest{.generation = 3};
  ASSERT_THAT(replace_head(*storage_, id_, {}, manifest), Succeeds());

  const auto head = read_head(*storage_, id_);

  ASSERT_THAT(head, Succeeds());
  EXPECT_EQ(head->generation, 3U);
  EXPECT_EQ(head->manifest, manifest);
  EXPECT_EQ(head->digest, io::sha256(io::bytes_of(*encode(manifest))));
  EXPECT_TRUE(storage_->list("manifests/")->empty());
}

TEST_F(TagHead, GivesALargeManifestAnObjectOfItsOwn) {
  Manifest manifest{.generation = 3};
  manifest.foreign = {{.type = 900, .payload = std::string(60'000, 'x')}};
  ASSERT_THAT(replace_head(*storage_, id_, {}, manifest), Succeeds());

  const auto head = read_head(*storage_, id_);

  ASSERT_THAT(head, Succeeds());
  EXPECT_EQ(head->manifest, manifest);
  EXPECT_EQ(storage_->list("manifests/")->size(), 1U);
}

TEST_F(TagHead, IsReplacedOnlyWhileItIsWhatWasExpected) {
  ASSERT_THAT(replace_head(*storage_, id_, {}, Manifest{.generation = 1}), Succeeds());
  const auto head = *read_head(*storage_, id_);
  ASSERT_THAT(replace_head(*storage_, id_, head, Manifest{.generation = 2}), Succeeds());

  EXPECT_THAT(replace_head(*storage_, id_, head, Manifest{.generation = 7}), FailsWith(Errc::conflict));
  EXPECT_THAT(replace_head(*storage_, id_, {}, Manifest{.generation = 7}), FailsWith(Errc::conflict));

  EXPECT_EQ(read_head(*storage_, id_)->generation, 2U);
}

TEST_F(TagHead, AnEmbeddedManifestThatIsNotItsDigestIsCorrupt) {
  auto pointer = pointer_to(id_, 3, *encode(Manifest{.generation = 3}));
  pointer.manifest = Digest{};
  const auto name = *pointer_name(id_);
  ASSERT_THAT(storage_->compare_and_swap(name, std::nullopt, encode(pointer)), Succeeds());

  const auto head = read_head(*storage_, id_);

  EXPECT_THAT(head, FailsWith(Errc::corrupt));
  EXPECT_THAT(head, FailsSaying(name));
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

// A storage that shows what was written beside the head, as GitHub's does.
class ShowingMore final : public backends::ForwardingStorage {
public:
  ShowingMore(backends::ObjectStorage& inner, std::string also)
      : ForwardingStorage(inner), also_(std::move(also)) {}

  Result<std::optional<backends::Versioned>> read(std::string_view name) override {
    AGENT_TRY(auto object, inner().read(name));
    if (object) {
      object->also = {also_};
    }
    return object;
  }

private:
  std::string also_;
};

Manifest manifest_with(std::uint64_t generation, std::initializer_list<std::string_view> packs) {
  Manifest manifest{.generation = generation};
  for (const auto pack : packs) {
    manifest.packs.push_back({.digest = io::sha256(io::bytes_of(pack)), .producer = "p"});
  }
  std::ranges::sort(manifest.packs, {}, &PackRecord::digest);
  return manifest;
}

TEST_F(TagHead, AddsThePacksOfAPointerThatWasPassedOver) {
  ASSERT_THAT(replace_head(*storage_, id_, {}, manifest_with(3, {"common", "theirs"})), Succeeds());
  ShowingMore storage(*storage_,
                      encode(pointer_to(id_, 2, *encode(manifest_with(2, {"common", "passed over"})))));

  const auto head = read_head(storage, id_);
  ASSERT_THAT(head, Succeeds());
  ASSERT_EQ(head->passed_over.size(), 1U);
  ASSERT_THAT(replace_head(storage, id_, *head, manifest_with(4, {"common", "theirs", "mine"})), Succeeds());

  const auto next = read_head(*storage_, id_);
  EXPECT_EQ(next->manifest, manifest_with(4, {"common", "theirs", "mine", "passed over"}));
}

TEST_F(TagHead, IsNotHeldUpByAPointerThatWasPassedOverAndCannotBeRead) {
  ASSERT_THAT(replace_head(*storage_, id_, {}, manifest_with(3, {"theirs"})), Succeeds());
  ShowingMore storage(*storage_, "{broken");

  const auto head = read_head(storage, id_);

  ASSERT_THAT(head, Succeeds());
  EXPECT_TRUE(head->passed_over.empty());
}

TEST_F(TagHead, RefusesATagThatIsNoName) {
  EXPECT_THAT(read_head(*storage_, {.repository = "o/n", .scope = "s", .tag = "../x"}),
              FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::publish
