#include "agent/report/merged.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/headline.hpp"
#include "agent/report/plain.hpp"

namespace agent::report {

namespace {

constexpr std::size_t k_rows_shown = 60;  // a matrix has at most 256 jobs
constexpr std::size_t k_remarks_shown = 20;
constexpr std::size_t k_name_limit = 80;
constexpr std::size_t k_remark_limit = 300;

struct Sums {
  std::optional<std::uint64_t> hits, misses, stores, published, pending, bytes_read, backend_calls, http_429,
      conflicts;
  std::optional<double> saved_seconds, longest_seconds;
};

template <typename T>
void add(std::optional<T>& sum, const std::optional<T>& part) {
  if (part) {
    sum = sum.value_or(0) + *part;
  }
}

// As sccache counts, else as the agent does.
std::pair<std::optional<std::uint64_t>, std::optional<std::uint64_t>> counted_of(const Figures& figures) {
  return figures.hits ? std::pair(figures.hits, figures.misses)
                      : std::pair(figures.lookups_hit, figures.lookups_missed);
}

void add_job(Sums& sums, const Figures& figures) {
  const auto [hits, misses] = counted_of(figures);
  add(sums.hits, hits);
  add(sums.misses, misses);
  add(sums.stores, figures.stores);
  add(sums.published, figures.published);
  add(sums.pending, figures.pending);
  add(sums.bytes_read, figures.bytes_read);
  add(sums.backend_calls, figures.backend_calls);
  add(sums.http_429, figures.http_429);
  add(sums.conflicts, figures.conflicts);
  add(sums.saved_seconds, figures.saved_seconds_estimate);
  if (figures.seconds) {
    sums.longest_seconds = std::max(sums.longest_seconds.value_or(0), *figures.seconds);
  }
}

Sums sums_of(const std::vector<JobFigures>& jobs) {
  Sums sums;
  for (const auto& job : jobs) {
    add_job(sums, job.figures);
  }
  return sums;
}

constexpr std::array<std::string_view, 9> k_columns = {"Hit rate", "Hits", "Misses",    "Published", "Read",
                                                       "Calls",    "429",  "Conflicts", "Saved"};
using Cells = std::array<std::string, k_columns.size()>;

Cells cells_of(const Sums& sums) {
  const auto rate = sums.hits && sums.misses ? rate_text(*sums.hits, *sums.misses) : std::nullopt;
  const auto count = [](const std::optional<std::uint64_t>& value) {
    return value ? human_count(*value) : std::string("–");
  };
  return {rate.value_or("–"),
          count(sums.hits),
          count(sums.misses),
          count(sums.published),
          sums.bytes_read ? size_text(sums.bytes_read) : "–",
          count(sums.backend_calls),
          count(sums.http_429),
          count(sums.conflicts),
          sums.saved_seconds ? seconds_text(sums.saved_seconds) : "–"};
}

Cells cells_of(const Figures& figures) {
  Sums sums;
  add_job(sums, figures);
  return cells_of(sums);
}

std::string sentence(const std::vector<JobFigures>& jobs, const Sums& sums) {
  if (!sums.hits || !sums.misses || *sums.hits + *sums.misses == 0) {
    return fmt::format("{}; none of them counted compilations.", counted(jobs.size(), "job"));
  }
  return fmt::format("{} of {} cacheable compilations of {} came from the cache.", human_count(*sums.hits),
                     human_count(*sums.hits + *sums.misses), counted(jobs.size(), "job"));
}

// What is wrong in single jobs: their warnings, and why hits are low.
std::vector<std::pair<std::string_view, std::string>> remarks_of(const std::vector<JobFigures>& jobs) {
  std::vector<std::pair<std::string_view, std::string>> found;
  for (const auto& job : jobs) {
    for (const auto& remark : remarks(job.figures)) {
      if (remark.weight == Remark::Weight::warning) {
        found.emplace_back(job.name, remark.text);
      }
    }
    if (!job.figures.verdicts.empty()) {
      found.emplace_back(job.name, "hits are low: " + job.figures.verdicts.front().title);
    }
  }
  return found;
}

std::string markdown_row(std::string_view name, const Cells& cells, std::string_view mark) {
  auto row = fmt::format("| {0}{1}{0} |", mark, name);
  for (const auto& cell : cells) {
    row += fmt::format(" {0}{1}{0} |", mark, cell);
  }
  return row + "\n";
}

io::Json sums_json(const Sums& sums) {
  const auto rate = sums.hits && sums.misses ? hit_rate_of(*sums.hits, *sums.misses) : std::nullopt;
  return io::JsonObject{{"hits", sums.hits},
                        {"misses", sums.misses},
                        {"hit_rate", rate},
                        {"stores", sums.stores},
                        {"published", sums.published},
                        {"pending", sums.pending},
                        {"bytes_read", sums.bytes_read},
                        {"backend_calls", sums.backend_calls},
                        {"http_429", sums.http_429},
                        {"conflicts", sums.conflicts},
                        {"saved_seconds_estimate", sums.saved_seconds},
                        {"longest_seconds", sums.longest_seconds}};
}

}  // namespace

std::string merged_markdown(const std::vector<JobFigures>& jobs) {
  const auto sums = sums_of(jobs);
  auto out = fmt::format("### Hearth\n\n**{}**\n\n| Job |", sentence(jobs, sums));
  for (const auto column : k_columns) {
    out += fmt::format(" {} |", column);
  }
  out += "\n|:--|";
  for (std::size_t i = 0; i < k_columns.size(); ++i) {
    out += "--:|";
  }
  out += "\n";
  const auto shown = std::min(jobs.size(), k_rows_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    out += markdown_row(markdown_text(jobs[i].name, k_name_limit), cells_of(jobs[i].figures), "");
  }
  if (shown < jobs.size()) {
    const std::vector<JobFigures> rest(jobs.begin() + static_cast<std::ptrdiff_t>(shown), jobs.end());
    out += markdown_row(fmt::format("{} more", human_count(rest.size())), cells_of(sums_of(rest)), "");
  }
  if (jobs.size() > 1) {
    out += markdown_row("all", cells_of(sums), "**");
  }
  const auto found = remarks_of(jobs);
  for (std::size_t i = 0; i < std::min(found.size(), k_remarks_shown); ++i) {
    out += fmt::format("{}- ⚠️ {}: {}\n", i == 0 ? "\n" : "", markdown_text(found[i].first, k_name_limit),
                       markdown_text(found[i].second, k_remark_limit));
  }
  if (found.size() > k_remarks_shown) {
    out += fmt::format("- and {} more\n", human_count(found.size() - k_remarks_shown));
  }
  return out;
}

std::string merged_text(const std::vector<JobFigures>& jobs) {
  const auto sums = sums_of(jobs);
  std::size_t width = 3;
  for (const auto& job : jobs) {
    width = std::max(width, std::min(log_text(job.name, k_name_limit).size(), k_name_limit));
  }
  const auto row = [&](std::string_view name, const Cells& cells) {
    auto line = fmt::format("  {:<{}}", name, width);
    for (const auto& cell : cells) {
      line += fmt::format(" {:>11}", cell);
    }
    return line + "\n";
  };
  Cells head;
  std::ranges::transform(k_columns, head.begin(),
                         [](std::string_view column) { return std::string(column); });
  auto out = fmt::format("hearth: {}\n", sentence(jobs, sums)) + row("Job", head);
  for (const auto& job : jobs) {
    out += row(log_text(job.name, k_name_limit), cells_of(job.figures));
  }
  if (jobs.size() > 1) {
    out += row("all", cells_of(sums));
  }
  for (const auto& [name, remark] : remarks_of(jobs)) {
    out += fmt::format("  {}: {}\n", log_text(name, k_name_limit), log_text(remark, k_remark_limit));
  }
  return out;
}

io::Json merged_json(const std::vector<JobFigures>& jobs) {
  io::JsonArray list;
  for (const auto& job : jobs) {
    auto figures = to_json(job.figures);
    io::JsonObject members = *figures.object();
    members.insert_or_assign("name", job.name);
    list.emplace_back(std::move(members));
  }
  return io::JsonObject{{"schema", 1}, {"jobs", std::move(list)}, {"total", sums_json(sums_of(jobs))}};
}

}  // namespace agent::report
