#include "agent/server/report_log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/core/log.hpp"
#include "agent/server/tags.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_fold_every = 16;
constexpr std::chrono::seconds k_write_uses_every{60};
constexpr std::size_t k_most_used = 100'000;  // of all workspaces, in memory

std::string waiting_prefix(const Workspace& workspace) {
  return fmt::format("reports/{}/", workspace.slug());
}

std::string waiting_prefix(const Workspace& workspace, Day day) {
  return fmt::format("{}{}/", waiting_prefix(workspace), day);
}

std::string days_prefix(const Workspace& workspace) {
  return fmt::format("tags/{}/u/", workspace.slug());
}

std::string day_object(const Workspace& workspace, Day day) {
  return fmt::format("{}{}", days_prefix(workspace), day);
}

// The day that stands in front of the next '/', or at the end; empty where there is none.
std::optional<Day> day_in(std::string_view name) {
  const auto text = name.substr(0, name.find('/'));
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  return static_cast<Day>(std::stoul(std::string(text)));
}

}  // namespace

Result<void> ReportLog::add(const Workspace& workspace, const DayReport& report) {
  const auto now = clock_.wall();
  const auto text = encode(report);
  AGENT_CHECK(
      storage_.put_if_absent(fmt::format("{}{:013}-{}", waiting_prefix(workspace, server::day_of(now)),
                                         milliseconds_of(now), random_id('r')),
                             std::string_view(text)));
  if (added_.with([&](auto& added) { return ++added[workspace] % k_fold_every; }) == 0) {
    if (const auto folded = fold(workspace, server::day_of(now)); !folded) {
      log::warn("server: reports of {}: {}", workspace.slug(), folded.error().message);  // they wait
    }
  }
  return {};
}

void ReportLog::used(const Workspace& workspace, std::string_view tag, std::uint64_t restores) {
  const auto today = server::day_of(clock_.wall());
  const auto now = clock_.now();
  const bool is_due = uses_.with([&](Uses& uses) {
    if (uses.day != today || uses.known.size() > k_most_used) {
      uses.known.clear();
      uses.day = today;
    }
    std::pair key(workspace, std::string(tag));
    if (restores > 0 || !uses.known.contains(key)) {
      uses.known.insert(key);
      if (uses.waiting.size() < k_most_used) {
        uses.waiting[std::move(key)] += restores;
      }
    }
    const bool due = !uses.waiting.empty() && now - uses.written >= k_write_uses_every;
    uses.written = due ? now : uses.written;
    return due;
  });
  if (is_due) {
    write_uses();
  }
}

void ReportLog::write_uses() {
  const auto waiting = uses_.with([](Uses& uses) { return std::exchange(uses.waiting, {}); });
  std::map<Workspace, DayReport> reports;
  for (const auto& [key, restores] : waiting) {
    add_use(reports[key.first], key.second, restores);
  }
  for (const auto& [workspace, report] : reports) {
    if (const auto kept = add(workspace, report); !kept) {
      log::warn("server: uses of {}: {}", workspace.slug(), kept.error().message);
    }
  }
}

Result<ReportLog::Kept> ReportLog::read(const Workspace& workspace, Day day) {
  AGENT_TRY(const auto object, storage_.read(day_object(workspace, day)));
  if (!object) {
    return Kept{};
  }
  AGENT_TRY(auto report, parse_day_report(object->content));
  return Kept{.report = std::move(report), .version = object->version};
}

// Reports that went meanwhile are in the record of whoever removed them.
Result<void> ReportLog::add_waiting(const std::vector<std::string>& names, DayReport& into) {
  for (const auto& name : names) {
    AGENT_TRY(const auto object, storage_.read(name));
    if (!object) {
      continue;
    }
    const auto report = parse_day_report(object->content);
    if (report) {
      server::add(into, *report);
    } else {
      log::warn("server: {}: {}", name, report.error().message);
    }
  }
  return {};
}

// Listed first, then the records, then what waits: a report that is folded meanwhile is gone or named in the
// record, so that it counts once whatever happens.
Result<std::vector<DayReport>> ReportLog::days(const Workspace& workspace, Day first, Day last) {
  const auto prefix = waiting_prefix(workspace);
  AGENT_TRY(auto objects, storage_.list(prefix));
  std::ranges::sort(objects, {}, &backends::ObjectInfo::name);
  AGENT_TRY(const auto records, storage_.list(days_prefix(workspace)));
  std::vector<DayReport> days(last + 1 - first);
  for (const auto& record : records) {
    const auto day = day_in(std::string_view(record.name).substr(days_prefix(workspace).size()));
    if (day && *day >= first && *day <= last) {
      AGENT_TRY(auto kept, read(workspace, *day));
      days[*day - first] = std::move(kept.report);
    }
  }
  for (const auto& object : objects) {
    const auto day = day_in(std::string_view(object.name).substr(prefix.size()));
    if (!day || *day < first || *day > last) {
      continue;
    }
    auto& report = days[*day - first];
    if (std::ranges::find(report.folded, object.name) == report.folded.end()) {
      AGENT_CHECK(add_waiting({object.name}, report));
    }
  }
  return days;
}

// The record is read first and swapped last. So whatever was waiting when it was listed, and is not named in
// the record, is in no record: nobody folded it since, or the swap fails.
Result<void> ReportLog::fold(const Workspace& workspace, Day day) {
  AGENT_TRY(auto kept, read(workspace, day));
  AGENT_TRY(const auto objects, storage_.list(waiting_prefix(workspace, day)));
  std::vector<std::string> names;
  std::vector<std::string> fresh;
  for (const auto& object : objects) {
    names.push_back(object.name);
    if (std::ranges::find(kept.report.folded, object.name) == kept.report.folded.end()) {
      fresh.push_back(object.name);
    }
  }
  if (names.empty()) {
    return {};
  }
  std::ranges::sort(fresh);  // by time: of a session the last report counts
  if (!fresh.empty()) {
    AGENT_CHECK(add_waiting(fresh, kept.report));
    kept.report.folded = names;
    const auto swapped =
        storage_.compare_and_swap(day_object(workspace, day), kept.version, encode(kept.report));
    if (!swapped) {
      return swapped.error().code == Errc::conflict ? Result<void>() : std::unexpected(swapped.error());
    }
  }
  for (const auto& name : names) {
    AGENT_CHECK(storage_.remove(name));
  }
  return {};
}

Result<std::uint64_t> ReportLog::tidy(const Workspace& workspace, Day oldest) {
  const auto today = server::day_of(clock_.wall());
  const auto waiting = waiting_prefix(workspace);
  AGENT_TRY(const auto objects, storage_.list(waiting));
  std::set<Day> days;
  for (const auto& object : objects) {
    if (const auto day = day_in(std::string_view(object.name).substr(waiting.size())); day && *day < today) {
      days.insert(*day);
    }
  }
  for (const auto day : days) {
    AGENT_CHECK(fold(workspace, day));
  }
  const auto kept = days_prefix(workspace);
  AGENT_TRY(const auto records, storage_.list(kept));
  std::uint64_t removed = 0;
  for (const auto& record : records) {
    const auto day = day_in(std::string_view(record.name).substr(kept.size()));
    if (day && *day < oldest) {
      AGENT_CHECK(storage_.remove(record.name));
      ++removed;
    }
  }
  return removed;
}

}  // namespace agent::server
