// The jobs of one run in one table, for a final job that has their summary.json files. Pure functions; safe
// from any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/io/json.hpp"
#include "agent/report/figures.hpp"

namespace agent::report {

struct JobFigures {
  std::string name;
  Figures figures;
};

// A row a job, a row for all of them, and below what people should know of single jobs. Under 64 KiB whatever
// the figures hold; everything from outside is escaped.
std::string merged_markdown(const std::vector<JobFigures>& jobs);

// The same for a terminal.
std::string merged_text(const std::vector<JobFigures>& jobs);

// {schema: 1, jobs: [{name, …}], total: {…}}: of each job its figures, of all what can be added up. A sum
// that a job did not measure is the sum of the others; null where none did.
io::Json merged_json(const std::vector<JobFigures>& jobs);

}  // namespace agent::report
