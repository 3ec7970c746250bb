// Packs what was stored locally and adds it to the tag: many objects, few uploads. Small packs are brought
// together in the background (agent/publish/background_compaction.hpp). Thread-safe. One
// background thread; one flush at a time. Every object handed over ends published, still pending, or refused
// with a reason.
//
// It keeps to the storage's pace (backends::Pace), which goes before its own options. Of an upload budget a
// background flush leaves two uploads, a pack and a pointer, to a flush that somebody waits for; that one
// waits only if even these were spent within the last minute, and what it has begun it finishes, conflicts
// included (agent/publish/upload_budget.hpp). What happens when a call fails: docs/architecture.md, "When
// publishing fails".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/run_history.hpp"
#include "agent/publish/tag.hpp"
#include "agent/publish/touch_set.hpp"
#include "agent/store/store.hpp"

namespace agent::publish {

struct PublisherOptions {
  TagId tag;
  Mode mode = Mode::read_write;
  std::string producer;  // for the manifest: "owner/repo ref workflow run", or "local user@host"
  std::size_t flush_objects = 2000;
  std::uint64_t flush_bytes = std::uint64_t{256} << 20U;
  std::chrono::milliseconds flush_idle{10'000};       // a batch nobody adds to any more
  std::chrono::milliseconds flush_idle_small{2'000};  // the same for a batch under 100 objects
  std::chrono::milliseconds flush_age{60'000};        // the most an object waits while more keep coming
  std::chrono::milliseconds backoff_first{1'000};     // after a failure; doubles each time, with jitter
  std::chrono::milliseconds backoff_limit{60'000};
  std::uint64_t pack_bytes = std::uint64_t{1} << 30U;  // of objects; more are published in several packs
  // What may wait, and so be pinned in the local store, once publishing has stopped for good; objects beyond
  // it are refused ("publishing stopped").
  std::uint64_t stopped_bytes = std::uint64_t{1} << 30U;
  std::chrono::milliseconds compaction_delay{
      1'000};                   // after a flush; five times that where packs are limited
  std::uint64_t tag_bytes = 0;  // what the tag may hold; 0: as the storage wants it
  io::fs::path spool;           // packs being built go to sub-folders of it, which are emptied at start
};

// What the publisher's thread is at.
enum class Publishing : std::uint8_t {
  nothing,   // pending, or it does not publish
  waiting,   // for more objects, or for the upload budget
  flushing,  // a batch is on its way
  failing,   // the last flush failed and will be tried again
  stopped,   // for good, unless somebody asks for a flush
};
std::string_view name_of(Publishing publishing);

struct PublisherFigures {
  Publishing now = Publishing::nothing;
  std::uint64_t in_flight = 0;  // of those pending
  std::uint64_t published = 0;
  std::uint64_t generation = 0;  // of the tag after the last flush; 0: none yet
  std::uint64_t pending = 0;
  std::vector<std::pair<std::string, std::uint64_t>> refused;  // reason -> objects
  std::uint64_t flushes = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t retries = 0;
  std::uint64_t rate_limited = 0;  // answers of 429
  std::uint64_t bytes_published = 0;
  std::uint64_t compacted_packs = 0;  // replaced by fewer, larger ones
  std::uint64_t compacted_bytes = 0;  // uploaded for that
  std::string last_error;             // empty: none since the last success
};

class PackCache;

struct PublisherServices {
  backends::ObjectStorage* storage = nullptr;  // null: nothing is published ("no backend" is the refusal)
  const Clock* clock = nullptr;
  metrics::Registry* registry = nullptr;
  std::function<void()> published;   // called after each successful flush, from the publisher's thread
  std::shared_ptr<PackCache> packs;  // TagView::packs() of the same storage; null: its own
};

struct PublisherState;

class Publisher final {
public:
  Publisher(PublisherOptions options, PublisherServices services);
  ~Publisher();  // stops without draining: what is pending stays in the local store only

  // Never blocks on the storage. In read-only or off mode the object counts as refused at once.
  void add(std::string key, store::Stored object);

  // Publishes everything pending now, or gives up at the deadline: what is left stays pending. Failures that
  // may pass are retried until then; publishing that had stopped is tried once more.
  // Errors: cancelled at the deadline (quoting the storage's last error); else the storage's error where
  // retrying cannot help.
  Result<void> flush(std::chrono::milliseconds deadline);

  // What this run came to, if that is worth keeping: goes into the tag's history with what is published from
  // now on, else by `record`.
  void note_run(std::optional<PastRun> run);

  // Records in the tag what of it was used (TagView::used), unless that was done today, and the noted run,
  // unless one of the last hour is there. Nothing where this job does not publish, or the storage has had
  // enough for now: it is recorded another day. Blocks on the storage; call it once everything is published.
  void record(const std::vector<UsedPack>& used);

  PublisherFigures figures() const;

  // Looks at the clock now: for clocks that are turned by hand.
  void wake();

private:
  std::unique_ptr<PublisherState> state_;
};

}  // namespace agent::publish
