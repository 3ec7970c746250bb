// A storage whose packs can only be read by range, as those behind a network are. Counts the reads, may spoil
// or refuse them, and may hold them up. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/backends/forwarding_storage.hpp"

namespace agent::tests {

class RangedStorage final : public backends::ForwardingStorage {
public:
  // `inner` outlives this.
  explicit RangedStorage(backends::ObjectStorage& inner) : ForwardingStorage(inner) {}

  // What becomes of the bytes of a pack on their way; set before threads read.
  using Fate = std::function<Result<std::optional<std::string>>(std::string bytes)>;
  void set_fate(Fate fate) { fate_ = std::move(fate); }
  void set_delay(std::chrono::milliseconds delay) { delay_ = delay; }

  int gets() const { return gets_; }

  std::string describe() const override { return "ranged+" + inner().describe(); }
  bool opens_in_place() const override { return false; }

  Result<std::optional<std::string>> get(std::string_view name, backends::Range range) override {
    ++gets_;
    std::this_thread::sleep_for(delay_);
    auto bytes = inner().get(name, range);
    return fate_ && bytes && *bytes ? fate_(**std::move(bytes)) : bytes;
  }

  Result<std::optional<io::FileSlice>> open_in_place(std::string_view /*name*/) override {
    return fail(Errc::unsupported, "only ranged reads here");
  }

private:
  Fate fate_;
  std::chrono::milliseconds delay_{0};
  std::atomic<int> gets_{0};
};

}  // namespace agent::tests
