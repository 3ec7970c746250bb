// What an Incoming carries. Private to this module; used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/io/checksum.hpp"
#include "agent/store/pack_format.hpp"
#include "agent/store/store.hpp"
#include "agent/store/store_state.hpp"

namespace agent::store {

struct Incoming::State {
  State(std::shared_ptr<StoreState> its_store, Extent its_extent, RecordHeader its_header);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();  // gives the extent back, unless it was taken

  Result<void> append(std::span<const std::byte> bytes);
  Result<void> flush();

  std::shared_ptr<StoreState> store;
  Extent extent;
  RecordHeader header;
  std::uint64_t at;            // where the next bytes of the buffer go
  std::uint64_t received = 0;  // of the payload
  std::string buffer;          // header, payload, trailer on their way to the file
  io::Sha256 sha256;
  std::uint32_t crc32c = 0;
  bool failed = false;
};

}  // namespace agent::store
