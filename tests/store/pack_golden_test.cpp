// Holds the program against tests/golden/pack-v1.bin, which an independent generator wrote from the grammar.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/io/checksum.hpp"
#include "agent/io/file.hpp"
#include "agent/store/pack_reader.hpp"
#include "agent/store/pack_writer.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::store {
namespace {

using tests::Succeeds;

io::fs::path golden_file() {
  const char* source = std::getenv("HEARTH_SOURCE_DIR");
  return io::fs::path(source != nullptr ? source : ".") / "tests/golden/pack-v1.bin";
}

struct Object {
  std::string key;
  std::string content;
};

// As OBJECTS in tests/golden/make_pack_v1.py.
std::vector<Object> golden_objects() {
  std::string all_bytes(256, '\0');
  std::ranges::generate(all_bytes, [next = 0]() mutable { return static_cast<char>(next++); });
  return {{"sccache/b", "second object\nsecond object\nsecond object\n"},
          {"sccache/a", ""},
          {std::string("z\0\xff", 3), all_bytes}};
}

TEST(PackGolden, WritesVersion1ByteForByte) {
  const tests::TempFolder folder;
  Nonce nonce{};
  std::ranges::generate(nonce, [next = std::uint8_t{0}]() mutable { return next++; });
  std::vector<PackItem> items;
  for (const auto& object : golden_objects()) {
    items.push_back({.key = object.key, .object = tests::stored_object(folder.path(), object.content)});
  }

  const auto pack = write_pack(folder.path() / "pack", std::move(items), {.nonce = nonce});

  ASSERT_THAT(pack, Succeeds());
  const auto expected = io::read_file(golden_file(), 4096);
  ASSERT_THAT(expected, Succeeds());
  EXPECT_EQ(io::read_file(folder.path() / "pack", 4096).value_or(""), *expected);
}

TEST(PackGolden, ReadsVersion1) {
  const auto file = io::slice_of_file(golden_file().string());
  ASSERT_THAT(file, Succeeds());

  const auto index = PackIndex::of_file(*file);

  ASSERT_THAT(index, Succeeds());
  EXPECT_EQ(index->id(), "573e20dd63791db7c2e96b87dbabc19c4985d7982f72c24fabf31be38bd14c8f");
  std::vector<std::pair<std::string, std::string>> found;
  index->each([&](const PackEntry& entry) {
    auto slice = *file;
    slice.offset = entry.offset;
    slice.size = entry.size;
    const auto content = io::read_slice(slice, 4096, "object").value_or("");
    EXPECT_EQ(entry.digest, io::sha256(io::bytes_of(content)));
    EXPECT_EQ(entry.crc32c, io::crc32c(io::bytes_of(content)));
    found.emplace_back(entry.key, content);
  });
  const auto objects = golden_objects();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], std::pair(objects[1].key, objects[1].content));
  EXPECT_EQ(found[1], std::pair(objects[0].key, objects[0].content));
  EXPECT_EQ(found[2], std::pair(objects[2].key, objects[2].content));
}

}  // namespace
}  // namespace agent::store
