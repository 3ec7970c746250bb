#include "agent/action/workflow_log.hpp"

#include <fmt/format.h>

#include "agent/core/text.hpp"

namespace agent::action {

namespace {

std::string escaped(std::string_view text, bool property) {
  std::string result;
  result.reserve(text.size());
  for (const char letter : text) {
    switch (letter) {
      case '%':
        result += "%25";
        break;
      case '\r':
        result += "%0D";
        break;
      case '\n':
        result += "%0A";
        break;
      case ':':
        result += property ? "%3A" : ":";
        break;
      case ',':
        result += property ? "%2C" : ",";
        break;
      default:
        result += letter;
    }
  }
  return result;
}

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

std::string escaped_data(std::string_view text) {
  return escaped(text, false);
}

std::string escaped_property(std::string_view text) {
  return escaped(text, true);
}

void WorkflowLog::emit(std::string_view command) const {
  *out_ << fmt::format("{}\n", command) << std::flush;
}

void WorkflowLog::line(std::string_view text) const {
  emit(harmless(text));
}

void WorkflowLog::quote(std::string_view text) const {
  for (const auto part : split(trimmed(text), '\n')) {
    emit(fmt::format("| {}", harmless(trimmed(part))));
  }
}

void WorkflowLog::group(std::string_view title) const {
  emit(fmt::format("::group::{}", escaped_data(title)));
}

void WorkflowLog::end_group() const {
  emit("::endgroup::");
}

void WorkflowLog::annotate(std::string_view command, std::string_view title, std::string_view text) const {
  emit(fmt::format("::{} title={}::{}", command, escaped_property(title), escaped_data(shortened(text))));
}

void WorkflowLog::notice(std::string_view title, std::string_view text) const {
  annotate("notice", title, text);
}

void WorkflowLog::warning(std::string_view text) const {
  annotate("warning", "Hearth", text);
}

void WorkflowLog::error(std::string_view text) const {
  annotate("error", "Hearth", text);
}

void WorkflowLog::mask(const Secret& secret) const {
  if (!secret.empty()) {
    emit(fmt::format("::add-mask::{}", escaped_data(secret.reveal())));
  }
}

}  // namespace agent::action
