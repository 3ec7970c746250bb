// GitHub's cache service in memory, one scope, with time turned by hand: for what takes reservations that
// never come, answers that are lost, and writers that stop half-way. The rules themselves are the emulator's
// (tests/github), which the real clients check. Used by one thread.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/backends/github_service.hpp"
#include "agent/core/clock.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::tests {

struct FakeEntry {
  std::string content;
  bool visible = false;
  std::uint64_t order = 0;  // newest last
};

// What several openings share.
struct FakeCacheState {
  std::map<std::string, FakeEntry, std::less<>> entries;
  std::uint64_t last_order = 0;
  std::map<std::string, unsigned, std::less<>> calls;

  unsigned total() const {
    unsigned sum = 0;
    for (const auto& [name, count] : calls) {
      sum += name == "upload" || name == "download" ? 0 : count;  // blobs are not the service's
    }
    return sum;
  }

  void reserve(std::string_view key) {
    entries[std::string(key)] = {.content = {}, .visible = false, .order = ++last_order};
  }
  void put(std::string_view key, std::string content) {
    entries[std::string(key)] = {.content = std::move(content), .visible = true, .order = ++last_order};
  }
};

class FakeActionsCache final : public backends::ActionsCache {
public:
  // Called before a call is carried out, with its name and key; an error is answered instead.
  using Before = std::function<std::optional<Error>(std::string_view call, std::string_view key)>;

  explicit FakeActionsCache(FakeCacheState& state) : state_(state) {}

  Before before;
  Before after;  // the same once it was carried out: the answer is lost

  Result<std::optional<backends::Reservation>> reserve(std::string_view key) override {
    return carried_out<std::optional<backends::Reservation>>("reserve", key, [&] {
      if (state_.entries.contains(key)) {
        return std::optional<backends::Reservation>{};
      }
      state_.reserve(key);
      return std::optional(backends::Reservation{.key = std::string(key), .upload_url = {}, .id = 0});
    });
  }

  Result<void> upload(const backends::Reservation& reservation, const backends::Source& source) override {
    return carried_out<void>("upload", reservation.key, [&] {
      state_.entries[reservation.key].content = std::string(std::get<std::string_view>(source));
    });
  }

  Result<void> finalise(const backends::Reservation& reservation, std::uint64_t /*size_bytes*/) override {
    return carried_out<void>("finalise", reservation.key,
                             [&] { state_.entries[reservation.key].visible = true; });
  }

  Result<std::optional<backends::FoundEntry>> find(std::string_view key,
                                                   std::string_view otherwise) override {
    return carried_out<std::optional<backends::FoundEntry>>("find", key, [&] {
      const auto exact = state_.entries.find(key);
      if (exact != state_.entries.end() && exact->second.visible) {
        return found(exact->first);
      }
      const auto* newest = newest_with(key);
      if (newest == nullptr && !otherwise.empty()) {
        newest = newest_with(otherwise);
      }
      return newest != nullptr ? found(*newest) : std::nullopt;
    });
  }

  Result<std::optional<backends::Piece>> download(const std::string& url, backends::Range range) override {
    return carried_out<std::optional<backends::Piece>>("download", url, [&] {
      const auto entry = state_.entries.find(url);
      if (entry == state_.entries.end() || !entry->second.visible) {
        return std::optional<backends::Piece>{};
      }
      const auto& content = entry->second.content;
      const auto from = std::min<std::uint64_t>(range.offset, content.size());
      return std::optional(
          backends::Piece{.bytes = content.substr(from, range.size), .total = content.size()});
    });
  }

private:
  static std::optional<backends::FoundEntry> found(const std::string& key) {
    return backends::FoundEntry{.key = key, .url = key};
  }

  const std::string* newest_with(std::string_view prefix) const {
    const std::string* newest = nullptr;
    std::uint64_t order = 0;
    for (const auto& [key, entry] : state_.entries) {
      if (entry.visible && key.starts_with(prefix) && entry.order > order) {
        newest = &key;
        order = entry.order;
      }
    }
    return newest;
  }

  template <typename T, typename Work>
  Result<T> carried_out(std::string_view call, std::string_view key, Work work) {
    ++state_.calls[std::string(call)];
    if (auto refused = before ? before(call, key) : std::nullopt) {
      return std::unexpected(*std::move(refused));
    }
    if constexpr (std::is_void_v<T>) {
      work();
      if (auto lost = after ? after(call, key) : std::nullopt) {
        return std::unexpected(*std::move(lost));
      }
      return {};
    } else {
      T answer = work();
      if (auto lost = after ? after(call, key) : std::nullopt) {
        return std::unexpected(*std::move(lost));
      }
      return answer;
    }
  }

  FakeCacheState& state_;
};

}  // namespace agent::tests
