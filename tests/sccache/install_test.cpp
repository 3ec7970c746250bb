#include "agent/sccache/install.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::sccache {
namespace {

using tests::FailsSaying;
using tests::Succeeds;
using tests::TempFolder;

constexpr std::string_view k_program = "#!/bin/sh\necho sccache 0.16.0\n";

InstallOptions options_for(const fs::path& folder) {
  EXPECT_THAT(io::write_file(folder / "launcher", k_program, {.mode = 0755}), Succeeds());
  EXPECT_THAT(io::write_file(folder / "real", k_program, {.mode = 0755}), Succeeds());
  return {.folder = folder / "job",
          .seen_folder = "/seen/job",
          .launcher = folder / "launcher",
          .real = folder / "real",
          .endpoint = "http://127.0.0.1:7420",
          .token = Secret("bearer"),
          .owner = {.user = ::getuid(), .group = ::getgid()}};
}

TEST(Install, KeepsTheNameSccacheForTheRealOne) {
  const TempFolder temp;

  const auto made = install(options_for(temp.path()));

  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(made->real.filename(), "sccache");
  EXPECT_TRUE(fs::exists(temp.path() / "job/bin" / k_real));
}

TEST(Install, WritesAConfigurationThatOnlyItsOwnerReads) {
  const TempFolder temp;

  ASSERT_THAT(install(options_for(temp.path())), Succeeds());

  const auto conf = temp.path() / "job/bin" / k_conf;
  struct stat status{};
  ASSERT_EQ(::stat(conf.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  const auto text = io::read_file(conf, 64 * 1024);
  ASSERT_THAT(text, Succeeds());
  EXPECT_NE(text->find("real=/seen/job/bin/real/sccache\n"), std::string::npos) << *text;
  EXPECT_NE(text->find("protocol=0.16\n"), std::string::npos) << *text;
  EXPECT_NE(text->find("env.SCCACHE_WEBDAV_TOKEN=bearer\n"), std::string::npos) << *text;
}

TEST(Install, RefusesASocketPathThatTheKernelWouldCut) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.seen_folder = "/" + std::string(100, 'x');

  EXPECT_THAT(install(options), FailsSaying("longer than 107 bytes"));
}

}  // namespace
}  // namespace agent::sccache
