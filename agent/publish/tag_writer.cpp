#include "agent/publish/tag_writer.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::publish {

namespace {

constexpr unsigned k_most_conflicts = 25;

bool gone_for_good(Errc code) {
  return code == Errc::not_found || code == Errc::corrupt || code == Errc::unsupported;
}

void remove_file(const io::fs::path& path) {
  std::error_code ignored;
  io::fs::remove(path, ignored);
}

}  // namespace

TagWriter::TagWriter(TagWriterOptions options, TagWriterServices services)
    : options_(std::move(options)), services_(std::move(services)) {
  std::error_code ignored;
  io::fs::remove_all(options_.folder, ignored);  // what a killed agent was building
}

TagWriter::~TagWriter() {
  forget_if([](const Prepared&) { return true; });
}

Result<TagWriter::Outcome> TagWriter::publish(const std::vector<store::PackItem>& items) {
  Outcome outcome;
  for (unsigned conflicts = 1;; ++conflicts) {
    const auto done = step(items, outcome);
    if (done) {
      forget_if([](const Prepared&) { return true; });
      return outcome;
    }
    if (done.error().code != Errc::conflict) {
      return std::unexpected(done.error());
    }
    services_.conflict();
    if (conflicts == k_most_conflicts) {
      return std::unexpected(done.error());
    }
    if (!services_.pause(conflict_pause(conflicts))) {
      return fail(Errc::cancelled, "publish {}: stopped", options_.tag.tag);
    }
  }
}

// One try against the head as it is now.
Result<void> TagWriter::step(const std::vector<store::PackItem>& items, Outcome& outcome) {
  forget_old();
  AGENT_TRY(const auto head, read_head(services_.storage, options_.tag));
  AGENT_CHECK(hold(head.manifest));
  // A pack of ours that was taken out again cannot come back; what it held and nothing else does goes into
  // another.
  forget_if([&](const Prepared& prepared) { return head.manifest.buried(prepared.record.digest); });
  std::vector<store::PackItem> missing;
  std::ranges::copy_if(items, std::back_inserter(missing), [&](const store::PackItem& item) {
    return !live(item) && !covered(item) &&
           std::ranges::find(outcome.unreadable, item.key) == outcome.unreadable.end();
  });
  if (!missing.empty()) {
    AGENT_CHECK(build(std::move(missing), outcome));
  }
  std::vector<PackRecord> packs;
  for (auto& prepared : prepared_) {
    if (head.manifest.find(prepared.record.digest) == nullptr && is_needed(prepared, items)) {
      AGENT_CHECK(upload(prepared));
      packs.push_back(prepared.record);
    }
  }
  if (packs.empty() && head.passed_over.empty()) {
    outcome.generation = head.generation;
    return {};
  }
  if (forget_old()) {  // the machine slept after the upload
    return step(items, outcome);
  }
  AGENT_CHECK(swap(head, packs));
  if (forget_old()) {  // or in the middle of the swap
    return step(items, outcome);
  }
  outcome.generation = head.generation + 1;
  return {};
}

// Holds the index of exactly this manifest, as far as its packs can be read.
Result<void> TagWriter::hold(const Manifest& manifest) {
  std::vector<ScopedPack> packs;
  packs.reserve(manifest.packs.size());
  const auto removed = shared_removed(manifest);
  for (const auto& record : manifest.packs) {
    auto pack = services_.packs->load(services_.storage, record);
    if (pack) {
      packs.push_back({.scope = 0, .pack = *std::move(pack), .removed = removed});
    } else if (!gone_for_good(pack.error().code)) {
      loaded_ = std::move(packs);
      return std::unexpected(std::move(pack).error());
    }
  }
  loaded_.clear();
  table_.hold(packs);
  return {};
}

bool TagWriter::live(const store::PackItem& item) const {
  const auto found = table_.find(item.key);
  return found && found->pack->index.at(found->position).digest == item.object.digest &&
         !services_.packs->distrusted(found->pack->record.digest, item.key);
}

bool TagWriter::holds(const Prepared& prepared, const store::PackItem& item) {
  const auto found = prepared.holds.find(item.key);
  return found != prepared.holds.end() && found->second == item.object.digest;
}

bool TagWriter::covered(const store::PackItem& item) const {
  return std::ranges::any_of(prepared_, [&](const Prepared& prepared) { return holds(prepared, item); });
}

bool TagWriter::is_needed(const Prepared& prepared, const std::vector<store::PackItem>& items) const {
  return std::ranges::any_of(
      items, [&](const store::PackItem& item) { return holds(prepared, item) && !live(item); });
}

Result<void> TagWriter::build(std::vector<store::PackItem> items, Outcome& outcome) {
  AGENT_CHECK(io::make_folders(options_.folder));
  const auto path = options_.folder / fmt::format("{}.pack", next_file_++);
  const BuildTime begun(services_.clock);
  auto built = store::write_pack(path, items);
  if (!built && built.error().code == Errc::corrupt) {
    const auto wrong = std::ranges::stable_partition(items, [](const store::PackItem& item) {
      return io::matches_crc(item.object.slice, item.object.crc32c);
    });
    std::ranges::transform(wrong, std::back_inserter(outcome.unreadable), &store::PackItem::key);
    if (wrong.empty()) {
      return std::unexpected(std::move(built).error());
    }
    items.erase(wrong.begin(), wrong.end());
    return items.empty() ? Result<void>{} : build(std::move(items), outcome);
  }
  if (!built) {
    return with_context("build pack", std::move(built).error());
  }
  last_created_ms_ = std::max(milliseconds_of(services_.clock.wall()), last_created_ms_ + 1);
  Prepared prepared{.record = {.digest = built->footer_digest,
                               .size_bytes = built->size_bytes,
                               .footer_offset = built->footer_offset,
                               .footer_size = built->footer_size,
                               .live_bytes = built->live_bytes,
                               .generation = 0,
                               .created_ms = last_created_ms_,
                               .objects = static_cast<std::uint32_t>(built->entries),
                               .producer = options_.producer},
                    .path = path,
                    .built = begun,
                    .holds = {}};
  for (auto& item : items) {
    prepared.holds.emplace(std::move(item.key), item.object.digest);
  }
  prepared_.push_back(std::move(prepared));
  return {};
}

Result<void> TagWriter::upload(Prepared& prepared) {
  if (prepared.path.empty()) {
    return {};
  }
  auto opened = io::slice_of_file(prepared.path.string());
  if (!opened) {  // the spool was cleared under us: the next try builds it again
    prepared.holds.clear();
    return fail(Errc::io, "upload: {}", opened.error().message);
  }
  const auto file = *std::move(opened);
  AGENT_CHECK(services_.storage.put_if_absent(pack_name(prepared.record.digest), file));
  services_.uploaded(prepared.record.size_bytes);
  if (auto index = store::PackIndex::of_file(file)) {  // what is here need not be read back
    services_.packs->adopt(prepared.record.digest, *std::move(index));
  }
  remove_file(std::exchange(prepared.path, {}));
  return {};
}

Result<void> TagWriter::swap(const Head& head, const std::vector<PackRecord>& packs) {
  auto next = merged(head.manifest, packs, step_after(head, services_.clock));
  if (const auto run = services_.run ? services_.run() : std::nullopt) {
    add_run(next, *run);
  }
  auto swapped = replace_head(services_.storage, options_.tag, head, next);
  if (!swapped && is_ambiguous(swapped.error().code)) {
    const auto now = read_head(services_.storage, options_.tag);
    const auto was_added = [&](const PackRecord& pack) {  // and perhaps compacted away since
      return now->manifest.find(pack.digest) != nullptr || now->manifest.buried(pack.digest);
    };
    if (now && std::ranges::all_of(packs, was_added)) {
      log::info("publish: the answer was lost but the swap was made tag={}", options_.tag.tag);
      return {};
    }
  }
  return swapped;
}

// Whether there were any. What the cache knows of them is from before: whether they are there only the
// storage can say.
bool TagWriter::forget_old() {
  return forget_if([&](const Prepared& prepared) {
    const bool old = prepared.built.is_too_long_ago(services_.clock);
    if (old) {
      services_.packs->forget(prepared.record.digest);
    }
    return old;
  });
}

bool TagWriter::forget_if(const std::function<bool(const Prepared&)>& unwanted) {
  const auto gone = std::erase_if(prepared_, [&](const Prepared& prepared) {
    const bool goes = unwanted(prepared);
    if (goes && !prepared.path.empty()) {
      remove_file(prepared.path);
    }
    return goes;
  });
  return gone > 0;
}

std::chrono::milliseconds TagWriter::conflict_pause(unsigned conflicts) {
  constexpr unsigned k_most_doublings = 6;
  const auto whole = options_.conflict_pause * (1U << std::min(conflicts - 1, k_most_doublings));
  std::uniform_int_distribution<std::int64_t> draw(0, whole.count());
  return std::chrono::milliseconds(draw(random_));
}

}  // namespace agent::publish
