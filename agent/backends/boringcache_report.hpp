// What a client tells a BoringCache server of its work (POST W/cache-rollups). Blocks on the network up to
// the client's time limits. Source: docs/protocols/boringcache.md.
#pragma once

#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::backends {

// Whether report_to_boringcache tells anybody.
bool keeps_reports(std::string_view url);

// `report` is {rollups, missed_keys, sessions}. Does nothing where keeps_reports(url) is false.
// Errors: those of parsing the URL, of finding a token, of the network; what the server's refusal means.
Result<void> report_to_boringcache(std::string_view url, const StorageServices& services,
                                   const io::Json& report);

}  // namespace agent::backends
