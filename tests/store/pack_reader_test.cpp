#include "agent/store/pack_reader.hpp"

#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "agent/store/pack_writer.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;
using tests::Succeeds;

class PackReader : public testing::Test {
protected:
  void SetUp() override {
    const auto built =
        write_pack(path_, {{.key = "a", .object = tests::stored_object(folder_.path(), "first")},
                           {.key = "b", .object = tests::stored_object(folder_.path(), "second")}});
    ASSERT_THAT(built, Succeeds());
    built_ = *built;
    bytes_ = io::read_file(path_, 1 << 20).value_or("");
  }

  std::string footer() const { return bytes_.substr(built_.footer_offset, built_.footer_size); }

  // What reading the file gives when it holds `bytes`.
  Result<PackIndex> index_of(const std::string& bytes) const {
    AGENT_CHECK(io::write_file(path_, bytes));
    AGENT_TRY(const auto file, io::slice_of_file(path_.string()));
    return PackIndex::of_file(file);
  }

  tests::TempFolder folder_;
  io::fs::path path_ = folder_.path() / "pack";
  BuiltPack built_;
  std::string bytes_;
};

TEST_F(PackReader, ReadsAFooterThatWasFetchedAlone) {
  const auto index = PackIndex::of_footer(footer(), built_.footer_digest);

  ASSERT_THAT(index, Succeeds());
  std::vector<std::string> found;
  index->each([&](const PackEntry& entry) {
    found.push_back(std::string(entry.key) + "=" + bytes_.substr(entry.offset, entry.size));
  });
  EXPECT_EQ(found, (std::vector<std::string>{"a=first", "b=second"}));
}

TEST_F(PackReader, FindsAnEntryAgainByItsPosition) {
  const auto index = PackIndex::of_footer(footer(), built_.footer_digest);
  ASSERT_THAT(index, Succeeds());
  std::vector<std::uint32_t> positions;
  index->each([&](const PackEntry& entry) { positions.push_back(index->position_of(entry)); });

  ASSERT_EQ(positions.size(), 2U);
  EXPECT_EQ(index->key_at(positions[1]), "b");
  const auto entry = index->at(positions[1]);
  EXPECT_EQ(entry.key, "b");
  EXPECT_EQ(bytes_.substr(entry.offset, entry.size), "second");
}

TEST_F(PackReader, AFooterOfAnotherDigestIsCorrupt) {
  auto digest = built_.footer_digest;
  digest.bytes[0] ^= 1U;

  EXPECT_THAT(PackIndex::of_footer(footer(), digest), FailsWith(Errc::corrupt));
}

TEST_F(PackReader, ReadsAPackInsideALargerFile) {
  ASSERT_THAT(io::write_file(path_, "12345" + bytes_ + "67"), Succeeds());
  auto file = io::slice_of_file(path_.string()).value();
  file.offset = 5;
  file.size = bytes_.size();

  EXPECT_THAT(PackIndex::of_file(file), Succeeds());
}

TEST_F(PackReader, AChangedByteInFooterOrTailIsCorrupt) {
  for (auto i = built_.footer_offset; i < bytes_.size(); ++i) {
    auto bad = bytes_;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    EXPECT_THAT(index_of(bad), FailsWith(Errc::corrupt)) << i;
  }
}

TEST_F(PackReader, ACutPackIsCorrupt) {
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    EXPECT_THAT(index_of(bytes_.substr(0, size)), FailsWith(Errc::corrupt)) << size;
  }
}

TEST_F(PackReader, AManifestThatLiesAboutTheFooterIsCorrupt) {
  const auto file = io::slice_of_file(path_.string()).value();
  const Tail good{.footer_offset = built_.footer_offset,
                  .footer_size = built_.footer_size,
                  .footer_digest = built_.footer_digest};
  auto far = good;
  far.footer_offset = ~std::uint64_t{0};
  auto huge = good;
  huge.footer_size = std::uint64_t{1} << 40U;

  EXPECT_THAT(PackIndex::of_file(file, good), Succeeds());
  EXPECT_THAT(PackIndex::of_file(file, far), FailsWith(Errc::corrupt));
  EXPECT_THAT(PackIndex::of_file(file, huge), FailsWith(Errc::corrupt));
}

}  // namespace
}  // namespace agent::store
