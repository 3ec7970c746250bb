// An object storage that goes wrong when and how a test says. Thread-safe if the script is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/backends/object_storage.hpp"

namespace agent::tests {

enum class Operation : std::uint8_t { put, get, open, read, swap, remove, list };

// Nothing is done, and this is the answer.
struct Refuse {
  Error error;
};
// It is done, and then the answer is lost: this one arrives instead.
struct LoseAnswer {
  Error error;
};
// What is written or read ends after so many bytes.
struct Truncate {
  std::size_t bytes = 0;
};
using Fault = std::variant<Refuse, LoseAnswer, Truncate>;

class FaultyStorage final : public backends::ObjectStorage {
public:
  using Script = std::function<std::optional<Fault>(Operation operation, std::string_view name)>;

  // `inner` outlives this. Without a script nothing goes wrong.
  explicit FaultyStorage(backends::ObjectStorage& inner, Script script = {})
      : inner_(inner), script_(std::move(script)) {}

  void set_script(Script script) { script_ = std::move(script); }

  backends::Pace pace() const override { return inner_.pace(); }
  bool opens_in_place() const override { return inner_.opens_in_place(); }

  std::string describe() const override { return inner_.describe(); }

  Result<backends::Put> put_if_absent(std::string_view name, const backends::Source& source) override {
    const auto fault = fault_of(Operation::put, name);
    if (const auto* const cut = std::get_if<Truncate>(&fault)) {
      auto bytes =
          std::holds_alternative<std::string_view>(source)
              ? std::string(std::get<std::string_view>(source))
              : io::read_slice(std::get<io::FileSlice>(source), ~std::uint64_t{0}, name).value_or("");
      bytes.resize(std::min(bytes.size(), cut->bytes));
      return inner_.put_if_absent(name, std::string_view(bytes));
    }
    return answer<backends::Put>(fault, [&] { return inner_.put_if_absent(name, source); });
  }

  Result<std::optional<std::string>> get(std::string_view name, backends::Range range) override {
    return answer<std::optional<std::string>>(fault_of(Operation::get, name),
                                              [&] { return inner_.get(name, range); });
  }

  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override {
    const auto fault = fault_of(Operation::open, name);
    auto opened = answer<std::optional<io::FileSlice>>(fault, [&] { return inner_.open_in_place(name); });
    if (const auto* const cut = std::get_if<Truncate>(&fault); cut != nullptr && opened && *opened) {
      (*opened)->size = std::min<std::uint64_t>((*opened)->size, cut->bytes);
    }
    return opened;
  }

  Result<std::optional<backends::Versioned>> read(std::string_view name) override {
    const auto fault = fault_of(Operation::read, name);
    auto object = answer<std::optional<backends::Versioned>>(fault, [&] { return inner_.read(name); });
    if (const auto* const cut = std::get_if<Truncate>(&fault); cut != nullptr && object && *object) {
      (*object)->content.resize(std::min((*object)->content.size(), cut->bytes));
    }
    return object;
  }

  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    return answer<std::string>(fault_of(Operation::swap, name),
                               [&] { return inner_.compare_and_swap(name, expected, content); });
  }

  Result<void> remove(std::string_view name) override {
    return answer<void>(fault_of(Operation::remove, name), [&] { return inner_.remove(name); });
  }

  Result<std::vector<backends::ObjectInfo>> list(std::string_view prefix) override {
    return answer<std::vector<backends::ObjectInfo>>(fault_of(Operation::list, prefix),
                                                     [&] { return inner_.list(prefix); });
  }

private:
  using MaybeFault = std::variant<std::monostate, Refuse, LoseAnswer, Truncate>;

  MaybeFault fault_of(Operation operation, std::string_view name) const {
    const auto fault = script_ ? script_(operation, name) : std::nullopt;
    return fault ? std::visit([](const auto& kind) { return MaybeFault(kind); }, *fault) : MaybeFault();
  }

  template <typename T, typename Call>
  static Result<T> answer(const MaybeFault& fault, Call call) {
    if (const auto* const refused = std::get_if<Refuse>(&fault)) {
      return std::unexpected(refused->error);
    }
    auto done = call();
    if (const auto* const lost = std::get_if<LoseAnswer>(&fault)) {
      return std::unexpected(lost->error);
    }
    return done;
  }

  backends::ObjectStorage& inner_;
  Script script_;
};

inline Error timed_out() {
  return {.code = Errc::transient, .message = "timed out"};
}

inline Error rate_limited(std::chrono::milliseconds retry_after) {
  return {.code = Errc::transient, .message = "429 Too Many Requests", .retry_after = retry_after};
}

}  // namespace agent::tests
