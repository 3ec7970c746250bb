#include "agent/cli/agent_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/core/log.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::cli {
namespace {

using namespace std::chrono_literals;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

class AgentOptionsTest : public testing::Test {
protected:
  AgentOptionsTest() {
    options_.tag = "my-tag";
    options_.store = "/var/store";
    options_.backend = "none";
  }
  ~AgentOptionsTest() override { log::set_level(log::Level::warn); }

  AgentOptions options_;
};

TEST_F(AgentOptionsTest, BecomeAConfiguration) {
  options_.mode = "read-only";
  options_.repository = "owner/name";
  options_.scope = "refs/pull/7/merge";
  options_.also_scopes = {"refs/heads/main"};
  options_.max_size = "2GiB";
  options_.min_free_space = "0";
  options_.preload_deadline = "250ms";
  options_.drain_deadline = "2m";

  const auto config = to_config(options_);

  ASSERT_THAT(config, Succeeds());
  EXPECT_EQ(config->mode, publish::Mode::read_only);
  EXPECT_EQ(config->chain.own, (publish::TagId{"owner/name", "refs/pull/7/merge", "my-tag"}));
  ASSERT_EQ(config->chain.also.size(), 1U);
  EXPECT_EQ(config->chain.also.front(), (publish::TagId{"owner/name", "refs/heads/main", "my-tag"}));
  EXPECT_EQ(config->max_size_bytes, std::uint64_t{2} << 30U);
  EXPECT_EQ(config->min_free_bytes, 0U);
  EXPECT_EQ(config->preload_deadline, 250ms);
  EXPECT_EQ(config->drain_deadline, 120s);
}

TEST_F(AgentOptionsTest, NameWhatIsWrong) {
  const auto with = [&](auto change) {
    auto options = options_;
    change(options);
    return to_config(options);
  };
  EXPECT_THAT(with([](auto& o) { o.max_size = "lots"; }), FailsSaying("--max-size: 'lots'"));
  EXPECT_THAT(with([](auto& o) { o.min_free_space = "-1"; }), FailsSaying("--min-free-space"));
  EXPECT_THAT(with([](auto& o) { o.preload_deadline = "soon"; }), FailsSaying("--preload-deadline"));
  EXPECT_THAT(with([](auto& o) { o.preload_budget = ""; }), FailsSaying("--preload-budget"));
  EXPECT_THAT(with([](auto& o) { o.drain_deadline = "1h30m"; }), FailsSaying("--drain-deadline"));
  EXPECT_THAT(with([](auto& o) { o.log_level = "loud"; }), FailsSaying("debug, info, warn, error, off"));
  for (const auto* mode : {"", "readwrite", "READ-ONLY ", "on"}) {
    EXPECT_THAT(with([&](auto& o) { o.mode = mode; }), FailsSaying("read-write")) << mode;
    EXPECT_THAT(with([&](auto& o) { o.mode = mode; }), FailsWith(Errc::invalid)) << mode;
  }
}

TEST_F(AgentOptionsTest, TakeOnlyTagsThatAStorageCanName) {
  for (const auto& tag : {std::string(), std::string("a/b"), std::string("a b"), std::string("ümlaut"),
                          std::string("a\n"), std::string(201, 'a')}) {
    options_.tag = tag;
    EXPECT_THAT(to_config(options_), FailsWith(Errc::invalid)) << tag;
  }
  options_.tag = std::string(200, 'a');
  EXPECT_THAT(to_config(options_), Succeeds());
}

}  // namespace
}  // namespace agent::cli
