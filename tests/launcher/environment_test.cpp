#include "agent/launcher/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "agent/launcher/record.hpp"

namespace agent::launcher {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

class LauncherEnvironment : public testing::Test {
protected:
  std::vector<std::string> made(Role role, std::vector<std::string> inherited) {
    text_ = "real=/r\nsocket=/s\nlock=/l\nstate=/e\nenv.NO_PROXY=ours\nenv.SCCACHE_WEBDAV_TOKEN=t\n" +
            extra_ + "x";
    const auto config = parse_config(text_);
    std::vector<char*> entries;
    for (auto& entry : inherited) {
      entries.push_back(entry.data());
    }
    std::vector<std::string> result;
    for (char* const* entry = real_environment(role, *config, entries, memory_); *entry != nullptr; ++entry) {
      result.emplace_back(*entry);
    }
    return result;
  }

  std::string extra_;
  std::string text_;
  std::array<char, 64> first_{};
  Arena memory_{first_};
};

TEST_F(LauncherEnvironment, PutsOurSettingsInPlaceOfForeignOnes) {
  const auto client =
      made(Role::client, {"HOME=/h", "SCCACHE_BUCKET=b", "NO_PROXY=theirs", "SCCACHE_LOG=debug",
                          "SCCACHE_WEBDAV_TOKEN=stolen", "MAKEFLAGS=-j", "SCCACHE_CONF=/theirs"});

  EXPECT_THAT(client,
              ElementsAre("HOME=/h", "SCCACHE_LOG=debug", "MAKEFLAGS=-j", "NO_PROXY=ours",
                          "SCCACHE_WEBDAV_TOKEN=t", "SCCACHE_SERVER_UDS=/s", "SCCACHE_CONF=/dev/null"));
}

TEST_F(LauncherEnvironment, GivesAServerNoJobSlotsAndNoPreloads) {
  const auto server =
      made(Role::server, {"CARGO_MAKEFLAGS=-j", "MAKEFLAGS=-j", "MFLAGS=-j", "LD_PRELOAD=/x", "A=1"});

  EXPECT_THAT(server, Contains("A=1"));
  EXPECT_THAT(server, Contains("SCCACHE_START_SERVER=1"));
  EXPECT_THAT(server, Contains("SCCACHE_NO_DAEMON=1"));
  for (const auto* gone : {"CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "LD_PRELOAD"}) {
    EXPECT_THAT(server, Not(Contains(StartsWith(gone))));
  }
}

TEST_F(LauncherEnvironment, LetsTheInstallerChooseSocketAndConfiguration) {
  extra_ = "env.SCCACHE_CONF=/ours\nenv.SCCACHE_SERVER_UDS=/other\n";
  EXPECT_THAT(made(Role::client, {}), ElementsAre("NO_PROXY=ours", "SCCACHE_WEBDAV_TOKEN=t",
                                                  "SCCACHE_CONF=/ours", "SCCACHE_SERVER_UDS=/other"));
}

TEST(LauncherRecord, WaitsLongerWithEveryFailure) {
  EXPECT_EQ(backoff_ms(0), 0);
  EXPECT_EQ(backoff_ms(1), 1000);
  EXPECT_EQ(backoff_ms(2), 2000);
  EXPECT_EQ(backoff_ms(5), 16'000);
  EXPECT_EQ(backoff_ms(6), 30'000);
  EXPECT_EQ(backoff_ms(4'000'000'000), 30'000);
}

TEST(LauncherText, FormatsNumbersAndCutsLines) {
  Line line;
  line.add(std::int64_t{0}).add(" ").add(std::int64_t{-42}).add(" ").add(std::int64_t{9'000'000'000});
  EXPECT_EQ(line.view(), "0 -42 9000000000");

  const std::string much(3000, 'm');
  EXPECT_EQ(line.add(much).add("never seen").view().size(), 1024);
}

TEST(LauncherText, FindsVariablesByTheirWholeName) {
  std::string longer = "PATHS=1";
  std::string wanted = "PATH=/bin";
  const std::array<char*, 3> environment = {longer.data(), wanted.data(), nullptr};

  EXPECT_STREQ(find_variable(environment.data(), "PATH"), "/bin");
  EXPECT_EQ(find_variable(environment.data(), "PAT"), nullptr);
}

TEST(LauncherText, TakesMemoryBeyondItsFirst) {
  std::array<char, 64> first{};
  Arena memory(first);
  for (const std::size_t size : {std::size_t{10}, std::size_t{100}, std::size_t{5'000'000}, std::size_t{7}}) {
    const auto taken = memory.take(size);
    ASSERT_EQ(taken.size(), size);
    taken.front() = 'a';
    taken.back() = 'b';
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken.data()) % alignof(std::max_align_t), 0);
  }
}

}  // namespace
}  // namespace agent::launcher
