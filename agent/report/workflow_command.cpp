#include "agent/report/workflow_command.hpp"

namespace agent::report {

namespace {

std::string escaped(std::string_view text, std::string_view characters) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (!characters.contains(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += k_digits[byte >> 4U];
      out += k_digits[byte & 0xFU];
    }
  }
  return out;
}

std::string_view command_of(Severity severity) {
  switch (severity) {
    case Severity::notice:
      return "notice";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "error";
}

}  // namespace

std::string escape_data(std::string_view text) {
  return escaped(text, "%\r\n");
}

std::string escape_property(std::string_view text) {
  return escaped(text, "%\r\n:,");
}

std::string annotation(Severity severity, std::string_view title, std::string_view message) {
  std::string line = "::";
  line += command_of(severity);
  if (!title.empty()) {
    line += " title=" + escape_property(title);
  }
  return line + "::" + escape_data(message);
}

}  // namespace agent::report
