// hearth plan --measure with the real make and the real CMake: what a build without a cache is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/io/process.hpp"
#include "tests/cli/program_fixture.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::cli {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// With an sccache on PATH that notes when it is called, and temporary files in a folder of the test's.
class PlanMeasure : public Program {
protected:
  PlanMeasure() {
    write(tools_ / "sccache", "#!/bin/sh\ntouch '" + called_.string() + "'\nexec \"$@\"\n");
    fs::permissions(tools_ / "sccache", fs::perms::owner_all);
    write(project_ / "a.cpp", "#include <iostream>\nint main() {}\n");
    fs::create_directories(temporary_);
    set("PATH", tools_.string() + ":" + io::environment_value("PATH"));
    set("TMPDIR", temporary_.string());
    set("CXX", "sccache c++");
  }
  ~PlanMeasure() override {
    for (const auto& [name, value] : before_test_) {
      value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
    }
  }

  static void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    ASSERT_THAT(io::write_file(path, text), tests::Succeeds());
  }

  Outcome measured() {
    return hearth({"plan", "--measure", "--json", "--project", project_.string(), "--store",
                   (folder_.path() / "store").string()});
  }

  fs::path tools_ = folder_.path() / "bin";
  fs::path called_ = folder_.path() / "called";
  fs::path project_ = folder_.path() / "project";
  fs::path temporary_ = folder_.path() / "tmp";

private:
  void set(const std::string& name, const std::string& value) {
    before_test_.emplace_back(name, io::environment_value(name.c_str()));
    ::setenv(name.c_str(), value.c_str(), 1);
  }

  std::vector<std::pair<std::string, std::string>> before_test_;
};

TEST_F(PlanMeasure, BuildsAMakeProjectWithoutSccache) {
  write(project_ / "Makefile", "a: a.cpp\n\t$(CXX) a.cpp -o a\nclean:\n\trm -f a\n");

  const auto plan = measured();

  EXPECT_EQ(plan.code, k_ok) << plan.errors;
  EXPECT_FALSE(fs::exists(called_));
  EXPECT_TRUE(fs::exists(project_ / "a"));
  const auto json = io::parse_json(plan.output, "plan");
  ASSERT_THAT(json, tests::Succeeds());
  EXPECT_EQ((*json)["job"]["max_tasks"].count(), 1U);
}

TEST_F(PlanMeasure, LeavesNothingOfACMakeBuildBehind) {
  ::unsetenv("CXX");
  write(project_ / "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.16)\nproject(a LANGUAGES CXX)\nadd_executable(a a.cpp)\n");
  write(project_ / "build-hearth-bench" / "of-somebody-else", "");

  const auto plan = measured();

  EXPECT_EQ(plan.code, k_ok) << plan.errors;
  EXPECT_THAT(names_in(project_), UnorderedElementsAre("CMakeLists.txt", "a.cpp", "build-hearth-bench"));
  EXPECT_TRUE(fs::exists(project_ / "build-hearth-bench" / "of-somebody-else"));
  EXPECT_THAT(names_in(temporary_), IsEmpty());
}

}  // namespace
}  // namespace agent::cli
