#include "agent/server/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/backends/boringcache_names.hpp"
#include "agent/io/random.hpp"
#include "agent/server/garbage.hpp"
#include "agent/server/limits.hpp"
#include "agent/server/references.hpp"
#include "agent/server/report_log.hpp"
#include "agent/server/rows.hpp"
#include "agent/server/tags.hpp"

namespace agent::server {

namespace {

constexpr std::chrono::minutes k_removal{5};            // how long one run removes
constexpr std::chrono::minutes k_removal_given_up{10};  // after that another one goes on

// A tag of the API as retention sees it.
struct Candidate {
  std::string name;
  std::string version;
  bool has_rows = false;
  std::uint64_t bytes = 0;
  Day last_used = 0;
};

// One run over one workspace.
class Keeping final {
public:
  Keeping(const Stores& stores, const Workspace& workspace, const KeepOptions& options)
      : stores_(stores), workspace_(workspace), options_(options) {}

  Result<KeepFigures> run();

private:
  Result<void> learn_the_time();
  Result<void> find_candidates();
  Result<void> remove_tags();
  Result<void> remove_tag(const Candidate& candidate);
  Result<std::optional<Day>> uses();
  Result<void> list_blobs();
  Result<void> mark();
  Result<void> remove_doomed();
  Result<void> remove_left_over(const References& references);
  Result<bool> write_state(const std::vector<Digest>& doomed);
  Result<void> check() const;

  const Stores& stores_;
  const Workspace& workspace_;
  KeepOptions options_;  // with the workspace's own limits
  KeepFigures figures_;
  Wall now_{};  // by the storage's clock, or earlier
  std::map<std::string, Day> used_;
  std::vector<Candidate> candidates_;
  std::map<Digest, std::uint64_t> blobs_;  // with sizes; in the end the unreferenced ones
  std::uint64_t used_bytes_ = 0;
  GarbageMarks marks_;
  std::vector<Digest> doomed_;
  std::optional<std::string> state_version_;
};

Result<KeepFigures> Keeping::run() {
  AGENT_CHECK(check());
  AGENT_TRY(const auto limits, limits_of(stores_.storage, workspace_));
  options_.quota_bytes = limits.quota_bytes.value_or(options_.quota_bytes);
  options_.idle = limits.idle_days ? std::chrono::days(*limits.idle_days) : options_.idle;
  AGENT_CHECK(learn_the_time());
  if (!options_.dry_run) {
    const auto oldest = day_of(stores_.clock.wall()) - static_cast<Day>(options_.reports.count());
    AGENT_TRY(const auto days, stores_.reports.tidy(workspace_, oldest));
    figures_.removed_records += days;
  }
  AGENT_CHECK(find_candidates());
  AGENT_CHECK(remove_tags());
  AGENT_CHECK(list_blobs());
  AGENT_TRY(const auto references, References::read(stores_, workspace_, now_ - options_.unreferenced));
  std::erase_if(blobs_, [&](const auto& blob) { return references.contains(blob.first); });
  AGENT_CHECK(mark());
  if (!options_.dry_run) {
    AGENT_CHECK(remove_doomed());
    if (!figures_.was_busy) {
      AGENT_CHECK(remove_left_over(references));
    }
  }
  return figures_;
}

Result<void> Keeping::check() const {
  return options_.go_on() ? Result<void>() : fail(Errc::cancelled, "clean {}: put off", workspace_.slug());
}

// From an object written for it: times of objects are the storage's, not ours.
Result<void> Keeping::learn_the_time() {
  if (options_.dry_run) {
    return {};  // then the newest object says it, near enough
  }
  const auto name = fmt::format("{}{}", probes_prefix(workspace_), io::random_mark());
  AGENT_CHECK(stores_.storage.put_if_absent(name, std::string_view("{}\n")));
  AGENT_TRY(const auto listed, stores_.storage.list(name));
  for (const auto& object : listed) {
    now_ = std::max(now_, object.modified);
  }
  return stores_.storage.remove(name);
}

// The last day on which each tag was used; the first day since when that was written down. Empty: it was not
// written down well enough to call any tag idle.
Result<std::optional<Day>> Keeping::uses() {
  const auto today = day_of(stores_.clock.wall());
  const auto first = today - static_cast<Day>(options_.reports.count());
  AGENT_TRY(const auto days, stores_.reports.days(workspace_, first, today));
  std::optional<Day> since;
  for (std::size_t i = 0; i < days.size(); ++i) {
    const auto day = first + static_cast<Day>(i);
    if (!days[i].has_all_tags) {
      since.reset();
      continue;
    }
    for (const auto& [tag, restores] : days[i].tags) {
      used_[tag] = day;
      since = since.value_or(day);
    }
  }
  return since;
}

Result<void> Keeping::find_candidates() {
  AGENT_TRY(const auto records, stores_.tags.list(workspace_, {}));
  for (const auto& record : records) {
    ++figures_.tags;
    if (!backends::object_of_tag(record.tag)) {
      candidates_.push_back({.name = record.tag,
                             .version = record.version,
                             .bytes = record.stored_bytes(),
                             .last_used = day_of(Wall(std::chrono::milliseconds(record.published_ms)))});
    }
  }
  AGENT_TRY(const auto listed, stores_.rows.list(workspace_));
  for (const auto& tag : listed) {
    AGENT_TRY(const auto summary, stores_.rows.summary(workspace_, tag.tag));
    ++figures_.tags;
    candidates_.push_back({.name = tag.tag,
                           .version = tag.version,
                           .has_rows = true,
                           .bytes = summary.bytes,
                           .last_used = day_of(Wall(std::chrono::milliseconds(tag.modified_ms)))});
  }
  return {};
}

Result<void> Keeping::remove_tags() {
  if (options_.idle.count() == 0 && options_.quota_bytes == 0) {
    return {};
  }
  AGENT_TRY(const auto since, uses());
  std::uint64_t bytes = 0;
  for (auto& candidate : candidates_) {
    const auto used = used_.find(candidate.name);
    candidate.last_used = std::max(candidate.last_used, used != used_.end() ? used->second : 0);
    bytes += candidate.bytes;
  }
  std::ranges::stable_sort(candidates_, {}, &Candidate::last_used);
  const auto today = day_of(stores_.clock.wall());
  const auto idle = static_cast<Day>(std::min(options_.idle, std::chrono::days(k_most_idle_days)).count());
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const auto& candidate = candidates_[i];
    const bool is_idle = idle > 0 && since && *since + idle <= today && candidate.last_used + idle <= today;
    // Of what was used last, one tag stays, however large it is.
    const bool is_beyond =
        options_.quota_bytes > 0 && bytes > options_.quota_bytes && i + 1 < candidates_.size();
    if (!is_idle && !is_beyond) {
      break;
    }
    AGENT_CHECK(check());
    AGENT_CHECK(remove_tag(candidate));
    ++(is_idle ? figures_.idle_tags : figures_.quota_tags);
    bytes -= candidate.bytes;
  }
  return {};
}

// Unless it changed since it was looked at: then somebody uses it.
Result<void> Keeping::remove_tag(const Candidate& candidate) {
  if (options_.dry_run) {
    return {};
  }
  if (candidate.has_rows) {
    AGENT_CHECK(stores_.rows.remove(workspace_, candidate.name, candidate.version));
    return {};
  }
  AGENT_CHECK(stores_.tags.change(workspace_, candidate.name, [&](const TagRecord* current) {
    if (current == nullptr || current->version != candidate.version) {
      return Result<std::optional<TagRecord>>(std::nullopt);
    }
    TagRecord gone;
    gone.is_deleted = true;
    return Result<std::optional<TagRecord>>(std::move(gone));
  }));
  return {};
}

Result<void> Keeping::list_blobs() {
  AGENT_TRY(const auto objects, stores_.storage.list(blobs_prefix(workspace_)));
  for (const auto& object : objects) {
    const auto digest = Digest::from_hex(std::string_view(object.name).substr(object.name.rfind('/') + 1));
    if (digest) {
      blobs_.emplace(*digest, object.size);
      used_bytes_ += object.size;
    }
    if (options_.dry_run) {
      now_ = std::max(now_, object.modified);
    }
  }
  figures_.blobs = blobs_.size();
  figures_.bytes = used_bytes_;
  return {};
}

// What is unreferenced and was so a day ago is doomed; what is newly unreferenced is marked.
Result<void> Keeping::mark() {
  const auto object = garbage_marks_object(workspace_);
  AGENT_TRY(const auto kept, stores_.storage.read(object));
  GarbageMarks before;
  if (kept) {
    AGENT_TRY(before, parse_garbage_marks(kept->content));
  }
  const auto now = milliseconds_of(now_);
  const auto wait = static_cast<std::uint64_t>(std::chrono::milliseconds(options_.unreferenced).count());
  for (const auto& [digest, size] : blobs_) {
    if (marks_.size() == k_most_marked_blobs) {
      break;
    }
    const auto marked = before.find(digest);
    const auto since = marked != before.end() ? marked->second : now;
    marks_.emplace(digest, since);
    if (marked != before.end() && since + wait <= now && doomed_.size() < k_most_doomed) {
      doomed_.push_back(digest);
    } else {
      ++figures_.waiting_blobs;
      figures_.waiting_bytes += size;
    }
  }
  if (options_.dry_run || marks_ == before) {
    return {};
  }
  const auto swapped = stores_.storage.compare_and_swap(
      object, kept ? std::optional(kept->version) : std::nullopt, encode(marks_));
  if (!swapped && swapped.error().code == Errc::conflict) {
    doomed_.clear();  // another run does the same
    return {};
  }
  return swapped ? Result<void>() : std::unexpected(swapped.error());
}

// False: another run was faster.
Result<bool> Keeping::write_state(const std::vector<Digest>& doomed) {
  const GarbageState state{.doomed = doomed,
                           .used_bytes = used_bytes_ - std::min(used_bytes_, figures_.removed_bytes),
                           .limit_bytes = options_.quota_bytes * k_quota_refused};
  auto swapped = stores_.storage.compare_and_swap(garbage_object(workspace_), state_version_, encode(state));
  if (!swapped) {
    return swapped.error().code == Errc::conflict ? Result<bool>(false) : std::unexpected(swapped.error());
  }
  state_version_ = *std::move(swapped);
  return true;
}

// Says what will go, reads once more what is referred to, and removes the rest.
Result<void> Keeping::remove_doomed() {
  const auto started = stores_.clock.now();
  const auto object = garbage_object(workspace_);
  AGENT_TRY(const auto listed, stores_.storage.list(object));
  AGENT_TRY(const auto kept, stores_.storage.read(object));
  if (kept) {
    AGENT_TRY(const auto state, parse_garbage_state(kept->content));
    const auto written = std::ranges::find(listed, object, &backends::ObjectInfo::name);
    if (!state.doomed.empty() && (written == listed.end() || written->modified + k_removal_given_up > now_)) {
      figures_.was_busy = true;
      return {};
    }
    state_version_ = kept->version;
  }
  AGENT_TRY(const bool said, write_state(doomed_));
  if (!said || doomed_.empty()) {
    figures_.was_busy = !said;
    return {};
  }
  AGENT_TRY(const auto references, References::read(stores_, workspace_, now_ - options_.unreferenced));
  for (const auto& digest : doomed_) {
    if (references.contains(digest)) {
      continue;
    }
    if (!options_.go_on() || stores_.clock.now() - started > k_removal) {
      break;
    }
    AGENT_CHECK(stores_.storage.remove(blob_object(workspace_, digest)));
    ++figures_.removed_blobs;
    figures_.removed_bytes += blobs_.at(digest);
  }
  AGENT_CHECK(write_state({}));
  return {};
}

// What uploads and merges that never ended left: nobody goes on with them after a day.
Result<void> Keeping::remove_left_over(const References& references) {
  for (const auto& name : references.left_over()) {
    AGENT_CHECK(check());
    AGENT_CHECK(stores_.storage.remove(name));
    ++figures_.removed_records;
  }
  return {};
}

}  // namespace

io::Json KeepFigures::json() const {
  return io::JsonObject{{"tags", tags},
                        {"blobs", blobs},
                        {"bytes", bytes},
                        {"idle_tags", idle_tags},
                        {"quota_tags", quota_tags},
                        {"removed_blobs", removed_blobs},
                        {"removed_bytes", removed_bytes},
                        {"removed_records", removed_records},
                        {"waiting_blobs", waiting_blobs},
                        {"waiting_bytes", waiting_bytes},
                        {"was_busy", was_busy}};
}

Result<KeepFigures> keep_workspace(const Stores& stores, const Workspace& workspace,
                                   const KeepOptions& options) {
  return Keeping(stores, workspace, options).run();
}

Result<std::vector<Workspace>> workspaces_in(backends::ObjectStorage& storage) {
  constexpr std::string_view k_end = "/workspace";
  AGENT_TRY(const auto objects, storage.list("tags/"));
  std::set<Workspace> found;
  for (const auto& object : objects) {
    const auto name = std::string_view(object.name).substr(5);
    if (!name.ends_with(k_end)) {
      continue;
    }
    if (const auto workspace = parse_workspace(name.substr(0, name.size() - k_end.size()))) {
      found.insert(*workspace);
    }
  }
  return std::vector(found.begin(), found.end());
}

}  // namespace agent::server
