// Publishers of one tag on a disk directory, with time turned by hand, and a storage whose swaps fail. For
// the tests of the publisher.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/core/guarded.hpp"
#include "agent/publish/publisher.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {

class PublisherFixture : public TagFixture {
protected:
  PublisherOptions options() const {
    PublisherOptions made;
    made.tag = tag_of("refs/heads/main");
    made.producer = "a test";
    made.backoff_first = std::chrono::milliseconds(2);
    made.backoff_limit = std::chrono::milliseconds(20);
    made.spool = folder_.path() / "spool";
    return made;
  }

  PublisherServices services(backends::ObjectStorage* storage) {
    return {.storage = storage, .clock = &manual_, .registry = &registry_, .published = [this] {
              flushed_.change([](int& count) { ++count; });
            }};
  }

  std::unique_ptr<Publisher> publisher(backends::ObjectStorage* storage) {
    return std::make_unique<Publisher>(options(), services(storage));
  }

  void add(Publisher& to, int count, std::string_view prefix = "key") const {
    for (int i = 0; i < count; ++i) {
      to.add(fmt::format("{}/{}", prefix, i), object(fmt::format("content {}", i)));
    }
  }

  // Waits for the publisher's thread to have flushed so often.
  bool flushed(int count) {
    return flushed_.wait_until(std::stop_token{}, std::chrono::steady_clock::now() + std::chrono::seconds(5),
                               [&](int so_far) { return so_far >= count; });
  }

  // Waits for a flush to have failed to its end.
  static bool saw_failure(const Publisher& mine) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (mine.figures().last_error.empty() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return !mine.figures().last_error.empty();
  }

  ManualClock manual_;
  metrics::Registry registry_;
  Guarded<int> flushed_{0};
};

// Every swap answers so until told otherwise.
class BrokenSwap final {
public:
  BrokenSwap(tests::FaultyStorage& storage, Error error) : error_(std::move(error)) {
    storage.set_script([this](tests::Operation operation, std::string_view) -> std::optional<tests::Fault> {
      if (operation != tests::Operation::swap) {
        return std::nullopt;
      }
      const bool broken = broken_;
      tries_.change([](int& count) { ++count; });
      return broken ? std::optional<tests::Fault>(tests::Refuse{error_}) : std::nullopt;
    });
  }

  void repair() { broken_ = false; }
  int tries() {
    return tries_.with([](int count) { return count; });
  }

private:
  Error error_;
  std::atomic<bool> broken_{true};
  Guarded<int> tries_{0};
};

}  // namespace agent::publish
