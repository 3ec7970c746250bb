// An S3 storage in front of a service that answers as a test says.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/backends/builtin.hpp"
#include "agent/backends/s3.hpp"
#include "agent/core/log.hpp"
#include "tests/backends/fake_s3.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::tests {

class S3Fixture : public testing::Test {
protected:
  void SetUp() override { log::set_level(log::Level::off); }
  void TearDown() override { log::set_level(log::Level::warn); }

  Result<std::unique_ptr<backends::S3>> try_open(const std::string& url, net::ClientOptions http = {}) {
    AGENT_TRY(auto address,
              backends::parse_s3_address(backends::parse_storage_url(url).value(), services_.variables));
    return backends::S3::open(std::move(address), services_, std::move(http));
  }

  std::unique_ptr<backends::S3> open() {
    auto storage = try_open(fake_.url());
    EXPECT_THAT(storage, Succeeds());
    return storage ? *std::move(storage) : nullptr;
  }

  // The next `count` requests of a method end so; then all goes well.
  void fail_next(const std::string& method, int count, const FakeS3::Fault& fault) {
    auto left = std::make_shared<std::atomic<int>>(count);
    fake_.set_script([=](const FakeRequest& request) -> std::optional<FakeS3::Fault> {
      return request.head.method == method && left->fetch_sub(1) > 0 ? std::optional(fault) : std::nullopt;
    });
  }

  // Requests since then of a method.
  long requests(std::string_view method) const {
    return std::ranges::count_if(fake_.seen(), [&](const auto& seen) {
      return seen.starts_with(method) || (seen.starts_with("!") && seen.substr(1).starts_with(method));
    });
  }

  // One call of every kind, each with its error.
  static std::vector<std::pair<std::string, std::optional<Error>>> call_all(backends::S3& storage) {
    const auto error_of = [](const auto& result) {
      return result ? std::nullopt : std::optional(result.error());
    };
    return {{"put", error_of(storage.put_if_absent("packs/new", std::string_view("x")))},
            {"get", error_of(storage.get("packs/one", {.offset = 0, .size = 1}))},
            {"read", error_of(storage.read("tags/t"))},
            {"swap", error_of(storage.compare_and_swap("tags/t", "\"e\"", "x"))},
            {"remove", error_of(storage.remove("packs/one"))},
            {"list", error_of(storage.list(""))}};
  }

  SystemClock clock_;
  metrics::Registry registry_;
  backends::StorageServices services_{
      .clock = clock_,
      .registry = registry_,
      .variables = variables_of({{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "confidential"}})};
  FakeS3 fake_;
};

}  // namespace agent::tests
