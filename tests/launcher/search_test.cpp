#include "agent/launcher/search.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.hpp"

namespace agent::launcher {
namespace {

namespace fs = std::filesystem;

class LauncherSearch : public testing::Test {
protected:
  fs::path program(const std::string& name) {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "#!/bin/sh\n";
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }

  std::string find(std::string_view name, const std::string& path,
                   std::span<const char* const> ourselves = {}) {
    const std::string home = folder_.path().string();
    const Search search{.path_variable = path.c_str(),
                        .home = home.c_str(),
                        .working_directory = home,
                        .ourselves = ourselves};
    return find_program(name, search, memory_).c_str();
  }

  tests::TempFolder folder_;
  std::array<char, 512> first_{};
  Arena memory_{first_};
};

TEST_F(LauncherSearch, TakesTheFirstProgramOnPath) {
  const auto wanted = program("b/cc");
  program("c/cc");
  fs::create_directories(folder_.path() / "a/cc");
  const auto base = folder_.path().string();

  EXPECT_EQ(find("cc", base + "/none:" + base + "/a:" + base + "/b:" + base + "/c"), wanted);
  EXPECT_EQ(find("cc", base + "/b/:/"), wanted);
  EXPECT_EQ(find("cc", "~/b"), wanted);
  EXPECT_EQ(find("cc", base + "/none"), "");
  EXPECT_EQ(find("", base), "");
}

TEST_F(LauncherSearch, SkipsWhatCannotBeExecuted) {
  const auto file = program("a/cc");
  fs::permissions(file, fs::perms::owner_read);
  const auto wanted = program("b/cc");
  const auto base = folder_.path().string();

  EXPECT_EQ(find("cc", base + "/a:" + base + "/b"), wanted);
}

TEST_F(LauncherSearch, SkipsLinksToOurselves) {
  const auto self = program("self/sccache");
  fs::create_directories(folder_.path() / "a");
  fs::create_symlink(self, folder_.path() / "a/cc");
  const auto wanted = program("b/cc");
  const auto base = folder_.path().string();
  const std::string own = self.string();
  const std::array<const char*, 2> ourselves = {"/nowhere", own.c_str()};

  EXPECT_EQ(find("cc", base + "/a:" + base + "/b", ourselves), wanted);
  EXPECT_EQ(find(base + "/a/cc", base, ourselves), "");
}

TEST_F(LauncherSearch, TakesAPathAsItIs) {
  program("sub/cc");
  const auto base = folder_.path().string();

  EXPECT_EQ(find("./sub/cc", "/"), base + "/./sub/cc");
  EXPECT_EQ(find("sub/../sub/cc", "/"), base + "/sub/../sub/cc");
  EXPECT_EQ(find(base + "/sub/cc", "/"), base + "/sub/cc");
  EXPECT_EQ(find("sub/none", base), "");
}

}  // namespace
}  // namespace agent::launcher
