// One question to a running agent over its control socket.
#pragma once

#include <chrono>
#include <string>

#include "agent/core/result.hpp"
#include "agent/net/http_client.hpp"
#include "agent/report/figures.hpp"

namespace agent::cli {

// The figures that it answers with. Errors: invalid without a socket's path; not_found, io where no agent is
// there; cancelled after `patience`.
Result<report::Figures> ask_agent(const std::string& control, const net::ClientRequest& request,
                                  std::chrono::milliseconds patience);

}  // namespace agent::cli
