// Signed URLs of entries, kept while they work: one look-up per entry, however many ranges of it are read by
// however many threads. Thread-safe; `get` blocks while another thread looks the same name up.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

class SignedUrls final {
public:
  explicit SignedUrls(const Clock& clock) : clock_(clock) {}

  using LookUp = std::function<Result<std::optional<std::string>>()>;

  // The kept URL, or what `look_up` finds; empty where there is no such entry, which is not remembered.
  Result<std::optional<std::string>> get(std::string_view name, const LookUp& look_up);

  // This URL does not work any more.
  void drop(std::string_view name, std::string_view url);
  void drop(std::string_view name);

private:
  struct Known {
    std::string url;  // empty: being looked up
    Steady since{};
  };

  const Clock& clock_;
  Guarded<std::map<std::string, Known, std::less<>>> known_;
};

}  // namespace agent::backends
