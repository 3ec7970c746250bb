#include "agent/publish/background_compaction.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/log.hpp"

namespace agent::publish {

namespace {

using std::chrono::steady_clock;

}  // namespace

BackgroundCompaction::BackgroundCompaction(CompactorOptions options, CompactorServices services,
                                           CompactionHost host)
    : host_(std::move(host)),
      compactor_(std::move(options),
                 {.storage = services.storage,
                  .clock = services.clock,
                  .packs = std::move(services.packs),
                  .go_on = [this] { return !stopping_.stop_requested() && host_.may_go_on(); }}),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void BackgroundCompaction::wake() {
  wanted_.change([](bool& wanted) { wanted = true; });
}

bool BackgroundCompaction::wait(const std::stop_token& stop, std::chrono::milliseconds time) {
  wanted_.wait_until(stop, steady_clock::now() + time, [](bool) { return false; });
  return !stop.stop_requested();
}

void BackgroundCompaction::run(const std::stop_token& stop) {
  constexpr std::chrono::hours k_long{1};
  stopping_ = stop;
  while (!stop.stop_requested()) {
    if (!wanted_.wait_until(stop, steady_clock::now() + k_long, [](bool wanted) { return wanted; }) ||
        !wait(stop, host_.delay)) {
      continue;
    }
    if (!host_.may_begin()) {
      continue;  // and ask again after the delay
    }
    wanted_.with([](bool& wanted) { wanted = false; });
    try {
      compact(stop);
      if (host_.relieve && !std::exchange(relieved_, true)) {
        host_.relieve();
      }
    } catch (const std::exception& problem) {  // the thread's last catch: the tag is as it was
      log::warn("publish: compaction failed error={}", problem.what());
    }
  }
}

// Steps of compaction, as long as there are any.
void BackgroundCompaction::compact(const std::stop_token& stop) {
  while (!stop.stop_requested() && host_.may_begin()) {
    const auto most = 2 * host_.new_bytes();
    const auto step = compactor_.run(most - std::min(most, uploaded_));
    if (!step) {
      log::info("publish: compaction put off error={}", step.error().message);
      return;
    }
    if (!step->anything()) {
      return;
    }
    uploaded_ += step->uploaded_bytes;
    host_.done(*step);
  }
}

}  // namespace agent::publish
