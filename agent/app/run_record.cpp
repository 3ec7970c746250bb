#include "agent/app/run_record.hpp"

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "agent/core/digest.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"

namespace agent::app {

namespace {

constexpr int k_schema = 1;
constexpr std::string_view k_suffix = ".json";
constexpr std::size_t k_most_topics = 7;

std::string packed(const std::vector<std::uint64_t>& keys) {
  std::string text;
  text.reserve(keys.size() * k_number_digits);
  for (const auto key : keys) {
    text += fmt::format("{:016x}", key);
  }
  return text;
}

Result<std::vector<std::uint64_t>> unpacked(std::string_view text) {
  if (text.size() % k_number_digits != 0) {
    return fail(Errc::invalid, "record of a run: a list of keys is cut short");
  }
  std::vector<std::uint64_t> keys;
  keys.reserve(text.size() / k_number_digits);
  for (; !text.empty(); text.remove_prefix(k_number_digits)) {
    const auto key = number_of_hex(text.substr(0, k_number_digits));
    if (!key) {
      return fail(Errc::invalid, "record of a run: a key is not hexadecimal");
    }
    keys.push_back(*key);
  }
  std::ranges::sort(keys);
  return keys;
}

io::Json variables_json(const io::Environment& environment) {
  io::JsonObject object;
  for (const auto& [name, value] : environment) {
    object.insert_or_assign(name, value);
  }
  return object;
}

template <typename Add>
void each_text(const io::Json& object, Add add) {
  if (const auto* members = object.object()) {
    for (const auto& [name, value] : *members) {
      if (const auto* text = value.string()) {
        add(name, *text);
      }
    }
  }
}

io::Json log_json(const std::vector<sccache::LogLine>& log) {
  io::JsonArray lines;
  for (const auto& line : log) {
    lines.emplace_back(io::JsonObject{
        {"topic", static_cast<int>(line.topic)}, {"status", line.status}, {"text", line.text}});
  }
  return lines;
}

std::vector<sccache::LogLine> log_from(const io::Json& json) {
  std::vector<sccache::LogLine> log;
  if (const auto* lines = json.array()) {
    for (const auto& line : *lines) {
      const auto topic = line["topic"].count().value_or(k_most_topics);
      if (topic < k_most_topics) {
        log.push_back({.topic = static_cast<sccache::LogTopic>(topic),
                       .status = static_cast<int>(line["status"].count().value_or(0) % 1000),
                       .text = line.text("text")});
      }
    }
  }
  return log;
}

io::Json files_json(const std::vector<sccache::InputFile>& files) {
  io::JsonArray list;
  for (const auto& file : files) {
    list.emplace_back(io::JsonArray{file.path, fmt::format("{:016x}", file.digest)});
  }
  return list;
}

Result<std::vector<sccache::InputFile>> files_from(const io::Json& json) {
  std::vector<sccache::InputFile> files;
  const auto* list = json.array();
  for (std::size_t i = 0; list != nullptr && i < std::min(list->size(), sccache::k_max_input_files); ++i) {
    const auto* pair = (*list)[i].array();
    const auto* path = pair != nullptr && pair->size() == 2 ? pair->front().string() : nullptr;
    const auto* digits = path != nullptr ? pair->back().string() : nullptr;
    const auto digest = digits != nullptr ? number_of_hex(*digits) : std::nullopt;
    if (!digest) {
      return fail(Errc::invalid, "record of a run: an input is no pair of a path and a digest");
    }
    files.push_back({.path = *path, .digest = *digest});
  }
  return files;
}

io::Json compilations_json(const std::vector<sccache::KeyedCompilation>& compilations) {
  io::JsonArray list;
  for (const auto& one : compilations) {
    list.emplace_back(
        io::JsonObject{{"name", one.name},
                       {"key", fmt::format("{:016x}", one.key)},
                       {"outcome", one.outcome},
                       {"inputs", sccache::ranges_of(one.inputs)},
                       {"arguments", io::JsonArray(one.arguments.begin(), one.arguments.end())}});
  }
  return list;
}

Result<std::vector<sccache::KeyedCompilation>> compilations_from(const io::Json& json, std::size_t files) {
  std::vector<sccache::KeyedCompilation> compilations;
  const auto* list = json.array();
  std::size_t inputs = 0;
  for (std::size_t i = 0; list != nullptr && i < std::min(list->size(), sccache::k_max_compilations); ++i) {
    const auto& item = (*list)[i];
    AGENT_TRY(const auto keys, unpacked(item.text("key")));
    if (keys.size() != 1) {
      return fail(Errc::invalid, "record of a run: a compilation has no key");
    }
    sccache::KeyedCompilation one{
        .name = item.text("name"), .key = keys.front(), .outcome = item.text("outcome"), .arguments = {}};
    if (const auto* words = item["arguments"].array()) {
      for (const auto& word : *words) {
        const auto* text = word.string();
        one.arguments.push_back(text != nullptr ? *text : std::string());
      }
    }
    AGENT_TRY(one.inputs, sccache::parse_ranges(item.text("inputs"), files));
    inputs += one.inputs.size();
    if (inputs > 2 * sccache::k_max_inputs) {
      return fail(Errc::invalid, "record of a run: its compilations have too many inputs");
    }
    compilations.push_back(std::move(one));
  }
  return compilations;
}

Surroundings surroundings_from(const io::Json& json) {
  Surroundings found{.folder = json.text("folder"), .command = json.text("command")};
  each_text(json["environment"],
            [&](const auto& name, const auto& value) { found.environment.emplace_back(name, value); });
  each_text(json["removed"],
            [&](const auto& name, const auto& value) { found.removed.emplace_back(name, value); });
  each_text(json["programs"],
            [&](const auto& name, const auto& value) { found.programs.emplace(name, value); });
  return found;
}

}  // namespace

io::Json to_json(const RunRecord& record) {
  io::JsonObject requests;
  for (const auto& [outcome, keys] : record.requests.keys) {
    requests.emplace(outcome, packed(keys));
  }
  io::JsonObject programs;
  for (const auto& [name, identity] : record.surroundings.programs) {
    programs.emplace(name, identity);
  }
  return io::JsonObject{
      {"schema", k_schema},
      {"id", record.id},
      {"started_ms", record.started_ms},
      {"ended_ms", record.ended_ms},
      {"figures", report::to_json(record.figures)},
      {"activity", report::to_json(record.activity)},
      {"sccache", record.statistics ? sccache::to_json(*record.statistics) : io::Json()},
      {"surroundings", io::JsonObject{{"folder", record.surroundings.folder},
                                      {"command", record.surroundings.command},
                                      {"environment", variables_json(record.surroundings.environment)},
                                      {"removed", variables_json(record.surroundings.removed)},
                                      {"programs", std::move(programs)}}},
      {"requests", std::move(requests)},
      {"requests_left_out", record.requests.left_out},
      {"log", log_json(record.log)},
      {"inputs", files_json(record.keys.files)},
      {"compilations", compilations_json(record.keys.compilations)}};
}

Result<RunRecord> parse_run_record(std::string_view text) {
  AGENT_TRY(const auto json,
            io::parse_json(text, "record of a run", {.bytes = k_max_record_bytes, .depth = 16}));
  if (json["schema"].integer() != k_schema) {
    return fail(Errc::unsupported, "record of a run: schema is {}, this program reads {}",
                json["schema"].dump(), k_schema);
  }
  RunRecord record;
  record.id = json.text("id");
  record.started_ms = json["started_ms"].integer().value_or(0);
  record.ended_ms = json["ended_ms"].integer().value_or(0);
  AGENT_TRY(record.figures, report::from_json(json["figures"]));
  record.activity = report::activity_from(json["activity"]);
  if (json["sccache"].is_object()) {
    AGENT_TRY(record.statistics, sccache::parse_statistics(json["sccache"].dump()));
  }
  record.surroundings = surroundings_from(json["surroundings"]);
  if (const auto* requests = json["requests"].object()) {
    for (const auto& [outcome, keys] : *requests) {
      const auto* packed_keys = keys.string();
      AGENT_TRY(auto list, unpacked(packed_keys != nullptr ? *packed_keys : std::string_view{}));
      record.requests.keys.emplace(outcome, std::move(list));
    }
  }
  record.requests.left_out = json["requests_left_out"].count().value_or(0);
  record.log = log_from(json["log"]);
  AGENT_TRY(record.keys.files, files_from(json["inputs"]));
  AGENT_TRY(record.keys.compilations, compilations_from(json["compilations"], record.keys.files.size()));
  return record;
}

namespace {

// What can be read again: without the files that compilations read, without the compilations, if need be.
std::string text_within_limit(const RunRecord& record) {
  auto text = to_json(record).dump() + "\n";
  if (text.size() <= k_max_record_bytes) {
    return text;
  }
  auto smaller = record;
  smaller.keys.files.clear();
  for (auto& compilation : smaller.keys.compilations) {
    compilation.inputs.clear();
  }
  auto shortened = to_json(smaller).dump() + "\n";
  if (shortened.size() > k_max_record_bytes) {
    smaller.keys.compilations.clear();
    shortened = to_json(smaller).dump() + "\n";
  }
  log::warn("agent: the record of this run was too large and is kept without {} bytes={} limit={}",
            smaller.keys.compilations.empty() ? "its compilations" : "the files that they read", text.size(),
            k_max_record_bytes);
  return shortened;
}

}  // namespace

Result<void> keep_run(const io::fs::path& folder, const RunRecord& record) {
  AGENT_CHECK(io::make_folders(folder));
  AGENT_CHECK(io::write_file(folder / (record.id + std::string(k_suffix)), text_within_limit(record),
                             {.mode = 0600}));
  std::error_code unlisted;
  auto paths = records_in(folder, unlisted);
  for (std::size_t i = 0; i + k_runs_kept < paths.size(); ++i) {
    std::error_code ignored;  // another run may have removed it
    io::fs::remove(paths[i], ignored);
  }
  return {};
}

std::vector<io::fs::path> records_in(const io::fs::path& folder, std::error_code& error) {
  std::vector<io::fs::path> paths;
  for (const auto& entry : io::fs::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(k_suffix) && !name.starts_with('.')) {
      paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

Result<RunRecord> read_run(const io::fs::path& path) {
  AGENT_TRY(const auto text, io::read_file(path, k_max_record_bytes));
  return parse_run_record(text);
}

RecordedRuns::RecordedRuns(const io::fs::path& folder) {
  std::error_code unlisted;
  paths_ = records_in(folder, unlisted);
}

std::optional<RunRecord> RecordedRuns::next() {
  while (!paths_.empty()) {
    const auto path = std::move(paths_.back());
    paths_.pop_back();
    if (auto record = read_run(path)) {
      return *std::move(record);
    }
  }
  return std::nullopt;
}

std::unexpected<Error> no_run_in(const io::fs::path& folder) {
  return fail(Errc::not_found, "no run is on record in {}", folder.string());
}

std::vector<RunRecord> read_runs(const io::fs::path& folder, std::size_t most) {
  RecordedRuns recorded(folder);
  std::vector<RunRecord> runs;
  while (runs.size() < most) {
    auto run = recorded.next();
    if (!run) {
      break;
    }
    runs.push_back(*std::move(run));
  }
  std::ranges::reverse(runs);
  return runs;
}

std::string run_id(Wall started) {
  return fmt::format("{:013}-{}", milliseconds_of(started), ::getpid());
}

}  // namespace agent::app
