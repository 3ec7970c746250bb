#include "agent/launcher/fallback.hpp"

#include <unistd.h>

#include <optional>

#include "agent/launcher/client.hpp"
#include "agent/launcher/record.hpp"
#include "agent/launcher/sys.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {
namespace {

constexpr int k_lock_tries = 40;
constexpr long k_lock_poll_ms = 5;

std::optional<LockedRecord> take_soon(const Config& config) {
  for (int attempt = 0; attempt < k_lock_tries; ++attempt) {
    long error = 0;
    if (auto record = LockedRecord::try_take(config, error)) {
      return record;
    }
    if (error != 0) {
      break;
    }
    sys::sleep(k_lock_poll_ms);
  }
  return std::nullopt;
}

void explain(Line& line, const Config& config, std::string_view reason) {
  line.add("sccache: warning: ");
  if (reason == "agent-unreachable") {
    line.add("the cache agent at ").add(config.agent).add(" does not answer");
  } else if (reason == "server-start-failed" || reason == "restarts-exhausted") {
    line.add("the sccache server cannot be started, see ").add(config.log);
  } else if (reason == "connection-lost") {
    line.add("the sccache server ended during a compilation");
  } else if (reason == "server-hung") {
    line.add("the sccache server does not answer");
  } else if (reason == "incremental") {
    line.add("incremental compilation cannot be cached, unset CARGO_INCREMENTAL");
  } else {
    line.add("the cache could not be used (").add(reason).add(")");
  }
  line.add("; compiling without it. Further cases in this job are counted, not printed.\n");
}

}  // namespace

void report_fallback(const Config& config, std::string_view reason) {
  note_event(config, "fallback", reason);
  auto record = take_soon(config);
  if (!record || (*record)->noticed != 0) {
    return;
  }
  (*record)->noticed = 1;
  record->save();
  Line line;
  explain(line, config, reason);
  write_all(STDERR_FILENO, line.view());
  note_event(config, "notice");
}

void remember_stop(const Config& config) {
  auto record = take_soon(config);
  if (record && (*record)->starts != 0) {
    (*record)->stopped = 1;
    record->save();
  }
  note_event(config, "stopped");
}

}  // namespace agent::launcher
