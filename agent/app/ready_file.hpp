// The file that says where an agent answers, written once it is ready: `hearth agent --ready-file`.
#pragma once

#include <optional>
#include <string>

#include "agent/app/config.hpp"
#include "agent/core/result.hpp"
#include "agent/sccache/install.hpp"

namespace agent::app {

// By rename: whoever sees it can connect. Nothing where no file is configured. Errors: io, full, denied.
Result<void> write_ready_file(const Config& config, const std::string& endpoint,
                              const std::optional<sccache::DiskCache>& disk);

}  // namespace agent::app
