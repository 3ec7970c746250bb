#include "agent/app/ccache.hpp"

#include "agent/core/log.hpp"

namespace agent::app {

Ccache::Ccache(FolderServices services)
    : services_(services), folder_(services, folders::ccache_folder(), services.config.ccache_dir) {}

void Ccache::begin() {
  const auto& config = services_.config;
  if (config.ccache_dir.empty() || config.mode == publish::Mode::off) {
    return;
  }
  if (config.leftover == Config::Leftover::removed) {
    folder_.forget();
  }
  auto done = folder_.fill();
  if (done) {
    done = folders::configure_ccache(config.ccache_dir, folder_.budget_bytes());
  }
  active_ = done.has_value();
  if (!done) {
    log::warn("ccache: its folder could not be filled error={}", done.error().message);
    services_.status.observe([&](Observed& observed) {
      observed.notes.push_back("ccache's folder could not be filled: " + done.error().message);
    });
  }
}

void Ccache::count() const {
  const auto counts = folders::count_ccache(services_.config.ccache_dir);
  services_.status.observe([&](Observed& observed) { observed.ccache = counts; });
}

std::uint64_t Ccache::collect() {
  if (!active_) {
    return 0;
  }
  count();
  return folder_.collect();
}

void Ccache::finish() {
  if (active_) {
    count();
    folder_.finish();
  }
}

}  // namespace agent::app
