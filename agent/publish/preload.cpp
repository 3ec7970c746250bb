#include "agent/publish/preload.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/log.hpp"

namespace agent::publish {

namespace {

using std::chrono::steady_clock;

constexpr auto k_never = std::chrono::hours(24 * 365);

}  // namespace

Preloader::Preloader(backends::ObjectStorage& storage, std::vector<PreloadPart> parts, PreloadOptions options,
                     metrics::Registry& registry)
    : storage_(storage),
      parts_(std::move(parts)),
      options_(options),
      bytes_(registry.counter("hearth_preload_bytes_total",
                              "Bytes of packs fetched before anybody asked for them.")),
      failed_(registry.counter("hearth_preload_parts_failed_total",
                               "Parts of packs that preloading gave up; their objects come on demand.")) {
  const auto streams = parts_.empty() ? 0 : std::max(1U, options_.streams);
  state_.with([&](State& state) {
    state.working = streams;
    state.figures.done = streams == 0;
  });
  for (unsigned i = 0; i < streams; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

Preloader::~Preloader() {
  for (auto& thread : threads_) {
    thread.request_stop();
  }
}

Preloader::Part Preloader::take(State& state) {
  while (state.next < parts_.size() && state.claimed < options_.budget_bytes) {
    const auto most = std::min(options_.part_bytes, options_.budget_bytes - state.claimed);
    const auto& [copy, within] = parts_[state.next];
    if (auto range = copy->claim(within, most)) {
      state.claimed += range->size;
      return {.copy = copy, .range = *range, .number = state.next};
    }
    ++state.next;
  }
  return {};
}

void Preloader::work(const std::stop_token& stop) {
  while (true) {
    Part part;
    const bool allowed = state_.wait_until(stop, steady_clock::now() + k_never,
                                           [](const State& s) { return s.active < s.limit; });
    if (stop.stop_requested()) {
      break;
    }
    bool mine = false;
    state_.with([&](State& state) {
      if (allowed && state.active < state.limit) {
        part = take(state);
        mine = true;
        state.active += part.copy != nullptr ? 1U : 0U;
      }
    });
    if (!mine) {
      continue;
    }
    if (part.copy == nullptr) {
      break;
    }
    if (!fetch(stop, part)) {
      give_up(part);
    }
    state_.change([](State& state) { --state.active; });
  }
  state_.change([](State& state) { state.figures.done = --state.working == 0; });
}

// A failed fill gives its chunks back, so each further attempt takes them again; somebody who needs one of
// them meanwhile may be faster.
bool Preloader::fetch(const std::stop_token& stop, const Part& part) {
  auto filled = part.copy->fill(storage_, part.range);
  for (unsigned attempt = 1; !filled; ++attempt) {
    const auto& error = filled.error();
    state_.with([](State& state) { state.limit = std::max(1U, state.limit / 2); });
    if (error.code != Errc::transient || attempt >= options_.attempts) {
      log::warn("publish: preloading gave up a part pack={} offset={} size={} error={}", part.copy->name(),
                part.range.offset, part.range.size, error.message);
      return false;
    }
    const auto pause = error.retry_after.value_or(attempt * options_.pause);
    state_.wait_until(stop, steady_clock::now() + pause, [](const State&) { return false; });
    if (stop.stop_requested()) {
      return false;
    }
    filled = part.copy->ensure(storage_, part.range);
  }
  bytes_.add(part.range.size);
  state_.change([&](State& state) {
    state.figures.bytes += part.range.size;
    state.limit = std::min(options_.streams, state.limit + 1);
  });
  return true;
}

void Preloader::give_up(const Part& part) {
  failed_.add();
  state_.with([&](State& state) {
    ++state.figures.failed_parts;
    // The next claim within this part would be the same again.
    state.next = std::max(state.next, part.number + 1);
  });
}

bool Preloader::wait(steady_clock::time_point deadline) {
  return state_.wait_until({}, deadline, [](const State& state) { return state.figures.done; });
}

PreloadFigures Preloader::figures() const {
  return state_.with([](const State& state) { return state.figures; });
}

}  // namespace agent::publish
