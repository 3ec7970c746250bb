// A store in a folder of its own, with puts and gets in one line.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/log.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/store/store.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::tests {

inline Result<store::Stored> put(store::Store& store, std::string_view key, std::string_view content) {
  AGENT_TRY(auto incoming, store.reserve(content.size(), key.size()));
  AGENT_CHECK(incoming.write(io::bytes_of(content)));
  return std::move(incoming).commit(key);
}

// The object's bytes; empty where it is absent. Fails the test on errors.
inline std::optional<std::string> get(store::Store& store, std::string_view key) {
  auto found = store.find(key);
  EXPECT_THAT(found, Succeeds());
  if (!found || !*found) {
    return std::nullopt;
  }
  auto bytes = io::read_slice((*found)->slice, std::uint64_t{1} << 30U, key);
  EXPECT_THAT(bytes, Succeeds());
  return bytes.value_or("");
}

// The same seed gives the same bytes.
inline std::string random_bytes(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed + 1);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) {
    byte = static_cast<char>(random() >> 8U);
  }
  return bytes;
}

class StoreTest : public testing::Test {
protected:
  StoreTest() { log::set_level(log::Level::error); }  // corruption is what many of these tests are about

  // Closes the store that was open before.
  store::Store& open() {
    store_.reset();
    auto opened = store::Store::open(options_, registry_);
    EXPECT_THAT(opened, Succeeds());
    store_ = std::move(opened).value();
    return *store_;
  }

  // As a killed process leaves it: nothing is sealed. The folder is copied, and the copy is what `open` opens
  // next.
  void crash() {
    const auto copy = folder_.path() / ("crashed" + std::to_string(++crashes_));
    std::filesystem::copy(options_.folder, copy);
    store_.reset();
    options_.folder = copy;
  }

  std::vector<std::filesystem::path> segments() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
      if (entry.path().extension() == ".seg") {
        found.push_back(entry.path());
      }
    }
    std::ranges::sort(found);
    return found;
  }

  TempFolder folder_;
  metrics::Registry registry_;
  // A small cap makes segments grow in small steps, so that copying a crashed store is cheap.
  store::StoreOptions options_{.folder = folder_.path() / "store",
                               .max_size_bytes = std::uint64_t{32} << 20U,
                               .durability = io::Durability::cached};
  std::unique_ptr<store::Store> store_;
  int crashes_ = 0;
};

}  // namespace agent::tests
