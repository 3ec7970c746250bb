// hearth report: the jobs of a run in one table, in a final job that has their summary.json files.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/command.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/io/process.hpp"
#include "agent/report/merged.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

constexpr std::size_t k_most_jobs = 1000;
constexpr std::size_t k_path_limit = 300;  // characters
constexpr std::size_t k_error_limit = 600;
constexpr std::uint64_t k_most_bytes = std::uint64_t{1} << 20U;

struct Options {
  std::vector<std::string> paths;
  bool json = false;
};

struct Found {
  std::string name;
  io::fs::path path;
};

// A job's artifact is a folder named after it: that is its name. A file that was named by hand has its own.
std::string name_of(const io::fs::path& path) {
  const auto folder = path.parent_path().filename().string();
  const auto file = path.filename();
  const bool says_nothing = file == "summary.json" || file == "figures.json";
  return says_nothing && !folder.empty() && folder != "." ? folder : path.stem().string();
}

// A folder stands for the summary.json files in it, however deep: `download-artifact` makes one for each job.
Result<std::vector<Found>> find_files(const std::vector<std::string>& paths) {
  std::vector<Found> files;
  for (const io::fs::path path : paths) {
    std::error_code error;
    if (!io::fs::is_directory(path, error)) {
      files.push_back({.name = name_of(path), .path = path});
      continue;
    }
    const auto before = files.size();
    for (io::fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() == ".json" && entry->is_regular_file(error)) {
        files.push_back({.name = name_of(entry->path()), .path = entry->path()});
      }
    }
    if (error) {
      return fail(Errc::io, "{}: {}", path.string(), error.message());
    }
    std::ranges::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end(), {}, &Found::path);
  }
  if (files.size() > k_most_jobs) {
    return fail(Errc::invalid, "{} files are more than a run has jobs", files.size());
  }
  return files;
}

Result<report::JobFigures> read_job(const Found& file) {
  AGENT_TRY(const auto text, io::read_file(file.path, k_most_bytes));
  AGENT_TRY(const auto json, io::parse_json(text, file.path.string()));
  AGENT_TRY(auto figures, report::from_json(json));
  return report::JobFigures{.name = file.name, .figures = std::move(figures)};
}

Result<void> run_report(const Options& options) {
  AGENT_TRY(const auto files, find_files(options.paths));
  std::vector<report::JobFigures> jobs;
  for (const auto& file : files) {
    auto job = read_job(file);
    if (job) {
      jobs.push_back(*std::move(job));
    } else {  // one job that broke hides the others from nobody
      fmt::print(stderr, "hearth: {}: left out: {}\n", report::log_text(file.path.string(), k_path_limit),
                 report::log_text(job.error().message, k_error_limit));
    }
  }
  if (jobs.empty()) {
    return fail(Errc::not_found, "no summary.json of a job is in {}", fmt::join(options.paths, ", "));
  }
  const auto summary = io::environment_value("GITHUB_STEP_SUMMARY");
  if (!summary.empty()) {
    AGENT_CHECK(io::append_file(summary, report::merged_markdown(jobs) + "\n"));
  }
  if (options.json) {
    fmt::print("{}\n", report::merged_json(jobs).dump(2));
  } else if (summary.empty()) {
    fmt::print("{}", report::merged_text(jobs));
  }
  return {};
}

}  // namespace

Command add_report(CLI::App& program) {
  auto* const command =
      program.add_subcommand("report", "the jobs of a run in one table, from their summary.json files");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("FILE", options->paths, "summary.json of a job, or a folder with such files, however deep")
      ->required();
  command->add_flag("--json", options->json, "for scripts");
  command->footer(
      "Writes to $GITHUB_STEP_SUMMARY where that is set, else to the terminal.\n"
      "Example:\n  hearth report summaries/\n  hearth report linux.json windows.json --json");
  return {command, [options] {
            const auto done = run_report(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
