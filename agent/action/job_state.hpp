// What the uses of the action in one job know together: which steps use the agent, and the agent they use. A
// file in the shared folder, changed only under its lock; the lock belongs to this process. Errors: io,
// denied; corrupt for a file that is not ours (it is then as good as none).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"

namespace agent::action {

// The detached container and what its agent serves.
struct AgentRecord {
  std::string container;        // its name, decided before it is created, so that post finds it in any case
  bool without_docker = false;  // there is none: post publishes by itself (agent/action/without_docker.hpp)
  std::string network;          // the job's, to be left in post; empty: the host's
  std::string endpoint;         // as the steps reach it
  std::string tag;
  std::string backend;
  std::string mode;
  bool cache_hit = false;
  std::string begun_for;  // pre began it for these facts, and no main has joined it yet; empty: one has
  bool operator==(const AgentRecord&) const = default;
};

struct JobState {
  std::string job;                 // RunnerEnvironment::job_identity
  std::vector<std::string> users;  // one per step whose post has not run
  std::optional<AgentRecord> agent;
  std::string tag;      // what main planned, for the summary of a job without an agent
  std::string mode;     // likewise
  std::string trouble;  // why there is no agent

  void add_user(std::string_view user);
  // True if nobody is left.
  bool drop_user(std::string_view user);
};

io::Json to_json(const JobState& state);
Result<JobState> parse_job_state(std::string_view text);

// The state under its lock, held until destruction.
class LockedJobState final {
public:
  // `folder` must exist. A state that another job left, or that does not parse, reads as a new one.
  // Errors also: cancelled (somebody held the lock all the time).
  static Result<LockedJobState> open(const io::fs::path& folder, std::string_view job,
                                     std::chrono::milliseconds wait);

  JobState& operator*() { return state_; }
  JobState* operator->() { return &state_; }
  Result<void> save() const;

private:
  LockedJobState(io::Fd lock, io::fs::path file, JobState state)
      : lock_(std::move(lock)), file_(std::move(file)), state_(std::move(state)) {}

  io::Fd lock_;
  io::fs::path file_;
  JobState state_;
};

}  // namespace agent::action
