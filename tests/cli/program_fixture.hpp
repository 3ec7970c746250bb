// The program as its main() calls it, in a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/cli/command.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::cli {

struct Outcome {
  int code = 0;
  std::string output;
  std::string errors;
};

// In a folder without .hearth.yml or toolchain file.
class Program : public testing::Test {
protected:
  Program() { std::filesystem::current_path(folder_.path()); }
  ~Program() override { std::filesystem::current_path(before_); }

  static Outcome hearth(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "hearth");
    std::vector<char*> pointers;
    for (auto& argument : arguments) {
      pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run_program(static_cast<int>(arguments.size()), pointers.data());
    std::fflush(stdout);
    return {.code = code,
            .output = testing::internal::GetCapturedStdout(),
            .errors = testing::internal::GetCapturedStderr()};
  }

  std::filesystem::path before_ = std::filesystem::current_path();
  tests::TempFolder folder_;
};

}  // namespace agent::cli
