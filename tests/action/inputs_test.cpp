#include "agent/action/inputs.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::action {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

TEST(Inputs, HaveDefaultsThatCacheWhatCanBe) {
  const auto inputs = read_inputs({});

  ASSERT_THAT(inputs, Succeeds());
  EXPECT_EQ(inputs->mode, keys::RequestedMode::automatic);
  EXPECT_EQ(inputs->backend.kind, BackendInput::Kind::automatic);
  EXPECT_EQ(inputs->max_size_bytes, std::uint64_t{10} << 30U);
  EXPECT_FALSE(inputs->preload_bytes.has_value());
  EXPECT_TRUE(inputs->summary);
  EXPECT_FALSE(inputs->fail_on_miss);
}

TEST(Inputs, AreFoundUnderTheNameThatTheRunnerMakes) {
  EXPECT_EQ(input_text({{"INPUT_MAX-SIZE", " 5GiB "}}, "max-size"), "5GiB");
  EXPECT_EQ(input_text({{"INPUT_TWO_WORDS", "x"}}, "two words"), "x");
}

TEST(Inputs, NameTheModesWhenOneIsUnknown) {
  const auto inputs = read_inputs({{"INPUT_MODE", "readonly"}});

  EXPECT_THAT(inputs, FailsWith(Errc::invalid));
  EXPECT_THAT(inputs, FailsSaying("read-only"));
  EXPECT_THAT(inputs, FailsSaying("readonly"));
}

TEST(Inputs, ReadTheModeOfSccache) {
  EXPECT_EQ(read_inputs({})->sccache_mode, app::SccacheMode::automatic);
  EXPECT_EQ(read_inputs({{"INPUT_SCCACHE-MODE", "disk"}})->sccache_mode, app::SccacheMode::disk);
  EXPECT_THAT(read_inputs({{"INPUT_SCCACHE-MODE", "direct"}}),
              FailsSaying("input sccache-mode: 'direct' is none of proxy, disk, auto"));
}

TEST(Inputs, AcceptADiskBackendByItsAbsolutePath) {
  const auto inputs = read_inputs({{"INPUT_BACKEND", "disk:///srv//hearth/"}});

  ASSERT_THAT(inputs, Succeeds());
  EXPECT_EQ(inputs->backend.kind, BackendInput::Kind::named);
  EXPECT_EQ(inputs->backend.disk_folder(), "/srv/hearth");
}

TEST(Inputs, AcceptTheBackendsBehindANetwork) {
  for (const auto* backend :
       {"github", "github://", "github://?service=v1", "s3://bucket/prefix?region=eu-west-1",
        "boringcache://cache.example.org/acme/ci"}) {
    const auto inputs = read_inputs({{"INPUT_BACKEND", backend}, {"INPUT_TOKEN", " ghs_1 "}});

    ASSERT_THAT(inputs, Succeeds()) << backend;
    EXPECT_EQ(inputs->backend.kind, BackendInput::Kind::named);
    EXPECT_EQ(inputs->backend.url, backend);
    EXPECT_EQ(inputs->backend.disk_folder(), "");
    EXPECT_EQ(inputs->token.reveal(), "ghs_1");
  }
}

TEST(Inputs, TakeAWorkspaceForABackend) {
  const auto url = [](const io::Environment& environment) {
    const auto inputs = read_inputs(environment);
    EXPECT_THAT(inputs, Succeeds());
    return inputs ? inputs->backend.url : std::string();
  };
  EXPECT_EQ(url({{"INPUT_WORKSPACE", "acme/ci"}, {"INPUT_API-URL", "https://cache.example.org/v2"}}),
            "boringcache://cache.example.org/acme/ci?scheme=https");
  EXPECT_EQ(url({{"INPUT_WORKSPACE", "acme/ci"},
                 {"INPUT_API-URL", "http://10.0.0.1:7430"},
                 {"INPUT_BACKEND", "auto"}}),
            "boringcache://10.0.0.1:7430/acme/ci?scheme=http");
  EXPECT_EQ(url({{"INPUT_WORKSPACE", "acme/ci"}}), "boringcache:///acme/ci");

  EXPECT_THAT(read_inputs({{"INPUT_WORKSPACE", "acme/ci"}, {"INPUT_BACKEND", "github"}}),
              FailsWith(Errc::invalid));
  EXPECT_THAT(read_inputs({{"INPUT_WORKSPACE", "acme/ci"}, {"INPUT_API-URL", "cache"}}),
              FailsWith(Errc::invalid));
  EXPECT_THAT(read_inputs({{"INPUT_API-URL", "https://x"}}), FailsWith(Errc::invalid));
}

TEST(Inputs, KeepGithubsTokensFromOtherServers) {
  for (const auto* token : {"ghs_1", "ghp_1", "gho_1", "github_pat_1"}) {
    EXPECT_TRUE(read_inputs({{"INPUT_TOKEN", token}})->server_token().empty()) << token;
  }
  EXPECT_EQ(read_inputs({{"INPUT_TOKEN", "hrt_t_1"}})->server_token().reveal(), "hrt_t_1");
}

TEST(Inputs, RefuseBackendsThatCannotBe) {
  for (const auto* backend : {"disk://relative", "disk:///", "disk://", "disk:///a/../etc", "s3:bucket",
                              "disc:///x", "disk:///a\nb", "githubs"}) {
    EXPECT_THAT(read_inputs({{"INPUT_BACKEND", backend}}), FailsWith(Errc::invalid)) << backend;
  }
}

TEST(Inputs, ReadPreloadAsYesNoOrHowMuch) {
  EXPECT_EQ(read_inputs({{"INPUT_PRELOAD", "true"}})->preload_bytes, std::nullopt);
  EXPECT_EQ(read_inputs({{"INPUT_PRELOAD", "false"}})->preload_bytes, 0U);
  EXPECT_EQ(read_inputs({{"INPUT_PRELOAD", "2GiB"}})->preload_bytes, std::uint64_t{2} << 30U);
  EXPECT_THAT(read_inputs({{"INPUT_PRELOAD", "lots"}}), FailsSaying("input preload"));
}

TEST(Inputs, ReadToolsBetweenCommasOrBlanks) {
  EXPECT_TRUE(read_inputs({})->tools.sccache);
  EXPECT_FALSE(read_inputs({})->tools.ccache);
  EXPECT_FALSE(read_inputs({{"INPUT_TOOLS", "ccache"}})->tools.sccache);
  EXPECT_TRUE(read_inputs({{"INPUT_TOOLS", "sccache,ccache"}})->tools.ccache);
  EXPECT_TRUE(read_inputs({{"INPUT_TOOLS", "ccache\n sccache"}})->tools.sccache);
  EXPECT_THAT(read_inputs({{"INPUT_TOOLS", "sccache, bazel"}}), FailsSaying("input tools: 'bazel'"));
}

TEST(Inputs, RefuseFlagsAndSizesThatDoNotParse) {
  EXPECT_THAT(read_inputs({{"INPUT_FAIL-ON-MISS", "perhaps"}}), FailsSaying("fail-on-miss"));
  EXPECT_THAT(read_inputs({{"INPUT_MAX-SIZE", "big"}}), FailsSaying("max-size"));
  EXPECT_THAT(read_inputs({{"INPUT_MAX-SIZE", "0"}}), FailsSaying("max-size"));
}

TEST(Inputs, ReadTheLeastHitRateInPercent) {
  EXPECT_EQ(read_inputs({})->min_hit_rate, 80);
  EXPECT_EQ(read_inputs({{"INPUT_MIN-HIT-RATE", "99.5"}})->min_hit_rate, 99.5);
  EXPECT_EQ(read_inputs({{"INPUT_MIN-HIT-RATE", "50 %"}})->min_hit_rate, 50);
  for (const auto* text : {"101", "-1", "most", "5x", "nan"}) {
    EXPECT_THAT(read_inputs({{"INPUT_MIN-HIT-RATE", text}}), FailsSaying("min-hit-rate")) << text;
  }
}

TEST(Inputs, WantAMatrixThatIsAnObject) {
  EXPECT_THAT(read_inputs({{"INPUT_MATRIX", R"({"os":"linux"})"}}), Succeeds());
  EXPECT_THAT(read_inputs({{"INPUT_MATRIX", "null"}}), Succeeds());
  EXPECT_THAT(read_inputs({{"INPUT_MATRIX", "[1]"}}), FailsSaying("toJSON(matrix)"));
  EXPECT_THAT(read_inputs({{"INPUT_MATRIX", "{"}}), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::action
