// Who changed what, and who was refused: one JSON object per line, appended in one write, so that several
// servers may share the file. Thread-safe; blocks on the disk. A line that cannot be written is logged
// instead: the log never fails a request.
#pragma once

#include <string>
#include <string_view>

#include "agent/core/clock.hpp"
#include "agent/io/file.hpp"

namespace agent::server {

struct AuditEvent {
  std::string who;  // the token's id and name, never its text; empty: unknown
  std::string_view method;
  std::string_view path;
  int status = 0;
  std::string tags;  // that the body names; empty: none
};

class AuditLog final {
public:
  // Without a file events go to the process's own log, at level info.
  AuditLog(io::fs::path file, const Clock& clock) : file_(std::move(file)), clock_(clock) {}

  void note(const AuditEvent& event) const;

private:
  io::fs::path file_;
  const Clock& clock_;
};

}  // namespace agent::server
