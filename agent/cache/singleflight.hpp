// One flight per key: while somebody holds the ticket of a key, others who join wait for it to be given back,
// and then find what the first one brought. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace agent::cache {

class Singleflight final {
public:
  // Holding it is being in flight. Returned when destroyed.
  class Ticket final {
  public:
    Ticket(Singleflight& owner, std::string key) : owner_(owner), key_(std::move(key)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { owner_.leave(key_); }

  private:
    Singleflight& owner_;
    std::string key_;
  };

  // Waits until nobody else flies with this key.
  Ticket join(std::string_view key) {
    std::string name(key);
    std::unique_lock lock(mutex_);
    landed_.wait(lock, [&] { return !flying_.contains(name); });
    flying_.insert(name);
    return {*this, std::move(name)};
  }

private:
  void leave(const std::string& key) {
    {
      const std::scoped_lock lock(mutex_);
      flying_.erase(key);
    }
    landed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable landed_;
  std::set<std::string> flying_;
};

}  // namespace agent::cache
