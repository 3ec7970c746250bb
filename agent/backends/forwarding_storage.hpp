// A storage that asks another one for everything: the base of those that change a few calls of it. What it
// wraps outlives it. Thread-safe if the inner storage is.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"

namespace agent::backends {

class ForwardingStorage : public ObjectStorage {
public:
  explicit ForwardingStorage(ObjectStorage& inner) : inner_(inner) {}

  Pace pace() const override { return inner_.pace(); }
  bool opens_in_place() const override { return inner_.opens_in_place(); }
  std::string describe() const override { return inner_.describe(); }

  Result<Put> put_if_absent(std::string_view name, const Source& source) override {
    return inner_.put_if_absent(name, source);
  }
  Result<std::optional<std::string>> get(std::string_view name, Range range) override {
    return inner_.get(name, range);
  }
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override {
    return inner_.open_in_place(name);
  }
  Result<std::optional<Versioned>> read(std::string_view name) override { return inner_.read(name); }
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    return inner_.compare_and_swap(name, expected, content);
  }
  Result<void> remove(std::string_view name) override { return inner_.remove(name); }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override { return inner_.list(prefix); }
  Result<std::uint64_t> tidy(bool dry_run, const std::function<bool()>& go_on) override {
    return inner_.tidy(dry_run, go_on);
  }
  Result<std::optional<Usage>> usage() override { return inner_.usage(); }

protected:
  ObjectStorage& inner() { return inner_; }
  const ObjectStorage& inner() const { return inner_; }

private:
  ObjectStorage& inner_;
};

}  // namespace agent::backends
