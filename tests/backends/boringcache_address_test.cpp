#include "agent/backends/boringcache_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using agent::tests::FailsSaying;
using agent::tests::FailsWith;

Variables variables(std::map<std::string, std::string> values = {}) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found != values.end() ? found->second : std::string();
  };
}

Result<BoringcacheAddress> parse(std::string_view text, const Variables& environment = variables()) {
  AGENT_TRY(const auto url, parse_storage_url(text));
  return parse_boringcache_address(url, environment);
}

TEST(BoringcacheAddress, IsEncryptedExceptOnLoopback) {
  EXPECT_EQ(parse("boringcache://cache.example.org/acme/ci")->base, "https://cache.example.org");
  EXPECT_EQ(parse("boringcache://cache.example.org:8443/acme/ci")->base, "https://cache.example.org:8443");
  EXPECT_EQ(parse("boringcache://127.0.0.1:7430/acme/ci")->base, "http://127.0.0.1:7430");
  EXPECT_EQ(parse("boringcache://localhost/acme/ci?scheme=https")->base, "https://localhost");
  EXPECT_EQ(parse("boringcache://cache.lan/acme/ci?scheme=http")->base, "http://cache.lan");
  EXPECT_EQ(parse("boringcache://localhost/acme/ci?ca=/own.pem")->base, "https://localhost");
}

TEST(BoringcacheAddress, IsDescribedSoThatItCanBeUsedAgain) {
  for (const auto* const text :
       {"boringcache://h/acme/ci", "boringcache://127.0.0.1:7430/acme/ci",
        "boringcache://h/acme/ci?scheme=http", "boringcache://localhost/acme/ci?scheme=https",
        "boringcache://localhost/acme/ci?ca=/own.pem"}) {
    EXPECT_EQ(parse(text)->describe(), text);
  }
}

TEST(BoringcacheAddress, NamesPathsBelowTheWorkspace) {
  const auto address = parse("boringcache://h/acme/ci");

  EXPECT_EQ(address->url_of("/caches"), "https://h/v2/workspaces/acme/ci/caches");
}

TEST(BoringcacheAddress, WithoutAHostIsTheServicesOwn) {
  EXPECT_EQ(parse("boringcache:///acme/ci")->base, "https://api.boringcache.com");
  EXPECT_EQ(parse("boringcache:///acme/ci", variables({{"BORINGCACHE_API_URL", "http://x:1/v2/"}}))->base,
            "http://x:1");
  EXPECT_EQ(parse("boringcache:///acme/ci", variables({{"BORINGCACHE_API_URL", "https://x/v1"}}))->base,
            "https://x");
}

TEST(BoringcacheAddress, TrustsTheKeysOfTheUrlOrOfTheEnvironment) {
  const auto one = "ed25519-sha256:" + std::string(64, '1');
  const auto two = "ed25519-sha256:" + std::string(64, '2');
  const auto environment = variables({{"BORINGCACHE_TRUSTED_WORKSPACE_KEY_FINGERPRINT", one + ",\n" + two}});

  EXPECT_THAT(parse("boringcache://h/acme/ci")->trusted_keys, testing::IsEmpty());
  EXPECT_THAT(parse("boringcache://h/acme/ci", environment)->trusted_keys, testing::ElementsAre(one, two));
  EXPECT_THAT(parse("boringcache://h/acme/ci?key=" + one, environment)->trusted_keys,
              testing::ElementsAre(one));
  EXPECT_THAT(parse("boringcache://h/acme/ci?key=sha256:12"), FailsSaying("no fingerprint of a key"));
}

TEST(BoringcacheAddress, RefusesWhatIsNone) {
  for (const auto* const text :
       {"boringcache://", "boringcache://h", "boringcache://h/acme", "boringcache://h/a/b/c",
        "boringcache://h/a/../b", "boringcache://h/acme/ci?scheme=ftp", "boringcache://h/acme/ci?other=1",
        "boringcache://u@h/acme/ci"}) {
    EXPECT_THAT(parse(text), FailsWith(Errc::invalid)) << text;
  }
}

TEST(BoringcacheTokens, AreLookedForInTheOrderOfTheirPurpose) {
  const auto all = find_boringcache_tokens(variables({{"BORINGCACHE_RESTORE_TOKEN", "r"},
                                                      {"BORINGCACHE_SAVE_TOKEN", "s"},
                                                      {"BORINGCACHE_ADMIN_TOKEN", "a"},
                                                      {"BORINGCACHE_API_TOKEN", "p"}}));
  EXPECT_EQ(all->restore.reveal(), "r");
  EXPECT_EQ(all->save.reveal(), "s");

  const auto admin =
      find_boringcache_tokens(variables({{"BORINGCACHE_ADMIN_TOKEN", "a"}, {"BORINGCACHE_API_TOKEN", "p"}}));
  EXPECT_EQ(admin->restore.reveal(), "a");
  EXPECT_EQ(admin->save.reveal(), "a");

  const auto reader = find_boringcache_tokens(variables({{"BORINGCACHE_RESTORE_TOKEN", " r\n"}}));
  EXPECT_EQ(reader->restore.reveal(), "r");
  EXPECT_TRUE(reader->save.empty());
}

TEST(BoringcacheTokens, ComeFromAFileWhereNoVariableHasThem) {
  const agent::tests::TempFolder folder;
  const auto file = (folder.path() / "token").string();
  ASSERT_TRUE(io::write_file(file, "from-the-file\n").has_value());

  EXPECT_EQ(find_boringcache_tokens(variables({{"BORINGCACHE_TOKEN_FILE", file}}))->save.reveal(),
            "from-the-file");
  EXPECT_EQ(
      find_boringcache_tokens(variables({{"BORINGCACHE_TOKEN_FILE", file}, {"BORINGCACHE_API_TOKEN", "p"}}))
          ->save.reveal(),
      "p");
  EXPECT_THAT(find_boringcache_tokens(variables({{"BORINGCACHE_TOKEN_FILE", file + "x"}})),
              FailsWith(Errc::not_found));
}

TEST(BoringcacheTokens, AreAskedForWhereThereIsNone) {
  const auto none = find_boringcache_tokens(variables());

  EXPECT_THAT(none, FailsWith(Errc::denied));
  EXPECT_THAT(none, FailsSaying("BORINGCACHE_SAVE_TOKEN"));
}

}  // namespace
}  // namespace agent::backends
