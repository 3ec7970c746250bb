#include "agent/publish/retention.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/log.hpp"
#include "agent/publish/compaction.hpp"
#include "agent/publish/garbage_mark.hpp"
#include "agent/publish/tag_head.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

namespace {

using backends::ObjectInfo;

constexpr std::chrono::hours k_unreferenced{24};
constexpr unsigned k_tries = 5;

// One run over one storage.
class Collection final {
public:
  Collection(backends::ObjectStorage& storage, const Clock& clock, const RetentionOptions& options)
      : storage_(storage), clock_(clock), options_(options) {}

  Result<RetentionFigures> run();

private:
  struct Held {
    TagId id;
    Head head;
  };

  Result<void> list_objects();
  Result<void> read_tags();
  Result<void> read_tag(const ObjectInfo& pointer);
  Result<Head> trimmed(Head head, const TagId& id);
  Result<bool> ended_as_idle(const ObjectInfo& pointer);
  Result<std::optional<Held>> held_by(const ObjectInfo& pointer);
  Result<bool> end_idle(const std::string& name, const std::optional<Held>& tag);
  Result<std::optional<ObjectInfo>> info_of(const std::string& name);
  Result<void> read_marks();
  Result<void> mark();
  Result<void> remove_what_may_go();
  Result<void> remove_marks();
  Result<void> remove(const std::string& name);
  Result<void> learn_the_time(const std::string& name);

  backends::ObjectStorage& storage_;
  const Clock& clock_;
  const RetentionOptions& options_;
  RetentionFigures figures_;
  std::map<std::string, ObjectInfo> objects_;  // packs and manifests; in the end the unreferenced ones
  std::set<std::string, std::less<>> referenced_;
  std::set<std::string, std::less<>> closed_areas_;  // with tags that cannot be read
  std::map<std::string, Wall> marked_;               // since when an object is known to be unreferenced
  std::map<std::string, GarbageMark> marks_;         // by name
  Wall now_{};                                       // by the storage's clock, or earlier
};

Result<RetentionFigures> Collection::run() {
  AGENT_CHECK(list_objects());
  // Read after the objects were listed: whatever was added meanwhile is not among them.
  AGENT_CHECK(read_tags());
  std::erase_if(objects_, [&](const auto& object) {
    return referenced_.contains(object.first) || closed_areas_.contains(object.second.area);
  });
  AGENT_CHECK(read_marks());
  if (!objects_.empty() && !options_.dry_run) {
    AGENT_CHECK(mark());
  }
  AGENT_CHECK(remove_what_may_go());
  AGENT_CHECK(remove_marks());
  AGENT_TRY(figures_.removed_generations, storage_.tidy(options_.dry_run, options_.go_on));
  return figures_;
}

Result<void> Collection::list_objects() {
  for (const auto* const prefix : {"packs/", "manifests/"}) {
    AGENT_TRY(auto listed, storage_.list(prefix));
    (prefix == std::string_view("packs/") ? figures_.packs : figures_.manifests) = listed.size();
    for (auto& object : listed) {
      figures_.bytes += object.size;
      now_ = std::max(now_, object.modified);
      auto name = object.name;
      objects_.emplace(std::move(name), std::move(object));
    }
  }
  return {};
}

Result<void> Collection::read_tags() {
  AGENT_TRY(const auto pointers, storage_.list("tags/"));
  for (const auto& pointer : pointers) {
    now_ = std::max(now_, pointer.modified);
  }
  for (const auto& pointer : pointers) {
    AGENT_CHECK(read_tag(pointer));
  }
  return {};
}

Result<void> Collection::read_tag(const ObjectInfo& pointer) {
  if (!options_.go_on()) {
    return fail(Errc::cancelled, "collect garbage in {}: put off", storage_.describe());
  }
  AGENT_TRY(const bool ended, ended_as_idle(pointer));
  if (ended) {
    return {};
  }
  AGENT_TRY(const auto content, storage_.read(pointer.name));
  if (!content) {
    AGENT_TRY(const auto again, info_of(pointer.name));
    if (!again) {
      return {};  // somebody removed it meanwhile
    }
    if (!pointer.area.empty()) {  // such as a branch that this job may not read: what is there stays
      closed_areas_.insert(pointer.area);
      ++figures_.unreadable_tags;
      return {};
    }
    return fail(Errc::denied, "{} in {} is listed but cannot be read, so nothing is known to be garbage",
                pointer.name, storage_.describe());
  }
  const auto parsed = parse_pointer(content->content);
  if (!parsed) {
    return with_context(fmt::format("{} in {}", pointer.name, storage_.describe()), parsed.error());
  }
  AGENT_TRY(const auto manifest, read_manifest(storage_, *parsed));
  if (!manifest) {
    return fail(Errc::not_found, "{} in {}: its manifest is gone; remove the tag, or publish to it",
                pointer.name, storage_.describe());
  }
  ++figures_.tags;
  AGENT_TRY(const auto head, trimmed({.version = content->version,
                                      .digest = parsed->manifest,
                                      .generation = parsed->generation,
                                      .manifest = *manifest},
                                     parsed->id));
  if (head.digest) {
    referenced_.insert(manifest_name(*head.digest));
  }
  for (const auto& pack : head.manifest.packs) {
    referenced_.insert(pack_name(pack.digest));
  }
  return {};
}

// The tag within its budget. What it had before counts as referred to, too: whoever reads it now needs it.
Result<Head> Collection::trimmed(Head head, const TagId& id) {
  for (unsigned tries = 1;; ++tries) {
    const auto surplus = beyond_budget(
        options_.tag_bytes == 0 ? std::vector<PackShare>() : shares_of(head.manifest), options_.tag_bytes);
    if (surplus.empty() || options_.dry_run) {
      figures_.trimmed_packs += surplus.size();
      return head;
    }
    for (const auto& pack : surplus) {
      referenced_.insert(pack_name(pack));
    }
    const auto next = compacted(head.manifest, std::nullopt, surplus, step_after(head, clock_));
    const auto swapped = replace_head(storage_, id, head, next);
    if (!swapped && (swapped.error().code != Errc::conflict || tries == k_tries)) {
      return std::unexpected(swapped.error());
    }
    if (swapped) {
      figures_.trimmed_packs += surplus.size();
    }
    AGENT_TRY(head, read_head(storage_, id));
  }
}

// A removal takes whatever is there, also what a job has published since the last look; a swap takes only
// what was read. So the tag is emptied, and its pointer stays. Its time is looked at again after it was read,
// so that what was read is what was idle.
Result<bool> Collection::ended_as_idle(const ObjectInfo& pointer) {
  if (options_.idle.count() == 0 || pointer.modified + options_.idle > now_) {
    return false;
  }
  std::optional<Held> tag;
  if (pointer.area.empty()) {  // else a swap would land in the area that this job writes to
    AGENT_TRY(tag, held_by(pointer));
    if (!tag) {
      return false;
    }
  }
  AGENT_TRY(const auto again, info_of(pointer.name));
  if (!again || again->modified != pointer.modified) {
    return false;  // somebody has just published to it, or removed it
  }
  if (!options_.dry_run) {
    AGENT_TRY(const bool ended, end_idle(pointer.name, tag));
    if (!ended) {
      return false;
    }
    log::info("retention: tag {}, idle since={} name={}", tag ? "emptied" : "removed",
              milliseconds_of(pointer.modified), pointer.name);
  }
  ++figures_.removed_tags;
  return true;
}

// Empty where there is nothing to take out of it, and where read_tag has to say what is wrong with it.
Result<std::optional<Collection::Held>> Collection::held_by(const ObjectInfo& pointer) {
  AGENT_TRY(const auto content, storage_.read(pointer.name));
  if (!content) {
    return std::optional<Held>{};
  }
  const auto parsed = parse_pointer(content->content);
  if (!parsed || pointer_name(parsed->id).value_or("") != pointer.name) {
    return std::optional<Held>{};
  }
  AGENT_TRY(auto manifest, read_manifest(storage_, *parsed));
  if (manifest && manifest->packs.empty()) {
    return std::optional<Held>{};
  }
  return std::optional(Held{.id = parsed->id,
                            .head = {.version = content->version,
                                     .digest = parsed->manifest,
                                     .generation = parsed->generation,
                                     .manifest = std::move(manifest).value_or(Manifest()),
                                     .passed_over = {}}});
}

// False where somebody was faster.
Result<bool> Collection::end_idle(const std::string& name, const std::optional<Held>& tag) {
  if (!tag) {
    AGENT_CHECK(storage_.remove(name));
    return true;
  }
  const auto& manifest = tag->head.manifest;
  std::vector<Digest> packs;
  std::ranges::transform(manifest.packs, std::back_inserter(packs), &PackRecord::digest);
  auto next = compacted(manifest, std::nullopt, packs, step_after(tag->head, clock_));
  if (auto touches = touches_of(manifest); touches.since > 0) {
    set_touches(next, std::move(touches));  // without those of the packs
  }
  const auto swapped = replace_head(storage_, tag->id, tag->head, next);
  if (!swapped && swapped.error().code != Errc::conflict) {
    return std::unexpected(swapped.error());
  }
  return swapped.has_value();
}

// A listing is of all that begins so, in any order: one tag's name may begin another's.
Result<std::optional<ObjectInfo>> Collection::info_of(const std::string& name) {
  AGENT_TRY(auto found, storage_.list(name));
  const auto exact = std::ranges::find(found, name, &ObjectInfo::name);
  return exact == found.end() ? std::optional<ObjectInfo>{} : std::optional(std::move(*exact));
}

Result<void> Collection::read_marks() {
  AGENT_TRY(const auto listed, storage_.list("garbage/"));
  for (const auto& object : listed) {
    now_ = std::max(now_, object.modified);
    AGENT_TRY(const auto content, storage_.read(object.name));
    if (!content) {
      continue;  // removed meanwhile, or in an area of others
    }
    auto mark = parse_garbage_mark(content->content);
    if (!mark && mark.error().code == Errc::unsupported) {
      return with_context(object.name, std::move(mark).error());
    }
    if (!mark) {
      AGENT_CHECK(remove(object.name));
      continue;
    }
    const bool outdated =
        std::ranges::any_of(mark->names, [&](const std::string& name) { return referenced_.contains(name); });
    if (!outdated) {  // else it is no proof any more for any of them
      for (const auto& name : mark->names) {
        const auto known = marked_.try_emplace(name, object.modified).first;
        known->second = std::min(known->second, object.modified);
      }
    }
    marks_.emplace(object.name, outdated ? GarbageMark() : *std::move(mark));
  }
  return {};
}

// Notes what is unreferenced and not yet marked. Even an empty note tells the storage's time.
Result<void> Collection::mark() {
  GarbageMark mark{.written_ms = milliseconds_of(clock_.wall()), .names = {}};
  for (const auto& [name, object] : objects_) {
    if (!marked_.contains(name) && mark.names.size() < k_most_marked) {
      mark.names.push_back(name);
    }
  }
  const auto text = encode(mark);
  const auto name = garbage_mark_name(text);
  AGENT_CHECK(storage_.put_if_absent(name, std::string_view(text)));
  AGENT_CHECK(learn_the_time(name));
  for (const auto& marked : mark.names) {
    marked_.emplace(marked, now_);
  }
  marks_.emplace(name, std::move(mark));
  return {};
}

Result<void> Collection::learn_the_time(const std::string& name) {
  AGENT_TRY(const auto listed, storage_.list(name));
  for (const auto& object : listed) {
    now_ = std::max(now_, object.modified);
  }
  return {};
}

Result<void> Collection::remove_what_may_go() {
  for (auto object = objects_.begin(); object != objects_.end();) {
    const auto& [name, info] = *object;
    const auto marked = marked_.find(name);
    const auto since = std::max(info.modified, marked == marked_.end() ? now_ : marked->second);
    const auto due = since + k_unreferenced;
    if (due > now_) {
      ++figures_.waiting_objects;
      figures_.waiting_bytes += info.size;
      figures_.next = std::min(figures_.next.value_or(due), due);
      ++object;
      continue;
    }
    AGENT_CHECK(remove(name));
    ++figures_.removed_objects;
    figures_.removed_bytes += info.size;
    object = objects_.erase(object);
  }
  return {};
}

// Marks of which everything is gone.
Result<void> Collection::remove_marks() {
  for (const auto& [name, mark] : marks_) {
    const bool done = std::ranges::none_of(
        mark.names, [&](const std::string& marked) { return objects_.contains(marked); });
    if (done) {
      AGENT_CHECK(remove(name));
    }
  }
  return {};
}

Result<void> Collection::remove(const std::string& name) {
  if (!options_.go_on()) {
    return fail(Errc::cancelled, "collect garbage in {}: put off", storage_.describe());
  }
  return options_.dry_run ? Result<void>() : storage_.remove(name);
}

}  // namespace

Result<RetentionFigures> collect_garbage(backends::ObjectStorage& storage, const Clock& clock,
                                         const RetentionOptions& options) {
  return Collection(storage, clock, options).run();
}

}  // namespace agent::publish
