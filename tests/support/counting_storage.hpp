// Counts what a storage is asked and how many bytes go up and down; may have a pace of its own. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/backends/object_storage.hpp"

namespace agent::tests {

class CountingStorage final : public backends::ObjectStorage {
public:
  // `inner` outlives this.
  explicit CountingStorage(backends::ObjectStorage& inner, backends::Pace pace = {})
      : inner_(inner), pace_(pace) {}

  int calls() const { return calls_; }
  int uploads() const { return uploads_; }        // creations and swaps
  int pack_reads() const { return pack_reads_; }  // ranges, and files opened in place
  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }
  void forget() {
    calls_ = 0;
    uploads_ = 0;
    pack_reads_ = 0;
    sent_ = 0;
    received_ = 0;
  }

  backends::Pace pace() const override { return pace_; }
  bool opens_in_place() const override { return inner_.opens_in_place(); }
  std::string describe() const override { return inner_.describe(); }

  Result<backends::Put> put_if_absent(std::string_view name, const backends::Source& source) override {
    count_upload(std::visit([](const auto& bytes) { return size_of(bytes); }, source));
    return inner_.put_if_absent(name, source);
  }
  Result<std::optional<std::string>> get(std::string_view name, backends::Range range) override {
    ++calls_;
    ++pack_reads_;
    received_ += range.size;
    return inner_.get(name, range);
  }
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override {
    ++calls_;
    ++pack_reads_;
    return inner_.open_in_place(name);
  }
  Result<std::optional<backends::Versioned>> read(std::string_view name) override {
    ++calls_;
    auto object = inner_.read(name);
    received_ += object && *object ? (*object)->content.size() : 0;
    return object;
  }
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    count_upload(content.size());
    return inner_.compare_and_swap(name, expected, content);
  }
  Result<void> remove(std::string_view name) override {
    ++calls_;
    return inner_.remove(name);
  }
  Result<std::vector<backends::ObjectInfo>> list(std::string_view prefix) override {
    ++calls_;
    return inner_.list(prefix);
  }

private:
  static std::uint64_t size_of(std::string_view bytes) { return bytes.size(); }
  static std::uint64_t size_of(const io::FileSlice& slice) { return slice.size; }
  void count_upload(std::uint64_t bytes) {
    ++calls_;
    ++uploads_;
    sent_ += bytes;
  }

  backends::ObjectStorage& inner_;
  backends::Pace pace_;
  std::atomic<int> calls_{0};
  std::atomic<int> uploads_{0};
  std::atomic<int> pack_reads_{0};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> received_{0};
};

}  // namespace agent::tests
