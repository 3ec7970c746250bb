#include "agent/backends/github_config.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

struct Job {
  std::map<std::string, std::string, std::less<>> variables = {
      {"ACTIONS_RESULTS_URL", "https://results.example/some/path"},
      {"ACTIONS_CACHE_URL", "https://cache.example/tenant"},
      {"ACTIONS_RUNTIME_TOKEN", "jwt"},
      {"GITHUB_SERVER_URL", "https://github.com"}};

  Result<GithubConfig> config(std::string_view url = "github") const {
    AGENT_TRY(const auto parsed, parse_storage_url(url));
    return github_config(parsed, [&](const char* name) {
      const auto found = variables.find(std::string_view(name));
      return found != variables.end() ? found->second : std::string{};
    });
  }
};

TEST(GithubConfig, TakesTheOriginOfVersionTwo) {
  const auto config = Job().config();

  ASSERT_THAT(config, Succeeds());
  EXPECT_EQ(config->service, GithubConfig::Service::v2);
  EXPECT_EQ(config->base, "https://results.example/");
  EXPECT_EQ(config->api, "https://api.github.com");
  EXPECT_TRUE(config->writes());
}

TEST(GithubConfig, SpeaksVersionOneToEnterpriseServersOnly) {
  Job job;
  for (const auto* server : {"https://github.com", "https://octo.ghe.com", "http://github.localhost", ""}) {
    job.variables["GITHUB_SERVER_URL"] = server;
    EXPECT_EQ(job.config()->service, GithubConfig::Service::v2) << server;
  }
  job.variables["GITHUB_SERVER_URL"] = "https://git.example.org";

  const auto config = job.config();

  ASSERT_THAT(config, Succeeds());
  EXPECT_EQ(config->service, GithubConfig::Service::v1);
  EXPECT_EQ(config->base, "https://cache.example/tenant/");
}

TEST(GithubConfig, ObeysTheUrlAndTheCacheMode) {
  Job job;
  job.variables["ACTIONS_CACHE_MODE"] = "read";

  const auto config = job.config("github://?service=v1&patience=3s");

  ASSERT_THAT(config, Succeeds());
  EXPECT_EQ(config->service, GithubConfig::Service::v1);
  EXPECT_EQ(config->patience, std::chrono::seconds(3));
  EXPECT_FALSE(config->writes());
}

TEST(GithubConfig, SaysWhatIsMissingAndWhereItComesFrom) {
  Job job;
  job.variables.erase("ACTIONS_RUNTIME_TOKEN");
  EXPECT_THAT(job.config(), FailsSaying("ACTIONS_RUNTIME_TOKEN"));
  EXPECT_THAT(job.config(), FailsSaying("to actions only"));
  job.variables.clear();
  EXPECT_THAT(job.config(), FailsWith(Errc::denied));
}

TEST(GithubConfig, RefusesWhatItDoesNotUnderstand) {
  for (const auto* url :
       {"github://octo/project", "github://?service=v3", "github://?x=1", "github://?patience=soon"}) {
    EXPECT_THAT(Job().config(url), FailsWith(Errc::invalid)) << url;
  }
}

}  // namespace
}  // namespace agent::backends
