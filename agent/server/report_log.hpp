// The reports of all workspaces, by day of the server's clock. Each is an immutable object of its own, so any
// number of servers take them without waiting for each other; now and then those of a day are folded into
// one record by a compare-and-swap, which says what it holds until they are removed, so that nothing is
// counted twice or lost, whoever is killed when. Thread-safe; calls block on the storage. Errors: those of
// the storage, corrupt, unsupported.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/server/names.hpp"
#include "agent/server/reports.hpp"

namespace agent::server {

class ReportLog final {
public:
  ReportLog(backends::ObjectStorage& storage, const Clock& clock) : storage_(storage), clock_(clock) {}

  // Kept when it returns. Every sixteenth of a workspace folds its day.
  Result<void> add(const Workspace& workspace, const DayReport& report);

  // Somebody used a tag: notes it in memory, and writes down what is noted once a minute. A server that is
  // killed forgets a minute of this.
  void used(const Workspace& workspace, std::string_view tag, std::uint64_t restores);
  void write_uses();

  // From `first` to `last`, both included; days without reports are empty.
  Result<std::vector<DayReport>> days(const Workspace& workspace, Day first, Day last);

  // Brings the reports of a day into its record. Another server that does the same makes this one give way.
  Result<void> fold(const Workspace& workspace, Day day);

  // Folds what waits of other days than today and removes what is older than `oldest`; how many days went.
  Result<std::uint64_t> tidy(const Workspace& workspace, Day oldest);

private:
  struct Uses {
    std::map<std::pair<Workspace, std::string>, std::uint64_t> waiting;
    std::set<std::pair<Workspace, std::string>> known;  // written down for `day`
    Day day = 0;
    Steady written{};
  };
  struct Kept {
    DayReport report;
    std::optional<std::string> version;
  };

  Result<Kept> read(const Workspace& workspace, Day day);
  Result<void> add_waiting(const std::vector<std::string>& names, DayReport& into);

  backends::ObjectStorage& storage_;
  const Clock& clock_;
  Guarded<Uses> uses_;
  Guarded<std::map<Workspace, std::uint64_t>> added_;
};

}  // namespace agent::server
