#include "agent/io/mapping.hpp"

#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::io {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

class MappingTest : public testing::Test {
protected:
  FileSlice slice(std::string_view content, std::uint64_t offset, std::uint64_t size) {
    const auto path = folder_.path() / "file";
    EXPECT_THAT(write_file(path, content), Succeeds());
    auto made = slice_of_file(path.string());
    EXPECT_THAT(made, Succeeds());
    made->offset = offset;
    made->size = size;
    return *made;
  }

  agent::tests::TempFolder folder_;
};

TEST_F(MappingTest, ShowsAnExtentThatBeginsAnywhere) {
  const auto content = std::string(10'000, 'a') + "payload" + std::string(10'000, 'b');

  const auto mapping = Mapping::of(slice(content, 10'000, 7));

  ASSERT_THAT(mapping, Succeeds());
  EXPECT_EQ(mapping->view(), "payload");
}

TEST_F(MappingTest, OfNothingIsEmpty) {
  const auto mapping = Mapping::of(slice("abc", 3, 0));

  ASSERT_THAT(mapping, Succeeds());
  EXPECT_EQ(mapping->view(), "");
}

TEST_F(MappingTest, RefusesAnExtentBeyondTheFile) {
  EXPECT_THAT(Mapping::of(slice("abc", 0, 4)), FailsWith(Errc::corrupt));
  EXPECT_THAT(Mapping::of(slice("abc", 4, 1)), FailsWith(Errc::corrupt));
}

TEST_F(MappingTest, OutlivesItsFilesNameAndDescriptor) {
  auto from = slice("payload", 0, 7);
  const auto mapping = Mapping::of(from);
  ASSERT_THAT(mapping, Succeeds());
  std::filesystem::remove(folder_.path() / "file");
  from = {};

  EXPECT_EQ(mapping->view(), "payload");
}

}  // namespace
}  // namespace agent::io
