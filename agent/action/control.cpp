#include "agent/action/control.hpp"

#include "agent/io/json.hpp"
#include "agent/net/http_client.hpp"

namespace agent::action {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t k_max_answer = std::uint64_t{4} << 20U;

Result<report::Figures> parse_figures(std::string_view text, std::string_view what) {
  const auto json = io::parse_json(text, what, {.bytes = k_max_answer});
  auto figures = json ? report::from_json(*json) : std::unexpected(json.error());
  if (!figures) {
    return fail(Errc::corrupt, "{}: {}", what, figures.error().message);
  }
  return figures;
}

Result<report::Figures> ask(const io::fs::path& socket, const net::ClientRequest& request,
                            milliseconds timeout) {
  AGENT_TRY(auto client, net::HttpClient::to_unix_socket(socket, {.connect_timeout = milliseconds(2000),
                                                                  .timeout = timeout,
                                                                  .max_answer_bytes = k_max_answer}));
  AGENT_TRY(const auto answer, client.send(request));
  if (answer.status != 200) {
    return fail(Errc::transient, "the agent answered {} to {} {}", answer.status, request.method,
                request.target);
  }
  return parse_figures(answer.body, "the agent's figures");
}

}  // namespace

Result<report::Figures> ask_status(const io::fs::path& control_socket, milliseconds timeout) {
  return ask(control_socket, {.method = "GET", .target = "/status", .headers = {}, .body = {}}, timeout);
}

Result<report::Figures> drain_agent(const io::fs::path& control_socket, std::chrono::seconds deadline) {
  constexpr std::chrono::seconds k_slack{20};  // to stop sccache's server, which the agent does first
  return ask(control_socket,
             {.method = "POST",
              .target = fmt::format("/drain?deadline={}s", deadline.count()),
              .headers = {},
              .body = {}},
             deadline + k_slack);
}

Result<report::Figures> read_record(const io::fs::path& record) {
  AGENT_TRY(const auto text, io::read_file(record, k_max_answer));
  return parse_figures(text, "the agent's last record");
}

Result<Ready> read_ready(const io::fs::path& ready_file) {
  AGENT_TRY(const auto text, io::read_file(ready_file, 4096));
  const auto json = io::parse_json(text, "the agent's ready file", {.bytes = 4096});
  Ready ready;
  ready.endpoint = json ? json->text("endpoint") : std::string{};
  if (!ready.endpoint.starts_with("http://")) {
    return fail(Errc::corrupt, "the agent's ready file names no endpoint");
  }
  ready.sccache_cache_size = (*json)["sccache_cache_size"].count();
  return ready;
}

}  // namespace agent::action
