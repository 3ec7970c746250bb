#include "agent/store/pack_writer.hpp"

#include <gtest/gtest.h>

#include "agent/store/pack_reader.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;
using tests::stored_object;
using tests::Succeeds;
using tests::TempFolder;

TEST(PackWriter, DescribesTheFileItWrote) {
  const TempFolder folder;
  const auto path = folder.path() / "pack";

  const auto pack = write_pack(path, {{.key = "b", .object = stored_object(folder.path(), "bbb")},
                                      {.key = "a", .object = stored_object(folder.path(), "aa")}});

  ASSERT_THAT(pack, Succeeds());
  EXPECT_EQ(pack->size_bytes, io::fs::file_size(path));
  EXPECT_EQ(pack->entries, 2U);
  EXPECT_EQ(pack->live_bytes, 5U);
  const auto index = PackIndex::of_file(io::slice_of_file(path.string()).value());
  ASSERT_THAT(index, Succeeds());
  EXPECT_EQ(index->id(), pack->id);
  EXPECT_EQ(index->footer_digest(), pack->footer_digest);
  EXPECT_EQ(index->footer_offset(), pack->footer_offset);
  EXPECT_EQ(index->footer_size(), pack->footer_size);
}

TEST(PackWriter, SameObjectsGetAnotherNameEachTime) {
  const TempFolder folder;
  const auto object = stored_object(folder.path(), "same");

  const auto first = write_pack(folder.path() / "1", {{.key = "k", .object = object}});
  const auto second = write_pack(folder.path() / "2", {{.key = "k", .object = object}});

  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(second, Succeeds());
  EXPECT_NE(first->id, second->id);
}

TEST(PackWriter, TheLastOfAKeyCounts) {
  const TempFolder folder;
  const auto path = folder.path() / "pack";
  const auto last = stored_object(folder.path(), "new");

  const auto pack = write_pack(path, {{.key = "k", .object = stored_object(folder.path(), "old")},
                                      {.key = "other", .object = stored_object(folder.path(), "x")},
                                      {.key = "k", .object = last}});

  ASSERT_THAT(pack, Succeeds());
  EXPECT_EQ(pack->entries, 2U);
  const auto index = PackIndex::of_file(io::slice_of_file(path.string()).value());
  ASSERT_THAT(index, Succeeds());
  index->each([&](const PackEntry& entry) {
    if (entry.key == "k") {
      EXPECT_EQ(entry.digest, last.digest);
    }
  });
}

TEST(PackWriter, RefusesNothingAndBadKeys) {
  const TempFolder folder;
  const auto object = stored_object(folder.path(), "x");

  EXPECT_THAT(write_pack(folder.path() / "p", {}), FailsWith(Errc::invalid));
  EXPECT_THAT(write_pack(folder.path() / "p", {{.key = "", .object = object}}), FailsWith(Errc::invalid));
  EXPECT_THAT(write_pack(folder.path() / "p", {{.key = std::string(1025, 'k'), .object = object}}),
              FailsWith(Errc::invalid));
  EXPECT_FALSE(io::fs::exists(folder.path() / "p"));
}

TEST(PackWriter, AnObjectThatEndsEarlyLeavesNoFile) {
  const TempFolder folder;
  auto object = stored_object(folder.path(), "short");
  object.slice.size = 50;

  EXPECT_THAT(write_pack(folder.path() / "p", {{.key = "k", .object = object}}), FailsWith(Errc::corrupt));
  EXPECT_FALSE(io::fs::exists(folder.path() / "p"));
}

TEST(PackWriter, NeverOverwritesAFile) {
  const TempFolder folder;
  const std::vector<PackItem> items{{.key = "k", .object = stored_object(folder.path(), "x")}};
  ASSERT_THAT(write_pack(folder.path() / "p", items), Succeeds());

  EXPECT_THAT(write_pack(folder.path() / "p", items), FailsWith(Errc::io));
  EXPECT_TRUE(io::fs::exists(folder.path() / "p"));
}

}  // namespace
}  // namespace agent::store
