// What is kept of a run for `hearth doctor`: figures, sccache's statistics, which keys were asked for, the
// environment as far as it matters, lines of sccache's log. One JSON file a run in a folder of the store,
// the last few runs kept, nothing secret in it. Written once, when the run has ended.
// docs/formats.md, "Record of a run". Values; the functions block on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "agent/cache/request_log.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/io/process.hpp"
#include "agent/report/activity.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/key_inputs.hpp"
#include "agent/sccache/server_log.hpp"
#include "agent/sccache/statistics.hpp"

namespace agent::app {

inline constexpr std::size_t k_max_record_bytes = std::size_t{16} << 20U;
inline constexpr std::size_t k_runs_kept = 20;
constexpr std::string_view k_runs_folder = "runs";  // in the store's folder

// What only the one who starts the command knows.
struct Surroundings {
  std::string folder;                           // where the command ran
  std::string command;                          // its program's name, and a digest of all of it
  io::Environment environment;                  // sccache::kept_variables of what the command got
  io::Environment removed;                      // the same of what was taken from it before
  std::map<std::string, std::string> programs;  // "rustc" -> what tells one from another
};

struct RunRecord {
  std::string id;               // sorts by time
  std::int64_t started_ms = 0;  // since 1970
  std::int64_t ended_ms = 0;
  report::Figures figures;
  report::Activity activity;  // empty in records of earlier versions
  std::optional<sccache::Statistics> statistics;
  Surroundings surroundings;
  cache::Requests requests;
  std::vector<sccache::LogLine> log;
  sccache::KeyInputs keys;  // where they were asked for
};

io::Json to_json(const RunRecord& record);

// Errors: invalid; unsupported (of a later version).
Result<RunRecord> parse_run_record(std::string_view text);

// Writes it into `folder` and removes what is beyond the last k_runs_kept. What would be larger than
// k_max_record_bytes is kept without the inputs of its compilations, and says so in the log. Errors: io,
// full, denied.
Result<void> keep_run(const io::fs::path& folder, const RunRecord& record);

// The files of records, the oldest first; `error` says where the folder could not be listed.
std::vector<io::fs::path> records_in(const io::fs::path& folder, std::error_code& error);

// One of them. Errors: those of parse_run_record and of reading.
Result<RunRecord> read_run(const io::fs::path& path);

// The runs that a folder has on record, the newest first. Each is read when it is asked for, because one of
// thousands of compilations takes a tenth of a second; what cannot be read is passed over. Used by one
// thread.
class RecordedRuns final {
public:
  explicit RecordedRuns(const io::fs::path& folder);

  // The next older one; empty after the oldest.
  std::optional<RunRecord> next();

private:
  std::vector<io::fs::path> paths_;  // that are left, the newest last
};

// What a caller answers who needs one: not_found, with the folder.
std::unexpected<Error> no_run_in(const io::fs::path& folder);

// All of them, at most so many: the newest last.
std::vector<RunRecord> read_runs(const io::fs::path& folder, std::size_t most);

// An id for a run that started then; unique among those of one machine.
std::string run_id(Wall started);

}  // namespace agent::app
