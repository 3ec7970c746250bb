// The objects that wait for publishing, in the order they came. Of one key the newest object counts, in the
// place of the first. A value without locks; whoever owns it guards it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/store/pack_writer.hpp"

namespace agent::publish {

struct PendingObject {
  std::uint64_t number = 0;  // place in the order
  Steady added{};
  store::PackItem item;
};

class PendingObjects final {
public:
  void add(std::string key, store::Stored object, Steady now);

  // Removes the oldest ones: as many as one pack may hold, at least one.
  struct Limit {
    std::size_t objects = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<PendingObject> take(const Limit& limit);

  // Gives back what was taken. Keys that came again meanwhile keep the newer object.
  void put_back(std::vector<PendingObject> objects);

  std::size_t size() const { return objects_.size(); }
  bool empty() const { return objects_.empty(); }
  std::uint64_t bytes() const { return bytes_; }

  std::uint64_t next_number() const { return next_number_; }
  // Of the oldest one. REQUIRES: not empty.
  std::uint64_t first_number() const { return objects_.begin()->first; }
  Steady first_added() const { return objects_.begin()->second.added; }
  Steady last_added() const { return last_added_; }

private:
  std::map<std::uint64_t, PendingObject> objects_;
  std::unordered_map<std::string, std::uint64_t> numbers_;
  std::uint64_t next_number_ = 0;
  std::uint64_t bytes_ = 0;
  Steady last_added_{};
};

}  // namespace agent::publish
