#include "agent/store/index.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <new>

#include "agent/store/pack_format.hpp"

namespace agent::store {

// The key's bytes follow the node in the same allocation: one allocation per object, and none per lookup.
struct Node {
  Located object;
  Node* next = nullptr;    // in its bucket
  Node* newer = nullptr;   // in the order of use
  Node* colder = nullptr;  // in the order of use
  std::uint64_t used = 0;
  std::uint32_t hash = 0;
  std::uint32_t pins = 0;
  std::uint16_t key_size = 0;
  Trust trust = Trust::unchecked;
  bool in_table = false;

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }
  DeadMark mark() const { return {.segment = object.segment->number, .offset = object.offset}; }
};

namespace {

constexpr std::size_t k_first_buckets = 64;
constexpr std::uint32_t k_part_bits = 4;

std::uint32_t hash_of(std::string_view key) {
  const std::uint64_t hash = std::hash<std::string_view>{}(key);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

NodePtr make_node(std::string_view key, std::uint32_t hash, const Located& object, Trust trust) {
  void* memory = ::operator new(sizeof(Node) + key.size());
  NodePtr node(new (memory) Node{.object = object, .hash = hash, .trust = trust});
  node->key_size = static_cast<std::uint16_t>(key.size());
  std::memcpy(static_cast<std::byte*>(memory) + sizeof(Node), key.data(), key.size());
  return node;
}

}  // namespace

void NodeDeleter::operator()(Node* node) const {
  node->~Node();
  ::operator delete(node);
}

const Located& located(const Node& node) {
  return node.object;
}

DeadExtent extent_of(const Node& node) {
  const auto begin = node.object.offset - k_record_header_bytes;
  const RecordHeader used{.payload_size = node.object.size, .key_room = node.key_size};
  return {.begin = begin, .end = begin + record_extent(used)};
}

Index::Part::Part() : buckets(k_first_buckets) {}

Index::Index() = default;

Index::~Index() {
  for (auto& guarded : parts_) {
    guarded.with([](Part& part) {
      for (auto* node : part.buckets) {
        while (node != nullptr) {
          const NodePtr gone(std::exchange(node, node->next));
        }
      }
    });
  }
}

Node*& Index::bucket_of(Part& part, std::uint32_t hash) {
  return part.buckets[(hash >> k_part_bits) & (part.buckets.size() - 1)];
}

Node* Index::lookup(const Part& part, std::string_view key, std::uint32_t hash) {
  auto* node = part.buckets[(hash >> k_part_bits) & (part.buckets.size() - 1)];
  while (node != nullptr && (node->hash != hash || node->key() != key)) {
    node = node->next;
  }
  return node;
}

void Index::grow(Part& part) {
  std::vector<Node*> old(part.buckets.size() * 2);
  old.swap(part.buckets);
  for (auto* node : old) {
    while (node != nullptr) {
      auto* moved = std::exchange(node, node->next);
      moved->next = std::exchange(bucket_of(part, moved->hash), moved);
    }
  }
}

// Puts a node at the newest end of the order of use.
void Index::use(Part& part, Node* node) {
  node->used = uses_.fetch_add(1, std::memory_order_relaxed);
  node->newer = nullptr;
  node->colder = std::exchange(part.newest, node);
  (node->colder != nullptr ? node->colder->newer : part.coldest) = node;
}

void Index::unuse(Part& part, Node* node) {
  (node->newer != nullptr ? node->newer->colder : part.newest) = node->colder;
  (node->colder != nullptr ? node->colder->newer : part.coldest) = node->newer;
}

Index::Found Index::pin(Part& part, Node* node) {
  if (node->pins++ == 0) {
    unuse(part, node);
  }
  return {.node = node, .object = node->object, .trust = node->trust};
}

Gone Index::take_out(Part& part, Node* node) {
  auto** link = &bucket_of(part, node->hash);
  while (*link != node) {
    link = &(*link)->next;
  }
  *link = node->next;
  --part.count;
  node->in_table = false;
  objects_.fetch_sub(1, std::memory_order_relaxed);
  bytes_.fetch_sub(node->object.size, std::memory_order_relaxed);
  Gone gone{.mark = node->mark(), .end = extent_of(*node).end, .node = nullptr};
  if (node->pins == 0) {
    unuse(part, node);
    gone.node.reset(node);
  }
  return gone;
}

Index::Inserted Index::insert(std::string_view key, const Located& object, Trust trust, Pinned pinned,
                              Present present) {
  const auto hash = hash_of(key);
  auto made = make_node(key, hash, object, trust);
  made->in_table = true;
  made->pins = pinned == Pinned::yes ? 1 : 0;
  return part_of(hash).with([&](Part& part) {
    Inserted inserted{.node = made.get(), .replaced = {}};
    if (auto* old = lookup(part, key, hash)) {
      if (present == Present::kept) {
        inserted.node = pinned == Pinned::yes ? pin(part, old).node : old;
        made->in_table = false;
        made->pins = 0;
        inserted.replaced = Gone{.mark = made->mark(), .node = std::move(made)};
        return inserted;
      }
      inserted.replaced = take_out(part, old);
    }
    if (part.count == part.buckets.size()) {
      grow(part);
    }
    auto* node = made.release();
    node->next = std::exchange(bucket_of(part, hash), node);
    ++part.count;
    if (node->pins == 0) {
      use(part, node);
    }
    objects_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(object.size, std::memory_order_relaxed);
    return inserted;
  });
}

std::optional<Index::Found> Index::find(std::string_view key) {
  const auto hash = hash_of(key);
  return part_of(hash).with([&](Part& part) -> std::optional<Found> {
    auto* node = lookup(part, key, hash);
    return node == nullptr ? std::optional<Found>{} : pin(part, node);
  });
}

NodePtr Index::unpin(Node* node) {
  return part_of(node->hash).with([&](Part& part) -> NodePtr {
    if (--node->pins > 0) {
      return nullptr;
    }
    if (node->in_table) {
      use(part, node);
      return nullptr;
    }
    return NodePtr(node);
  });
}

void Index::mark_checked(Node* node) {
  part_of(node->hash).with([&](const Part& /*part*/) { node->trust = Trust::checked; });
}

std::optional<Gone> Index::erase(std::string_view key) {
  const auto hash = hash_of(key);
  return part_of(hash).with([&](Part& part) -> std::optional<Gone> {
    auto* node = lookup(part, key, hash);
    return node == nullptr ? std::optional<Gone>{} : take_out(part, node);
  });
}

std::optional<Gone> Index::erase(Node* node) {
  return part_of(node->hash).with([&](Part& part) -> std::optional<Gone> {
    return node->in_table ? std::optional(take_out(part, node)) : std::nullopt;
  });
}

std::optional<Gone> Index::erase_coldest() {
  while (true) {
    Guarded<Part>* coldest = nullptr;
    auto oldest = std::numeric_limits<std::uint64_t>::max();
    for (auto& guarded : parts_) {
      const auto used = guarded.with([](const Part& part) {
        return part.coldest == nullptr ? std::numeric_limits<std::uint64_t>::max() : part.coldest->used;
      });
      if (used < oldest) {
        oldest = used;
        coldest = &guarded;
      }
    }
    if (coldest == nullptr) {
      return std::nullopt;
    }
    auto gone = coldest->with([&](Part& part) -> std::optional<Gone> {
      return part.coldest == nullptr ? std::optional<Gone>{} : take_out(part, part.coldest);
    });
    if (gone) {
      return gone;
    }
  }
}

bool Index::contains(std::string_view key) const {
  const auto hash = hash_of(key);
  return part_of(hash).with([&](const Part& part) { return lookup(part, key, hash) != nullptr; });
}

void Index::each_key(std::string_view prefix, const std::function<void(std::string_view key)>& visit) const {
  for (const auto& guarded : parts_) {
    guarded.with([&](const Part& part) {
      for (const auto* first : part.buckets) {
        for (const auto* node = first; node != nullptr; node = node->next) {
          if (node->key().starts_with(prefix)) {
            visit(node->key());
          }
        }
      }
    });
  }
}

void Index::each_in(const Segment& segment,
                    const std::function<void(std::string_view key, const Located& object)>& visit) const {
  for (const auto& guarded : parts_) {
    guarded.with([&](const Part& part) {
      for (const auto* first : part.buckets) {
        for (const auto* node = first; node != nullptr; node = node->next) {
          if (node->object.segment == &segment) {
            visit(node->key(), node->object);
          }
        }
      }
    });
  }
}

// The cursor counts buckets of one part, then goes on with the next.
std::vector<Index::Found> Index::pin_some(std::uint64_t& cursor) {
  constexpr std::uint64_t k_bucket_bits = 32;
  std::vector<Found> found;
  while (found.empty() && (cursor >> k_bucket_bits) < k_parts) {
    const auto number = cursor >> k_bucket_bits;
    parts_.at(number).with([&](Part& part) {
      auto bucket = cursor & ((std::uint64_t{1} << k_bucket_bits) - 1);
      while (bucket < part.buckets.size() && part.buckets[bucket] == nullptr) {
        ++bucket;
      }
      if (bucket >= part.buckets.size()) {
        cursor = (number + 1) << k_bucket_bits;
        return;
      }
      for (auto* node = part.buckets[bucket]; node != nullptr; node = node->next) {
        found.push_back(pin(part, node));
      }
      cursor = (number << k_bucket_bits) + bucket + 1;
    });
  }
  if (found.empty()) {
    cursor = 0;
  }
  return found;
}

}  // namespace agent::store
