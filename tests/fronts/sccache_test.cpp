#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "agent/fronts/front.hpp"
#include "tests/cache/job.hpp"
#include "tests/fronts/dialogue.hpp"
#include "tests/support/ranged_storage.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::fronts {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using tests::ask;
using tests::body_of;
using tests::Job;
using tests::Succeeds;

constexpr auto k_key = "a/b/c/abc0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";

class SccacheFront : public testing::Test {
protected:
  void start(tests::JobOptions options = {}) {
    fronts_.clear();
    job_.reset();
    options.folder = folder_.path() / "store";
    job_ = std::make_unique<Job>(options);
    fronts_ = make_fronts({.cache = job_->cache(), .registry = job_->registry()});
  }
  void SetUp() override { start(); }

  Front& front() {
    for (const auto& front : fronts_) {
      if (front->name() == "sccache") {
        return *front;
      }
    }
    throw std::logic_error("no front named sccache");
  }
  std::vector<std::string> stored_keys() const {
    std::vector<std::string> keys;
    job_->store().each_key("",
                           [&](std::string_view key) { keys.emplace_back(key.substr(key.find('/') + 1)); });
    return keys;
  }

  tests::TempFolder folder_{tests::memory_folder()};
  std::unique_ptr<Job> job_;
  std::vector<std::unique_ptr<Front>> fronts_;
};

TEST_F(SccacheFront, AnswersWhatWasPut) {
  EXPECT_EQ(ask(front(), "GET", k_key).status, 404);
  const std::string entry("PK\x03\x04 zip \0 bytes", 16);

  EXPECT_EQ(ask(front(), "PUT", k_key, entry).status, 201);

  const auto answer = ask(front(), "GET", k_key);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(body_of(answer), entry);
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/octet-stream");
  EXPECT_EQ(ask(front(), "HEAD", k_key).status, 200);
  EXPECT_EQ(ask(front(), "HEAD", "a/b/c/other").status, 404);
}

TEST_F(SccacheFront, TakesBodiesOfUnknownLength) {
  const std::string entry(10'000, 'x');
  EXPECT_EQ(ask(front(), "PUT", k_key, entry, tests::Length::chunked).status, 201);
  EXPECT_EQ(body_of(ask(front(), "GET", k_key)), entry);
}

TEST_F(SccacheFront, ReplacesAnEntryThatIsPutAgain) {
  // sccache rewrites an entry it could not read.
  ask(front(), "PUT", k_key, "first");
  ask(front(), "PUT", k_key, "second");
  EXPECT_EQ(body_of(ask(front(), "GET", k_key)), "second");
}

// A failed write of the probe makes sccache read-only for its server's life; a probe in the cache is noise.
TEST_F(SccacheFront, NeverStoresTheProbeAtAnyDepth) {
  for (const auto* path : {".sccache_check", "prefix/.sccache_check", "a/b/c/.sccache_check"}) {
    EXPECT_EQ(ask(front(), "GET", path).status, 404) << path;
    EXPECT_EQ(ask(front(), "PUT", path, "Hello, World!").status, 201) << path;
    EXPECT_EQ(ask(front(), "GET", path).status, 404) << path;
  }
  EXPECT_THAT(stored_keys(), IsEmpty());
}

TEST_F(SccacheFront, TakesOnlyTheProbeForTheProbe) {
  for (const auto* path : {"x.sccache_check", ".sccache_check/a", ".sccache_check2"}) {
    EXPECT_EQ(ask(front(), "PUT", path, "bytes").status, 201) << path;
    EXPECT_EQ(ask(front(), "GET", path).status, 200) << path;
  }
}

TEST_F(SccacheFront, AnswersTheProbeWhateverStateItIsIn) {
  for (const auto mode : {publish::Mode::read_only, publish::Mode::write_only, publish::Mode::off}) {
    start({.mode = mode});
    EXPECT_EQ(ask(front(), "GET", ".sccache_check").status, 404);
    EXPECT_EQ(ask(front(), "PUT", ".sccache_check", "Hello, World!").status, 201);
    EXPECT_EQ(ask(front(), "PUT", k_key, "bytes").status, 201);
  }
}

TEST_F(SccacheFront, KeepsAPrefixInTheKey) {
  ask(front(), "PUT", std::string("linux/x86_64/") + k_key, "with prefix");
  ask(front(), "PUT", k_key, "without");

  EXPECT_THAT(stored_keys(), testing::UnorderedElementsAre(std::string("sccache/linux/x86_64/") + k_key,
                                                           std::string("sccache/") + k_key));
  EXPECT_EQ(body_of(ask(front(), "GET", std::string("linux/x86_64/") + k_key)), "with prefix");
}

// With a collection for every PROPFIND a store is one PROPFIND and one PUT; otherwise 4 + 3 MKCOL.
TEST_F(SccacheFront, SaysThatEveryFolderExists) {
  for (const auto* path : {"", "a/", "a/b/c/", "prefix/a/b/c/"}) {
    const auto answer = ask(front(), "PROPFIND", path);
    EXPECT_EQ(answer.status, 207) << path;
    EXPECT_THAT(body_of(answer), HasSubstr("<resourcetype><collection/></resourcetype>"));
    EXPECT_THAT(body_of(answer), HasSubstr("Sun, 01 May 2022 06:39:47 GMT"));
    EXPECT_THAT(std::string(answer.headers.get("Content-Type")), HasSubstr("xml"));
    EXPECT_EQ(ask(front(), "MKCOL", path).status, 201) << path;
  }
}

TEST_F(SccacheFront, NamesTheMethodsItKnows) {
  const auto options = ask(front(), "OPTIONS", "");
  EXPECT_EQ(options.status, 200);
  EXPECT_EQ(options.headers.get("DAV"), "1");
  for (const auto* method : {"DELETE", "POST", "MOVE", "COPY", "LOCK", "PATCH", "get", "BREW"}) {
    const auto answer = ask(front(), method, k_key);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(std::string(answer.headers.get("Allow")), HasSubstr("PROPFIND"));
  }
}

TEST_F(SccacheFront, StoresNothingWithoutAKey) {
  for (const auto* path : {"", "a/", "a/b/c/"}) {
    EXPECT_EQ(ask(front(), "PUT", path, "bytes").status, 400) << path;
  }
  EXPECT_EQ(ask(front(), "PUT", std::string(1100, 'k'), "bytes").status, 400);
  EXPECT_EQ(ask(front(), "GET", "").status, 404);
  EXPECT_EQ(ask(front(), "GET", std::string(1100, 'k')).status, 404);
  EXPECT_THAT(stored_keys(), IsEmpty());
}

TEST_F(SccacheFront, SaysWhenTheStoreIsFull) {
  start({.max_size_bytes = std::uint64_t{4} << 20U});
  const std::string object(std::size_t{1} << 20U, 'x');
  std::vector<cache::Hit> pinned;  // what is being read cannot make room
  int status = 201;
  for (int i = 0; status == 201 && i < 10; ++i) {
    const auto key = std::to_string(i);
    status = ask(front(), "PUT", key, object).status;
    if (auto hit = job_->cache().find("sccache/" + key)) {
      pinned.push_back(*std::move(hit));
    }
  }
  EXPECT_EQ(status, 507);
  EXPECT_FALSE(pinned.empty());
  EXPECT_EQ(job_->registry().total("hearth_stores_failed_total"), 1U);
}

TEST_F(SccacheFront, RefusesAndCountsObjectsThatAreTooLarge) {
  start({.max_object_bytes = 1500});
  EXPECT_EQ(ask(front(), "PUT", k_key, std::string(1501, 'x')).status, 400);
  EXPECT_EQ(job_->registry().total("hearth_stores_failed_total"), 1U);
  EXPECT_EQ(ask(front(), "PUT", k_key, std::string(1501, 'x'), tests::Length::chunked).status, 599);
  EXPECT_EQ(job_->registry().total("hearth_stores_failed_total"), 2U);
  EXPECT_EQ(ask(front(), "GET", k_key).status, 404);
}

// A storage that does not answer must hold up who waits for its objects, and nobody else.
TEST_F(SccacheFront, FetchesBesideTheEventLoop) {
  const SystemClock clock;
  auto disk = backends::DiskDirectory::open(folder_.path() / "backend", clock);
  ASSERT_THAT(disk, Succeeds());
  tests::RangedStorage remote(**disk);
  start({.storage = &remote});
  ask(front(), "PUT", "remote", "bytes");
  job_->publish();
  std::filesystem::remove_all(folder_.path() / "store");
  start({.storage = &remote});
  ask(front(), "PUT", "local", "bytes");
  std::promise<void> go;
  remote.set_fate([going = go.get_future().share()](std::string bytes) {
    going.wait_for(std::chrono::seconds(30));
    return Result<std::optional<std::string>>(std::move(bytes));
  });

  std::promise<net::Response> answered;
  net::Responder respond([&](net::Response response) { answered.set_value(std::move(response)); });
  const net::Request request{.method = "GET", .path = "/sccache/remote"};
  const auto decision = front().handle(request, "remote", respond);

  EXPECT_TRUE(std::holds_alternative<net::Accepted>(decision));
  auto answer = answered.get_future();
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(ask(front(), "GET", "local").status, 200);
  EXPECT_EQ(ask(front(), "GET", "absent").status, 404);
  go.set_value();
  EXPECT_EQ(body_of(answer.get()), "bytes");
  EXPECT_EQ(job_->registry().find_histogram("hearth_hit_seconds")->count(), 2U);
}

TEST_F(SccacheFront, MeasuresHitsOnly) {
  ask(front(), "GET", k_key);
  ask(front(), "PUT", k_key, "bytes");
  const auto* seconds = job_->registry().find_histogram("hearth_hit_seconds");
  ASSERT_NE(seconds, nullptr);
  EXPECT_EQ(seconds->count(), 0U);

  ask(front(), "GET", k_key);

  EXPECT_EQ(seconds->count(), 1U);
}

}  // namespace
}  // namespace agent::fronts
