#include "agent/server/audit_log.hpp"

#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::server {

void AuditLog::note(const AuditEvent& event) const {
  io::JsonObject line{{"time", utc_text(clock_.wall())},
                      {"who", event.who},
                      {"method", event.method},
                      {"path", event.path},
                      {"status", event.status}};
  if (!event.tags.empty()) {
    line["tags"] = event.tags;
  }
  const auto text = io::Json(std::move(line)).dump();
  if (file_.empty()) {
    log::info("audit: {}", text);
    return;
  }
  if (const auto written = io::append_file(file_, text + "\n"); !written) {
    log::error("audit: {}; {}", written.error().message, text);
  }
}

}  // namespace agent::server
