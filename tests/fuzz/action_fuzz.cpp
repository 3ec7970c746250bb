// What the action reads from outside, Docker's answers, the job's state, inputs, is taken or refused, never
// believed beyond its bounds; a state that can be read can be written and is then read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <streambuf>
#include <string>
#include <string_view>

#include "agent/action/docker_types.hpp"
#include "agent/action/inputs.hpp"
#include "agent/action/job_state.hpp"
#include "agent/action/runner_environment.hpp"
#include "agent/action/workflow_log.hpp"

namespace {

// Whatever is logged or quoted stays one line and no command.
class LineCheck final : public std::streambuf {
protected:
  int overflow(int letter) override {
    if (letter == '\n') {
      at_ = At::start;
    } else if (letter == ':' && at_ == At::start) {
      at_ = At::colon;
    } else if (letter == ':' && at_ == At::colon) {
      std::abort();
    } else if (letter != ' ' || at_ != At::start) {
      at_ = At::text;
    }
    return letter;
  }

private:
  enum class At : std::uint8_t { start, colon, text } at_ = At::start;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent::action;
  const std::string text(reinterpret_cast<const char*>(data), size);

  [[maybe_unused]] const auto container = parse_container(text);
  [[maybe_unused]] const auto version = agreed_version(text);
  [[maybe_unused]] const auto arguments = parse_arguments({text});

  if (const auto state = parse_job_state(text)) {
    const auto written = to_json(*state).dump();
    const auto again = parse_job_state(written);
    if (!again || to_json(*again).dump() != written) {
      std::abort();
    }
  }
  for (const auto* name :
       {"INPUT_BACKEND", "INPUT_PRELOAD", "INPUT_MATRIX", "INPUT_MODE", "INPUT_MAX-SIZE"}) {
    if (const auto inputs = read_inputs({{name, text}});
        inputs && inputs->backend.url.starts_with("disk://")) {
      const auto folder = inputs->backend.disk_folder();
      if (!folder.starts_with('/') || folder.starts_with("..")) {
        std::abort();
      }
    }
  }
  LineCheck check;
  std::ostream out(&check);
  WorkflowLog(out).line(text);
  WorkflowLog(out).quote(text);
  return 0;
}
