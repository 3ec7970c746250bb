#include "agent/app/ready_file.hpp"

#include <unistd.h>

#include "agent/io/file.hpp"
#include "agent/io/json.hpp"

namespace agent::app {

Result<void> write_ready_file(const Config& config, const std::string& endpoint,
                              const std::optional<sccache::DiskCache>& disk) {
  if (config.ready_file.empty()) {
    return {};
  }
  io::JsonObject ready{{"endpoint", endpoint}, {"pid", static_cast<std::int64_t>(::getpid())}};
  if (disk) {
    ready.emplace("sccache_cache_size", disk->size_bytes);
  }
  if (!config.control.empty()) {
    ready.emplace("control", config.control.string());
  }
  return io::write_file(config.ready_file, io::Json(std::move(ready)).dump() + "\n");
}

}  // namespace agent::app
