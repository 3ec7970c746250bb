// Where a command listens, as typed: "127.0.0.1:7420", ":7420". Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "agent/core/result.hpp"

namespace agent::cli {

struct Listen {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0 picks one

  bool is_loopback() const { return address.starts_with("127.") || address == "localhost"; }
};

// Errors: invalid, naming --listen.
Result<Listen> parse_listen(const std::string& text);

}  // namespace agent::cli
