#include "agent/action/workflow_log.hpp"

#include <fmt/format.h>

#include "agent/core/text.hpp"
#include "agent/report/workflow_command.hpp"

namespace agent::action {

namespace {

constexpr std::string_view k_title = "Hearth";

// Cut to what the runner shows, not within a UTF-8 sequence.
std::string_view shortened(std::string_view text) {
  if (text.size() <= k_annotation_limit) {
    return text;
  }
  auto end = k_annotation_limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

// One line that cannot be a command: those start a line with "::" or hold "##[" anywhere.
std::string harmless(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    result += letter == '\n' || letter == '\r' ? ' ' : letter;
  }
  for (auto at = result.find("##["); at != std::string::npos; at = result.find("##[", at)) {
    result.insert(at + 2, " ");
  }
  return trimmed(result).starts_with("::") ? "| " + result : result;
}

}  // namespace

void WorkflowLog::command(std::string_view line) const {
  *out_ << fmt::format("{}\n", line) << std::flush;
}

void WorkflowLog::line(std::string_view text) const {
  command(harmless(text));
}

void WorkflowLog::quote(std::string_view text) const {
  for (const auto part : split(trimmed(text), '\n')) {
    command(fmt::format("| {}", harmless(trimmed(part))));
  }
}

void WorkflowLog::group(std::string_view title) const {
  command(fmt::format("::group::{}", report::escape_data(title)));
}

void WorkflowLog::end_group() const {
  command("::endgroup::");
}

void WorkflowLog::notice(std::string_view title, std::string_view text) const {
  command(report::annotation(report::Severity::notice, title, shortened(text)));
}

void WorkflowLog::warning(std::string_view text) const {
  command(report::annotation(report::Severity::warning, k_title, shortened(text)));
}

void WorkflowLog::error(std::string_view text) const {
  command(report::annotation(report::Severity::error, k_title, shortened(text)));
}

void WorkflowLog::mask(const Secret& secret) const {
  if (!secret.empty()) {
    command(fmt::format("::add-mask::{}", report::escape_data(secret.reveal())));
  }
}

}  // namespace agent::action
