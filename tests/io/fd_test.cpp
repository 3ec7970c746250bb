#include "agent/io/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::io {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

Fd scratch_file(const tests::TempFolder& folder, const char* name, std::string_view content) {
  auto file = open_file(folder.path() / name, O_RDWR | O_CREAT | O_TRUNC);
  return file && write_all(file->get(), bytes_of(content), name) ? *std::move(file) : Fd();
}

std::string content_of(const tests::TempFolder& folder, const char* name) {
  return read_file(folder.path() / name, 1U << 24U).value_or("unreadable");
}

TEST(Fd, ClosesWhatItOwns) {
  int number = -1;
  {
    const Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = fd.get();
    ASSERT_TRUE(fd.valid());
    ASSERT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, MovesItsDescriptor) {
  Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Fd second(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int moved = first.get();
  const int replaced = second.get();

  second = std::move(first);

  EXPECT_EQ(second.get(), moved);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_FALSE(first.valid());  // NOLINT(*-use-after-move,*.Move): it is to be empty
}

TEST(Fd, LetsGoOfWhatIsReleased) {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd owner(fd.release());
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(is_open(owner.get()));
}

TEST(ReadExactAt, ReadsAtThePosition) {
  const tests::TempFolder folder;
  const auto file = scratch_file(folder, "f", "0123456789");
  std::string into(4, '\0');

  EXPECT_THAT(read_exact_at(file.get(), std::as_writable_bytes(std::span(into)), 3, "f"), Succeeds());
  EXPECT_EQ(into, "3456");
}

TEST(ReadExactAt, CallsAShortFileCorrupt) {
  const tests::TempFolder folder;
  const auto file = scratch_file(folder, "f", "0123456789");
  std::string into(4, '\0');

  const auto read = read_exact_at(file.get(), std::as_writable_bytes(std::span(into)), 8, "record 7");

  EXPECT_THAT(read, FailsWith(Errc::corrupt));
  EXPECT_THAT(read, FailsSaying("record 7"));
}

TEST(ReadExactAt, ReportsABadDescriptor) {
  std::string into(1, '\0');
  EXPECT_THAT(read_exact_at(-1, std::as_writable_bytes(std::span(into)), 0, "f"), FailsWith(Errc::io));
}

TEST(WriteAllAt, WritesAtThePosition) {
  const tests::TempFolder folder;
  const auto file = scratch_file(folder, "f", "0123456789");

  EXPECT_THAT(write_all_at(file.get(), bytes_of("AB"), 8, "f"), Succeeds());
  EXPECT_THAT(write_all_at(file.get(), bytes_of("CD"), 11, "f"), Succeeds());

  EXPECT_EQ(content_of(folder, "f"), std::string("01234567AB\0CD", 13));
}

TEST(WriteAllAt, CallsAFullDeviceFull) {
  const auto file = open_file("/dev/full", O_WRONLY);
  ASSERT_THAT(file, Succeeds());
  EXPECT_THAT(write_all(file->get(), bytes_of("x"), "f"), FailsWith(Errc::full));
}

TEST(WriteAll, WritesMoreThanAPipeHolds) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const std::string sent(1U << 20U, 'x');
  std::size_t received = 0;
  std::jthread thread([&] {
    std::array<char, 4096> buffer{};
    for (ssize_t count = 1; count > 0;) {
      count = ::read(reader.get(), buffer.data(), buffer.size());
      received += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
  });

  EXPECT_THAT(write_all(writer.get(), bytes_of(sent), "pipe"), Succeeds());
  writer.reset();
  thread.join();

  EXPECT_EQ(received, sent.size());
}

TEST(CopyRange, CopiesBetweenFilesAtAnyPosition) {
  const tests::TempFolder folder;
  std::string content;
  for (int i = 0; i < 300'000; ++i) {
    content += static_cast<char>('a' + (i % 26));
  }
  const auto from = scratch_file(folder, "from", content);
  const auto to = scratch_file(folder, "to", "....");

  const auto copied = copy_range(
      {.from = from.get(), .from_offset = 13, .to = to.get(), .to_offset = 2, .size = 250'000}, "test");

  ASSERT_THAT(copied, Succeeds());
  EXPECT_EQ(content_of(folder, "to"), ".." + content.substr(13, 250'000));
}

TEST(CopyRange, CopiesThroughMemoryWhereTheKernelCannot) {
  // A memory file is of another file system than the program: EXDEV on many kernels.
  const tests::TempFolder folder;
  const auto from = open_file("/proc/self/exe", O_RDONLY);
  ASSERT_THAT(from, Succeeds());
  const Fd memory(::memfd_create("copy", MFD_CLOEXEC));
  std::string expected(100'000, '\0');
  std::string copied(100'000, '\0');

  ASSERT_THAT(
      copy_range({.from = from->get(), .from_offset = 7, .to = memory.get(), .size = copied.size()}, "test"),
      Succeeds());

  ASSERT_THAT(read_exact_at(from->get(), std::as_writable_bytes(std::span(expected)), 7, "exe"), Succeeds());
  ASSERT_THAT(read_exact_at(memory.get(), std::as_writable_bytes(std::span(copied)), 0, "copy"), Succeeds());
  EXPECT_EQ(copied, expected);
}

TEST(CopyRange, CallsAShortSourceCorrupt) {
  const tests::TempFolder folder;
  const auto from = scratch_file(folder, "from", "0123456789");
  const auto to = scratch_file(folder, "to", "");

  EXPECT_THAT(copy_range({.from = from.get(), .to = to.get(), .size = 11}, "test"), FailsWith(Errc::corrupt));
}

TEST(BytesOf, IsUndoneByTextOf) {
  const std::string text("a\0\xFF", 3);
  EXPECT_EQ(text_of(bytes_of(text)), text);
}

}  // namespace
}  // namespace agent::io
