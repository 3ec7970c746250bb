// The step's log and the runner's log commands (`::warning title=…::text`). Used by one thread.
// Source: actions/runner, src/Runner.Common/ActionCommand.cs (escapes), ExecutionContext.cs (limits); read
// 2026-11.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "agent/core/secret.hpp"

namespace agent::action {

constexpr std::size_t k_annotation_limit = 4096;  // characters; the runner cuts what is longer

class WorkflowLog final {
public:
  explicit WorkflowLog(std::ostream& out) : out_(&out) {}

  // One line of plain text; it is never taken for a command.
  void line(std::string_view text) const;

  // Text of others, each line marked, so that no line of it can be a command.
  void quote(std::string_view text) const;

  void group(std::string_view title) const;
  void end_group() const;

  // Annotations on the run's page.
  void notice(std::string_view title, std::string_view text) const;
  void warning(std::string_view text) const;
  void error(std::string_view text) const;

  // From now on the runner shows *** instead.
  void mask(const Secret& secret) const;

  // A whole command, already escaped (agent/report/notices.hpp).
  void command(std::string_view line) const;

private:
  std::ostream* out_;
};

}  // namespace agent::action
