// How many uploads a storage allows per minute (backends::Pace), over everything one agent creates or swaps
// there. A bucket of tokens over one minute: a token that is spent comes back a minute later, so that no
// minute sees more than the rate, a burst included. Thread-safe; never blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "agent/backends/forwarding_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"

namespace agent::publish {

class UploadBudget final {
public:
  // Who asks. A flush leaves enough for a drain that comes right behind it, and compaction enough for both. A
  // drain may use everything, so it is never refused by what came before it.
  enum class Use : std::uint8_t { drain, flush, compaction };

  // `per_minute` 0: any number. `clock` outlives this.
  UploadBudget(unsigned per_minute, const Clock& clock) : per_minute_(per_minute), clock_(clock) {}

  // The earliest moment at which there is enough for one publish; the past means now.
  Steady ready_at(Use use) const;
  bool ready(Use use) const { return ready_at(use) <= clock_.now(); }

  // Takes a token, which need not be there: what was begun is finished, and what comes next waits longer.
  void spend();

private:
  unsigned per_minute_;
  const Clock& clock_;
  Guarded<std::deque<Steady>> spent_;  // oldest first
};

// The same storage, with every creation and swap taken from the budget. Both outlive it.
class BudgetedStorage final : public backends::ForwardingStorage {
public:
  BudgetedStorage(backends::ObjectStorage& inner, UploadBudget& budget)
      : ForwardingStorage(inner), budget_(budget) {}

  Result<backends::Put> put_if_absent(std::string_view name, const backends::Source& source) override;
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override;

private:
  UploadBudget& budget_;
};

}  // namespace agent::publish
