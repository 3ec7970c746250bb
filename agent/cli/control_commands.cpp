// status, flush and drain: a running agent, spoken to over its control socket.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/control_client.hpp"
#include "agent/core/text.hpp"
#include "agent/report/text.hpp"

namespace agent::cli {

namespace {

struct Options {
  std::string control;
  std::string deadline = "60s";
  bool json = false;
};

Result<report::Figures> ask(const Options& options, const net::ClientRequest& request) {
  AGENT_TRY(const auto deadline, parse_duration(options.deadline, "--deadline"));
  return ask_agent(options.control, request, deadline + std::chrono::seconds(30));
}

int run_control(const Options& options, const net::ClientRequest& request) {
  const auto figures = ask(options, request);
  if (!figures) {
    return report_error(figures.error());
  }
  if (options.json) {
    fmt::print("{}\n", report::to_json(*figures).dump(2));
  } else {
    fmt::print("{}", report::text(*figures));
  }
  return k_ok;
}

Command add_control(CLI::App& program, const char* name, const char* help, const char* method) {
  auto* const command = program.add_subcommand(name, help);
  const auto options = std::make_shared<Options>();
  command->add_option("--control", options->control, "the agent's control socket");
  command->add_flag("--json", options->json, "the figures as JSON");
  const std::string target = std::string("/") + name;
  if (std::string_view(method) == "POST") {
    command->add_option("--deadline", options->deadline, "how long publishing may take")
        ->capture_default_str();
  }
  command->footer(fmt::format("Example:\n  hearth {} --control /tmp/hearth.sock", name));
  return {command, [options, target, method] {
            net::ClientRequest request{.method = method, .target = target};
            if (request.method == "POST") {
              request.target += "?deadline=" + options->deadline;
            }
            return run_control(*options, request);
          }};
}

}  // namespace

Command add_status(CLI::App& program) {
  return add_control(program, "status", "the figures of a running agent", "GET");
}

Command add_flush(CLI::App& program) {
  return add_control(program, "flush", "publish what is pending now", "POST");
}

Command add_drain(CLI::App& program) {
  return add_control(program, "drain", "publish what is pending and end the agent", "POST");
}

}  // namespace agent::cli
