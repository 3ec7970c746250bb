// Which record holds which key, in memory: a hash table whose nodes carry their key, in sixteen parts with a
// lock each. Thread-safe; no system calls. About 210 bytes per object with a key of 78 bytes.
//
// A node that is pinned is not in the order of use and is never evicted. A node that leaves the table while
// pinned belongs to its pins from then on: the last one to go gets it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/core/digest.hpp"
#include "agent/core/guarded.hpp"
#include "agent/store/dead_log.hpp"
#include "agent/store/segment.hpp"
#include "agent/store/store.hpp"

namespace agent::store {

// Where an object's record is, and what its bytes are.
struct Located {
  Segment* segment = nullptr;  // counts this record as a user
  std::uint64_t offset = 0;    // of the payload
  std::uint64_t size = 0;
  Digest digest{};
  std::uint32_t crc32c = 0;
};

enum class Trust : std::uint8_t { unchecked, checked };  // against the checksum, since the store was opened

struct Node;
struct NodeDeleter {
  void operator()(Node* node) const;
};
using NodePtr = std::unique_ptr<Node, NodeDeleter>;

// Where its record is in the segment, header and padding included.
DeadExtent extent_of(const Node& node);
const Located& located(const Node& node);

// A record that left the table. `node` is empty while it is pinned: the last unpin returns it.
struct Gone {
  DeadMark mark;
  std::uint64_t end = 0;  // of the record with its padding
  NodePtr node;
};

class Index final {
public:
  Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;
  ~Index();

  enum class Pinned : std::uint8_t { no, yes };
  struct Inserted {
    Node* node = nullptr;          // the key's object from now on; valid while pinned
    std::optional<Gone> replaced;  // the one that is not: the older one or, where that is kept, the new one
  };
  Inserted insert(std::string_view key, const Located& object, Trust trust, Pinned pinned,
                  Present present = Present::replaced);

  struct Found {
    Node* node = nullptr;  // pinned once more
    Located object;
    Trust trust = Trust::unchecked;
  };
  std::optional<Found> find(std::string_view key);

  // Gives one pin back. A node that had left the table is the caller's when this was its last pin.
  NodePtr unpin(Node* node);

  // `node` is pinned by the caller.
  void mark_checked(Node* node);

  std::optional<Gone> erase(std::string_view key);

  // Empty where the node has left the table already. `node` is pinned by the caller.
  std::optional<Gone> erase(Node* node);

  // The least recently used record that nobody has pinned.
  std::optional<Gone> erase_coldest();

  bool contains(std::string_view key) const;

  // Calls `visit` under a part's lock.
  void each_key(std::string_view prefix, const std::function<void(std::string_view key)>& visit) const;

  // The records of one segment that are objects right now, in no order. Calls `visit` under a part's lock.
  void each_in(const Segment& segment,
               const std::function<void(std::string_view key, const Located& object)>& visit) const;

  // Pins the records of the next part of the table that has any; `cursor` starts at 0 and is 0 again after
  // the last part. May see a record twice, or miss a new one, while the table grows.
  std::vector<Found> pin_some(std::uint64_t& cursor);

  std::uint64_t objects() const { return objects_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

private:
  static constexpr std::size_t k_parts = 16;

  struct Part {
    Part();
    std::vector<Node*> buckets;
    std::size_t count = 0;
    Node* newest = nullptr;
    Node* coldest = nullptr;
  };

  Guarded<Part>& part_of(std::uint32_t hash) { return parts_.at(hash % k_parts); }
  const Guarded<Part>& part_of(std::uint32_t hash) const { return parts_.at(hash % k_parts); }
  static Node*& bucket_of(Part& part, std::uint32_t hash);
  static Node* lookup(const Part& part, std::string_view key, std::uint32_t hash);
  static void grow(Part& part);
  void use(Part& part, Node* node);
  static void unuse(Part& part, Node* node);
  static Found pin(Part& part, Node* node);
  Gone take_out(Part& part, Node* node);

  std::array<Guarded<Part>, k_parts> parts_;
  std::atomic<std::uint64_t> uses_{0};
  std::atomic<std::uint64_t> objects_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace agent::store
