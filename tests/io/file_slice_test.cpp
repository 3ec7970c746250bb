#include "agent/io/file_slice.hpp"

#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::io {
namespace {

using tests::FailsWith;
using tests::Succeeds;

class FileSliceTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_THAT(write_file(path_, "0123456789"), Succeeds()); }

  tests::TempFolder folder_;
  fs::path path_ = folder_.path() / "f";
};

TEST_F(FileSliceTest, ReadsItsExtentOnly) {
  auto slice = slice_of_file(path_.string()).value();
  slice.offset = 2;
  slice.size = 5;
  EXPECT_EQ(read_slice(slice, 5, "f"), "23456");
}

TEST_F(FileSliceTest, StaysReadableAfterTheFileIsGoneAndTheOriginalToo) {
  FileSlice copy;
  {
    const auto slice = slice_of_file(path_.string()).value();
    copy = slice;
  }
  fs::remove(path_);

  EXPECT_EQ(read_slice(copy, 100, "f"), "0123456789");
}

TEST_F(FileSliceTest, IsNotReadBeyondTheLimit) {
  const auto slice = slice_of_file(path_.string()).value();
  EXPECT_THAT(read_slice(slice, 9, "f"), FailsWith(Errc::invalid));
}

TEST_F(FileSliceTest, OfATruncatedFileIsCorrupt) {
  const auto slice = slice_of_file(path_.string()).value();
  fs::resize_file(path_, 4);
  EXPECT_THAT(read_slice(slice, 100, "f"), FailsWith(Errc::corrupt));
}

TEST_F(FileSliceTest, OfAMissingFileDoesNotExist) {
  EXPECT_THAT(slice_of_file((folder_.path() / "none").string()), FailsWith(Errc::not_found));
}

TEST_F(FileSliceTest, MayBeOfMemory) {
  const std::string bytes("a\0b", 3);
  const auto slice = slice_in_memory(bytes);
  ASSERT_THAT(slice, Succeeds());
  EXPECT_EQ(read_slice(*slice, 100, "memory"), bytes);
  EXPECT_EQ(slice_in_memory("")->size, 0U);
}

TEST_F(FileSliceTest, MayBeEmpty) {
  EXPECT_EQ(read_slice(FileSlice{}, 0, "nothing"), "");
}

}  // namespace
}  // namespace agent::io
