// Local copies of packs that a storage only serves by range: a sparse file of the pack's size, filled in
// chunks, from which objects are answered as from a pack opened in place. One range fetched brings its
// neighbours with it, and one fetch at most is under way for a chunk. Thread-safe; fetching blocks on the
// storage.
//
// A copy is a cache of a cache: nothing in it is trusted before it was compared with its digest, and one
// found wrong is thrown away. Complete copies are kept for the next agent (`<digest>.pack`), others go
// (`<digest>.part`).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::publish {

constexpr std::uint64_t k_copy_chunk_bytes = std::uint64_t{1} << 20U;

class PackCopies;

class PackCopy final : public std::enable_shared_from_this<PackCopy> {
public:
  struct Facts {
    std::string name;  // of the pack in the storage
    std::uint64_t size = 0;
    io::fs::path part;   // where it is built
    io::fs::path whole;  // where it goes once it is complete
    bool complete = false;
  };
  PackCopy(Facts facts, io::Fd file, std::shared_ptr<PackCopies> owner);
  PackCopy(const PackCopy&) = delete;
  PackCopy& operator=(const PackCopy&) = delete;
  ~PackCopy();

  // The range where all of it is here.
  std::optional<io::FileSlice> slice(backends::Range range) const;

  // Brings what is missing of the range, or waits for whoever is bringing it. Errors: not_found (the pack is
  // gone), cancelled (the copy was thrown away), those of the storage.
  Result<void> ensure(backends::ObjectStorage& storage, backends::Range range);

  // The first run of chunks within the range that nobody has fetched or is fetching, of `most_bytes` at most;
  // the caller then owes a fill() of it. Empty: nothing is left to claim. The range is within the pack.
  std::optional<backends::Range> claim(backends::Range within, std::uint64_t most_bytes);
  Result<void> fill(backends::ObjectStorage& storage, backends::Range claimed);

  // Bytes here turned out to be wrong: it answers nothing from now on and is deleted.
  void spoil();
  bool spoiled() const;

  const std::string& name() const { return facts_.name; }
  std::uint64_t size() const { return facts_.size; }

private:
  enum class Chunk : std::uint8_t { absent, under_way, here };
  struct State {
    std::vector<Chunk> chunks;
    std::size_t missing = 0;
    bool spoiled = false;
  };
  struct Run {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  static Run chunks_of(backends::Range range);
  backends::Range range_of(Run run) const;
  static std::optional<Run> absent_in(const State& state, Run within);
  static void mark(State& state, Run run, Chunk as);
  static std::size_t count(const State& state, Run within, Chunk what);
  void settle(Run run, Chunk outcome);
  Result<void> bring(backends::ObjectStorage& storage, backends::Range range);

  Facts facts_;
  io::Fd file_;
  std::shared_ptr<PackCopies> owner_;
  mutable Guarded<State> state_;
};

struct PackCopyOptions {
  io::fs::path folder;
  std::uint64_t budget_bytes = 0;    // of all copies together
  std::uint64_t min_free_bytes = 0;  // of the file system; below it nothing more is copied
};

// The folder of copies; one process uses it at a time. Thread-safe.
class PackCopies final : public std::enable_shared_from_this<PackCopies> {
public:
  // Creates the folder and deletes what is incomplete. Errors: those of the file system.
  static Result<std::shared_ptr<PackCopies>> open(PackCopyOptions options);

  // The copy of a pack, begun where there is none; empty where there is no room even after the copies that
  // nobody uses were deleted, the longest unused first. `name` is the pack's in the storage.
  std::shared_ptr<PackCopy> of(const std::string& name, std::uint64_t size);

  explicit PackCopies(PackCopyOptions options) : options_(std::move(options)) {}

private:
  friend class PackCopy;
  struct Idle {
    std::string file;
    std::uint64_t size = 0;
    io::fs::file_time_type used{};
  };
  struct State {
    std::uint64_t taken = 0;  // by copies in use and idle ones
    std::uint64_t begun = 0;
    std::vector<Idle> idle;  // complete ones that nobody has open
  };
  Result<void> scan();
  bool make_room(State& state, std::uint64_t size) const;
  void put_down(const std::string& whole, std::uint64_t size, bool complete);

  PackCopyOptions options_;
  Guarded<State> state_;
};

}  // namespace agent::publish
