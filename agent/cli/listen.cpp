#include "agent/cli/listen.hpp"

#include "agent/core/text.hpp"

namespace agent::cli {

Result<Listen> parse_listen(const std::string& text) {
  const auto at = text.rfind(':');
  if (at == std::string::npos) {
    return fail(Errc::invalid, "--listen: '{}' is not ADDRESS:PORT, for instance 127.0.0.1:7420", text);
  }
  AGENT_TRY(const auto port, parse_number(text.substr(at + 1), "--listen"));
  if (port > UINT16_MAX) {
    return fail(Errc::invalid, "--listen: port {} is over 65535", port);
  }
  Listen listen;
  listen.port = static_cast<std::uint16_t>(port);
  if (at > 0) {
    listen.address = text.substr(0, at);
  }
  return listen;
}

}  // namespace agent::cli
