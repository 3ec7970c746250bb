#include "agent/doctor/build_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Succeeds;

constexpr Span k_run{.began_ms = 1'700'000'000'000, .ended_ms = 1'700'000'060'000};
constexpr std::int64_t k_earlier = k_run.began_ms - 3'600'000;
constexpr std::int64_t k_within = k_run.began_ms + 1000;

void write_at(const io::fs::path& path, std::int64_t at_ms) {
  ASSERT_THAT(io::make_folders(path.parent_path()), Succeeds());
  ASSERT_THAT(io::write_file(path, "x"), Succeeds());
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(at_ms)};
  io::fs::last_write_time(path, std::chrono::file_clock::from_sys(at));
}

void add_unit(const io::fs::path& profile, const std::string& name, std::int64_t at_ms) {
  write_at(profile / ".fingerprint" / name / "invoked.timestamp", at_ms);
}

TEST(CargoOutput, TellsWhatTheRunCompiledFromWhatWasThere) {
  const tests::TempFolder target;
  const auto debug = target.path() / "debug";
  add_unit(debug, "old-0123456789abcdef", k_earlier);
  add_unit(debug, "new-crate-0123456789abcdef", k_within);

  const auto output = cargo_output(target.path(), k_run);

  EXPECT_EQ(output.folder, debug);
  EXPECT_EQ(output.units, 2U);
  EXPECT_EQ(output.written, 1U);
  EXPECT_EQ(output.packages_before, 1U);
}

TEST(CargoOutput, OfAnEarlierBuildOfTheSamePackagesIsNotWarm) {
  const tests::TempFolder target;
  for (const auto* name : {"a", "b", "c"}) {
    add_unit(target.path() / "debug", std::string(name) + "-aaaaaaaaaaaaaaaa", k_earlier);
    add_unit(target.path() / "debug", std::string(name) + "-bbbbbbbbbbbbbbbb", k_within);
  }

  const auto output = cargo_output(target.path(), k_run);

  EXPECT_EQ(output.written, 3U);
  EXPECT_EQ(output.packages_before, 0U);
}

TEST(CargoOutput, IsOfTheProfileThatTheRunWrote) {
  const tests::TempFolder target;
  add_unit(target.path() / "debug", "a-aaaaaaaaaaaaaaaa", k_earlier);
  add_unit(target.path() / "debug", "b-aaaaaaaaaaaaaaaa", k_earlier);
  const auto release = target.path() / "x86_64-unknown-linux-musl" / "release";
  add_unit(release, "a-aaaaaaaaaaaaaaaa", k_within);

  const auto output = cargo_output(target.path(), k_run);

  EXPECT_EQ(output.folder, release);
  EXPECT_EQ(output.packages_before, 0U);
}

TEST(CargoOutput, LeavesOutRunsOfBuildScripts) {
  const tests::TempFolder target;
  write_at(
      target.path() / "debug" / ".fingerprint" / "a-aaaaaaaaaaaaaaaa" / "run-build-script-build-script-build",
      k_within);

  EXPECT_EQ(cargo_output(target.path(), k_run).units, 0U);
}

TEST(CargoOutput, WrittenAfterTheRunIsNeitherWarmNorOfTheRun) {
  const tests::TempFolder target;
  add_unit(target.path() / "debug", "a-aaaaaaaaaaaaaaaa", k_run.ended_ms + 1000);

  const auto output = cargo_output(target.path(), k_run);

  EXPECT_EQ(output.written, 0U);
  EXPECT_EQ(output.packages_before, 0U);
}

TEST(Written, AreObjectsLibrariesAndProgramsOfTheRun) {
  const tests::TempFolder folder;
  write_at(folder.path() / "old.o", k_earlier);
  write_at(folder.path() / "sub" / "new.o", k_within);
  write_at(folder.path() / "libnew.a", k_within);
  write_at(folder.path() / "notes.txt", k_within);
  write_at(folder.path() / "target" / "debug" / "cargos.o", k_within);

  EXPECT_THAT(written_in(folder.path(), k_run, Built::any),
              ElementsAre(folder.path() / "libnew.a", folder.path() / "sub" / "new.o"));
  EXPECT_THAT(written_in(folder.path(), k_run, Built::objects), ElementsAre(folder.path() / "sub" / "new.o"));
  EXPECT_THAT(written_in(folder.path(), {}, Built::any), IsEmpty());
}

}  // namespace
}  // namespace agent::doctor
