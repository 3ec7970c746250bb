// Jobs that share one storage in a folder, each with a store of its own.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/cache/job.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::cache {

using publish::Mode;
using tests::Job;
using tests::Succeeds;

class CacheTest : public testing::Test {
protected:
  std::unique_ptr<Job> job(const std::string& name, tests::JobOptions options = {}) {
    options.folder = folder_.path() / name;
    return std::make_unique<Job>(options);
  }
  std::unique_ptr<Job> job_on(backends::ObjectStorage& storage, const std::string& name,
                              Mode mode = Mode::read_write) {
    return job(name, {.storage = &storage, .mode = mode});
  }
  // Leaves `key` with `bytes` in the tag, published by a job that is over.
  void publish(std::string_view key, std::string_view bytes) {
    const auto earlier = job_on(*disk_, "earlier");
    ASSERT_THAT(earlier->put(key, bytes), Succeeds());
    earlier->publish();
  }

  // "sccache/0", "sccache/1", … in one pack.
  void publish_many(int count) {
    const auto earlier = job_on(*disk_, "earlier");
    for (int i = 0; i < count; ++i) {
      ASSERT_THAT(earlier->put(fmt::format("sccache/{}", i), fmt::format("bytes of {}", i)), Succeeds());
    }
    earlier->publish();
  }

  SystemClock clock_;
  tests::TempFolder folder_{tests::memory_folder()};
  std::unique_ptr<backends::ObjectStorage> disk_ =
      *backends::DiskDirectory::open(folder_.path() / "backend", clock_);
};

}  // namespace agent::cache
