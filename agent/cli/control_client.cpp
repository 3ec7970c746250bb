#include "agent/cli/control_client.hpp"

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::cli {

Result<report::Figures> ask_agent(const std::string& control, const net::ClientRequest& request,
                                  std::chrono::milliseconds patience) {
  if (control.empty()) {
    return fail(Errc::invalid,
                "--control: give the agent's control socket (the --control it was started with)");
  }
  AGENT_TRY(auto client, net::HttpClient::to_unix_socket(control, {.timeout = patience}));
  AGENT_TRY(const auto answer, client.send(request));
  if (answer.status != 200) {
    return fail(Errc::io, "the agent answered {}: {}", answer.status, trimmed(answer.body));
  }
  AGENT_TRY(const auto json, io::parse_json(answer.body, "the agent's answer"));
  return report::from_json(json);
}

}  // namespace agent::cli
