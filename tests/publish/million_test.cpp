// A tag of a million objects: what publishing a few more into it moves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/counting_storage.hpp"

namespace agent::publish {
namespace {

using tests::Succeeds;

constexpr std::string_view k_payload = "a record, as short as one can be: 64 bytes with all around it...";

class MillionObjects : public TagFixture {
protected:
  // The footer of a pack in which every object is the same few bytes. Keys are twelve digits, of which the
  // first six are for the pack's number.
  static std::string footer_of(std::uint32_t objects) {
    store::FooterBuilder builder;
    store::PackEntry entry{.key = {},
                           .offset = store::k_record_header_bytes,
                           .size = k_payload.size() - store::k_record_header_bytes,
                           .digest = io::sha256(io::bytes_of(k_payload.substr(store::k_record_header_bytes))),
                           .crc32c = 0};
    for (std::uint32_t i = 0; i < objects; ++i) {
      const auto key = fmt::format("{:012}", i);
      entry.key = key;
      EXPECT_THAT(builder.add(entry), Succeeds());
    }
    return *std::move(builder).finish(k_payload.size(), {});
  }

  PackRecord put_pack(std::string footer, std::uint32_t number, std::uint32_t objects) const {
    constexpr std::size_t k_entry_bytes = store::k_entry_fixed_bytes + 12;
    const auto digits = fmt::format("{:06}", number);
    for (std::uint32_t i = 0; i < objects; ++i) {
      footer.replace(store::k_footer_fixed_bytes + (i * k_entry_bytes) + store::k_entry_fixed_bytes, 6,
                     digits);
    }
    const PackRecord record{.digest = io::sha256(io::bytes_of(footer)),
                            .size_bytes = k_payload.size() + footer.size() + store::k_tail_bytes,
                            .footer_offset = k_payload.size(),
                            .footer_size = footer.size(),
                            .live_bytes = objects * (k_payload.size() - store::k_record_header_bytes),
                            .generation = 1,
                            .created_ms = 1,
                            .objects = objects,
                            .producer = "a test"};
    const auto tail = store::encode_tail(
        {.footer_offset = k_payload.size(), .footer_size = footer.size(), .footer_digest = record.digest});
    const auto pack = std::string(k_payload) + footer + std::string(io::text_of(tail));
    EXPECT_THAT(storage_->put_if_absent(pack_name(record.digest), std::string_view(pack)), Succeeds());
    return record;
  }

  void fill(std::uint32_t packs, std::uint32_t objects_each) const {
    const auto footer = footer_of(objects_each);
    Manifest manifest{.generation = 1};
    for (std::uint32_t i = 0; i < packs; ++i) {
      manifest.packs.push_back(put_pack(footer, i, objects_each));
    }
    std::ranges::sort(manifest.packs, {}, &PackRecord::digest);
    ASSERT_THAT(replace_head(*storage_, tag_of("refs/heads/main"), {}, manifest), Succeeds());
  }

  std::map<std::string, std::string> batch(int number) const {
    std::map<std::string, std::string> made;
    for (int i = 0; i < 100; ++i) {
      made.emplace(fmt::format("new/{}/{}", number, i), fmt::format("content {}", i));
    }
    return made;
  }
};

TEST_F(MillionObjects, TakeAHundredMoreForWellUnderAMegabyte) {
  constexpr std::uint32_t k_packs = 500;
  constexpr std::uint32_t k_objects = 1'000'000;
  fill(k_packs, k_objects / k_packs);
  tests::CountingStorage counted(*storage_);
  const auto mine = writer(counted);
  ASSERT_THAT(mine->publish(items(batch(0))), Succeeds());  // reads every footer, once
  counted.forget();

  ASSERT_THAT(mine->publish(items(batch(1))), Succeeds());

  fmt::print("{} bytes up, {} bytes down, {} calls\n", counted.sent(), counted.received(), counted.calls());
  EXPECT_LE(counted.sent() + counted.received(), 200'000U);
  EXPECT_LE(counted.calls(), 4);
  const auto head = read_head(*storage_, tag_of("refs/heads/main"));
  EXPECT_EQ(head->manifest.packs.size(), k_packs + 2);
}

TEST_F(MillionObjects, InFourTimesAsManyPacksStillDo) {
  constexpr std::uint32_t k_packs = 2000;
  fill(k_packs, 2);
  tests::CountingStorage counted(*storage_);
  const auto mine = writer(counted);
  ASSERT_THAT(mine->publish(items(batch(0))), Succeeds());
  counted.forget();

  ASSERT_THAT(mine->publish(items(batch(1))), Succeeds());

  EXPECT_LE(counted.sent() + counted.received(), 500'000U) << "a manifest of its own, twice";
  EXPECT_LE(counted.calls(), 6);
}

}  // namespace
}  // namespace agent::publish
