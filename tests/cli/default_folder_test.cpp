#include "agent/cli/default_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>

#include "agent/io/process.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::cli {
namespace {

using tests::FailsSaying;
using tests::Succeeds;

class DefaultFolder : public testing::Test {
protected:
  DefaultFolder() {
    for (const auto* const name : k_variables) {
      before_[name] = io::environment_value(name);
      ::unsetenv(name);
    }
  }
  ~DefaultFolder() override {
    for (const auto* const name : k_variables) {
      before_[name].empty() ? ::unsetenv(name) : ::setenv(name, before_[name].c_str(), 1);
    }
  }

  static constexpr std::array<const char*, 2> k_variables = {"HOME", "XDG_CACHE_HOME"};
  std::map<std::string, std::string> before_;
  tests::TempFolder home_;
};

TEST_F(DefaultFolder, FollowsTheUsersWishes) {
  ::setenv("HOME", "/home/somebody", 1);
  ::setenv("XDG_CACHE_HOME", "/fast/cache", 1);
  EXPECT_EQ(default_folder(), "/fast/cache/hearth");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(default_folder(), "/home/somebody/.cache/hearth");
  EXPECT_EQ(default_store(), "/home/somebody/.cache/hearth/store");
  EXPECT_EQ(default_backend(), "disk:///home/somebody/.cache/hearth/backend");
  ::setenv("HOME", "/", 1);
  EXPECT_EQ(default_folder().string().rfind("/tmp/hearth-", 0), 0U);
}

TEST_F(DefaultFolder, IsCreatedInAnEmptyHomeForTheOwnerOfIt) {
  const unsigned user =
      ::geteuid() == 0 ? 1001 : ::geteuid();  // only root can give away, and only root has to
  ASSERT_THAT(io::give_to(home_.path(), {.user = user, .group = ::getegid()}), Succeeds());
  ::setenv("HOME", home_.path().c_str(), 1);

  ASSERT_THAT(create_default_folder(), Succeeds());
  ASSERT_THAT(create_default_folder(), Succeeds()) << "it is there";

  for (const auto* const folder : {".cache", ".cache/hearth"}) {
    ASSERT_TRUE(io::fs::is_directory(home_.path() / folder));
    EXPECT_EQ(io::owner_of(home_.path() / folder)->user, user) << folder;
  }
}

TEST_F(DefaultFolder, SaysWhatKeepsItFromBeingCreated) {
  ASSERT_THAT(io::write_file(home_.path() / ".cache", "a file"), Succeeds());
  ::setenv("HOME", home_.path().c_str(), 1);

  EXPECT_THAT(create_default_folder(), FailsSaying((home_.path() / ".cache/hearth").string()));
}

}  // namespace
}  // namespace agent::cli
