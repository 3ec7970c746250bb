// When a pack was built that nothing refers to yet. A value; const methods are safe from any thread.
#pragma once

#include <chrono>

#include "agent/core/clock.hpp"

namespace agent::publish {

// A pack nobody refers to may be collected a day after it was written; well before that it is given up.
constexpr std::chrono::hours k_unreferenced_life{12};

// By both clocks: the steady one stands still while the machine sleeps, and the other one may be set.
class BuildTime final {
public:
  explicit BuildTime(const Clock& clock) : steady_(clock.now()), wall_(clock.wall()) {}

  // The pack may be gone, or soon. Where the wall clock was set this may come too early, which costs an
  // upload.
  bool is_too_long_ago(const Clock& clock) const {
    const auto by_wall = clock.wall() - wall_;
    const bool was_set_back = by_wall < Wall::duration::zero();  // then it does not say how long it was
    return clock.now() - steady_ > k_unreferenced_life || by_wall > k_unreferenced_life || was_set_back;
  }

private:
  Steady steady_;
  Wall wall_;
};

}  // namespace agent::publish
