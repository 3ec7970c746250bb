#include "agent/publish/relief.hpp"

#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/publish/retention.hpp"

namespace agent::publish {

void relieve_storage(backends::ObjectStorage& storage, const Clock& clock, metrics::Registry& registry,
                     const std::function<bool()>& go_on) {
  constexpr std::uint64_t k_full_percent = 80;
  const auto usage = storage.usage();
  if (!usage) {
    log::info("publish: how full the storage is cannot be told error={}", usage.error().message);
    return;
  }
  if (!*usage || (*usage)->bytes < (*usage)->limit_bytes / 100 * k_full_percent) {
    return;
  }
  log::info("publish: {} is nearly full, making room used={} limit={}", storage.describe(),
            human_size((*usage)->bytes), human_size((*usage)->limit_bytes));
  const auto figures = collect_garbage(storage, clock, {.go_on = go_on});
  if (!figures) {
    log::info("publish: no room was made error={}", figures.error().message);
    return;
  }
  registry.counter("hearth_relieved_objects_total", "Objects that were removed from a storage nearly full.")
      .add(figures->removed_objects + figures->removed_generations);
  registry.counter("hearth_relieved_bytes_total", "Bytes that were removed from a storage nearly full.")
      .add(figures->removed_bytes);
}

}  // namespace agent::publish
