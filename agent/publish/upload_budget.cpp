#include "agent/publish/upload_budget.hpp"

#include <algorithm>

namespace agent::publish {

namespace {

constexpr std::chrono::minutes k_minute{1};
constexpr std::size_t k_uploads_per_publish = 2;  // the pack and the pointer

// Tokens that must be there for this use; those beyond one publish are left for others.
std::size_t wanted(UploadBudget::Use use) {
  switch (use) {
    case UploadBudget::Use::drain:
      return k_uploads_per_publish;
    case UploadBudget::Use::flush:
      return 2 * k_uploads_per_publish;
    case UploadBudget::Use::compaction:
      return 3 * k_uploads_per_publish;
  }
  return k_uploads_per_publish;
}

}  // namespace

Steady UploadBudget::ready_at(Use use) const {
  const std::size_t rate = per_minute_;
  if (rate == 0) {
    return Steady{};
  }
  const auto spent_allowed = rate - std::min(rate, wanted(use));
  return spent_.with([&](const std::deque<Steady>& spent) {
    return spent.size() <= spent_allowed ? Steady{} : spent[spent.size() - 1 - spent_allowed] + k_minute;
  });
}

void UploadBudget::spend() {
  if (per_minute_ == 0) {
    return;
  }
  const auto now = clock_.now();
  spent_.with([&](std::deque<Steady>& spent) {
    while (!spent.empty() && spent.front() + k_minute <= now) {
      spent.pop_front();
    }
    spent.push_back(now);
  });
}

Result<backends::Put> BudgetedStorage::put_if_absent(std::string_view name, const backends::Source& source) {
  budget_.spend();
  return inner().put_if_absent(name, source);
}

Result<std::string> BudgetedStorage::compare_and_swap(std::string_view name,
                                                      const std::optional<std::string>& expected,
                                                      std::string_view content) {
  budget_.spend();
  return inner().compare_and_swap(name, expected, content);
}

}  // namespace agent::publish
