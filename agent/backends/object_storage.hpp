// Where packs, manifests and pointers live beyond one machine. One file per implementation and one line in
// builtin.def. Thread-safe; calls block on disk or network up to the implementation's own time limits.
//
// Names are relative paths of [A-Za-z0-9._-] segments joined by '/', at most 400 bytes, no segment "." or
// "..". Those that begin with "tags/" are read with `read` and moved with `compare_and_swap`; all others are
// written once: a storage may keep the two kinds differently. Errors of every call: transient (retry_after
// where known), denied, full, io, invalid (bad name), cancelled.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/io/process.hpp"
#include "agent/metrics/registry.hpp"

namespace agent::backends {

// What is uploaded: bytes in memory or an extent of a file.
using Source = std::variant<std::string_view, io::FileSlice>;

enum class Put : std::uint8_t { created, existed };

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// A small object with the token that a compare-and-swap expects (an ETag, a generation, a digest).
struct Versioned {
  std::string content;
  std::string version;

  // What others wrote beside `content` and is not in it, because they vanished before they could see that. A
  // writer merges these into what he swaps in with this version, and swaps even if he has nothing of his own
  // to add: after that they are not shown again.
  std::vector<std::string> also = {};
};

struct ObjectInfo {
  std::string name;
  std::uint64_t size = 0;
  Wall modified{};  // by the storage's clock
  // Storages with areas that not everybody may read (GitHub: one per ref) say where it lies; what is in an
  // area refers to nothing outside of it.
  std::string area = {};
};

// What a storage with a limit holds.
struct Usage {
  std::uint64_t bytes = 0;
  std::uint64_t limit_bytes = 0;  // beyond it the storage removes what it likes
};

// How a storage wants to be written to; the publisher keeps to it. Zero is the publisher's own default.
struct Pace {
  unsigned uploads_per_minute = 0;         // creations and swaps together; 0: any number
  std::uint64_t flush_bytes = 0;           // pending bytes that start a flush
  std::chrono::milliseconds flush_age{0};  // the most an object waits; set, idleness alone starts no flush
  std::uint64_t pack_bytes = 0;            // the largest pack
  std::size_t packs = 0;                   // how many a tag should have; compaction keeps to it
  std::uint64_t tag_bytes = 0;             // how much a tag may hold; 0: as much as it likes
};

class ObjectStorage {
public:
  virtual ~ObjectStorage() = default;

  virtual Pace pace() const { return {}; }

  // For people and logs: the URL without secrets.
  virtual std::string describe() const = 0;

  // Never replaces; after it returns, readers see all of it or nothing, and it survives a crash of this
  // machine.
  virtual Result<Put> put_if_absent(std::string_view name, const Source& source) = 0;

  // The range's bytes; empty where the object does not exist. Errors: corrupt (object ends before the range
  // does).
  virtual Result<std::optional<std::string>> get(std::string_view name, Range range) = 0;

  // Whether open_in_place() works here.
  virtual bool opens_in_place() const { return false; }

  // The object as an open file, where this storage can (disk); empty where it does not exist.
  // Errors: unsupported where only ranged reads are possible.
  virtual Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) = 0;

  // A small object (at most 16 MiB) with its version; empty where it does not exist.
  virtual Result<std::optional<Versioned>> read(std::string_view name) = 0;

  // Replaces the content if the version is still `expected` (empty: if it does not exist); returns the new
  // version. Errors: conflict where somebody else moved it.
  virtual Result<std::string> compare_and_swap(std::string_view name,
                                               const std::optional<std::string>& expected,
                                               std::string_view content) = 0;

  // Removing what does not exist succeeds.
  virtual Result<void> remove(std::string_view name) = 0;

  // Everything whose name starts with `prefix`, in no particular order.
  virtual Result<std::vector<ObjectInfo>> list(std::string_view prefix) = 0;

  // Removes what the storage keeps for its own sake and needs no more, such as earlier versions of what
  // moves, while `go_on` says so; how many. With `dry_run` it only counts.
  virtual Result<std::uint64_t> tidy(bool /*dry_run*/, const std::function<bool()>& /*go_on*/) {
    return std::uint64_t{0};
  }

  // Empty where the storage has no limit, or does not tell us.
  virtual Result<std::optional<Usage>> usage() { return std::optional<Usage>{}; }
};

// The value of an environment variable, empty where it is not set. Credentials come this way, so that they
// need not be in the environment of the process: a sibling container gets them as a file.
using Variables = std::function<std::string(const char* name)>;

// What opening makes of a folder that does not exist. Whoever publishes has it created. To whoever only looks
// a missing folder is a mistake in its name, unless nothing was ever published there; neither creates
// anything, not even in a folder that does exist.
enum class Absent : std::uint8_t { created, refused, empty };

struct StorageServices {
  const Clock& clock;
  metrics::Registry& registry;
  Variables variables = io::environment_value;
  Absent absent = Absent::created;
};

// Opens "disk:///folder", "s3://…"; the scheme picks the line of builtin.def. Counts every call in
// hearth_backend_calls_total{operation} and errors in hearth_backend_errors_total{operation,code}.
// Errors: invalid (unknown scheme: the text lists the known ones; malformed URL), denied, io.
Result<std::unique_ptr<ObjectStorage>> open_storage(std::string_view url, const StorageServices& services);

}  // namespace agent::backends
