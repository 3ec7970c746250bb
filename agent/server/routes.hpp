// Which handler answers which request, and which level of token it takes. A table; pure functions over
// values; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/server/call.hpp"

namespace agent::server {

struct Route {
  std::string_view method;
  std::string_view pattern;    // ":ns/:ws" is a workspace, ":name" one segment
  std::optional<Level> level;  // empty: nobody is asked who he is
  Handle handle;
  enum class Audit : std::uint8_t { refusals, everything } audit = Audit::refusals;
};

struct Match {
  const Route* route = nullptr;  // null: no such path, or not with this method
  bool is_path_known = false;    // it exists, with another method
  std::optional<Workspace> workspace;
  std::string name;
};

// `path` is percent-decoded and begins with "/v2/".
Match find_route(std::string_view method, std::string_view path);

}  // namespace agent::server
