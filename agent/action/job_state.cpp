#include "agent/action/job_state.hpp"

#include <algorithm>

namespace agent::action {

namespace {

constexpr std::uint64_t k_max_bytes = std::uint64_t{256} * 1024;
constexpr std::int64_t k_schema = 1;

io::Json to_json(const AgentRecord& agent) {
  return io::JsonObject{{"container", agent.container}, {"network", agent.network},
                        {"endpoint", agent.endpoint},   {"tag", agent.tag},
                        {"backend", agent.backend},     {"mode", agent.mode},
                        {"cache_hit", agent.cache_hit}, {"without_docker", agent.without_docker},
                        {"begun_for", agent.begun_for}};
}

AgentRecord agent_from(const io::Json& json) {
  return {.container = json.text("container"),
          .without_docker = json["without_docker"].boolean().value_or(false),
          .network = json.text("network"),
          .endpoint = json.text("endpoint"),
          .tag = json.text("tag"),
          .backend = json.text("backend"),
          .mode = json.text("mode"),
          .cache_hit = json["cache_hit"].boolean().value_or(false),
          .begun_for = json.text("begun_for")};
}

}  // namespace

void JobState::add_user(std::string_view user) {
  if (std::ranges::find(users, user) == users.end()) {
    users.emplace_back(user);
  }
}

bool JobState::drop_user(std::string_view user) {
  std::erase(users, user);
  return users.empty();
}

io::Json to_json(const JobState& state) {
  io::JsonObject json{
      {"schema", k_schema},       {"job", state.job},
      {"tag", state.tag},         {"mode", state.mode},
      {"trouble", state.trouble}, {"users", io::JsonArray(state.users.begin(), state.users.end())}};
  if (state.agent) {
    json.emplace("agent", to_json(*state.agent));
  }
  return json;
}

Result<JobState> parse_job_state(std::string_view text) {
  AGENT_TRY(const auto json, io::parse_json(text, "the job's state", {.bytes = k_max_bytes}));
  if (json["schema"].integer() != k_schema) {
    return fail(Errc::corrupt, "the job's state is of another version");
  }
  JobState state{.job = json.text("job"),
                 .users = {},
                 .agent = {},
                 .tag = json.text("tag"),
                 .mode = json.text("mode"),
                 .trouble = json.text("trouble")};
  if (const auto* users = json["users"].array()) {
    for (const auto& user : *users) {
      if (const auto* name = user.string()) {
        state.add_user(*name);
      }
    }
  }
  if (json["agent"].is_object()) {
    state.agent = agent_from(json["agent"]);
  }
  return state;
}

Result<LockedJobState> LockedJobState::open(const io::fs::path& folder, std::string_view job,
                                            std::chrono::milliseconds wait) {
  AGENT_TRY(auto lock, io::lock_file(folder / "job.lock", wait));
  if (!lock) {
    return fail(Errc::cancelled, "another step of this job holds {} for too long",
                (folder / "job.lock").string());
  }
  auto file = folder / "job.json";
  JobState state{.job = std::string(job), .users = {}, .agent = {}, .tag = {}, .mode = {}, .trouble = {}};
  if (const auto text = io::read_file(file, k_max_bytes)) {
    if (auto known = parse_job_state(*text); known && known->job == job) {
      state = *std::move(known);
    }
  }
  return LockedJobState(*std::move(lock), std::move(file), std::move(state));
}

Result<void> LockedJobState::save() const {
  return io::write_file(file_, to_json(state_).dump(2) + "\n", {.mode = 0600});
}

}  // namespace agent::action
