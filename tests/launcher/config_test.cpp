#include "agent/launcher/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agent::launcher {
namespace {

using testing::ElementsAre;
using testing::StrEq;

const std::string k_least = "real=/r\nsocket=/s\nlock=/l\nstate=/e\n";

// The parser needs a byte of its own at the end.
std::optional<Config> parse(std::string& text) {
  text.push_back('x');
  return parse_config(text);
}

TEST(LauncherConfig, ReadsWhatTheInstallerWrites) {
  std::string text =
      "# comment=1\n\nreal=/opt/sccache\nsocket=/run/s k\nlock=/l\nstate=/e\nlog=/log\nprotocol=0.16\n"
      "agent=127.0.0.1:7420\nenv.SCCACHE_WEBDAV_TOKEN=a=b=\nenv.NO_PROXY=\nnew-key=1";

  const auto config = parse(text);

  ASSERT_TRUE(config);
  EXPECT_THAT(config->real.c_str(), StrEq("/opt/sccache"));
  EXPECT_THAT(config->socket.c_str(), StrEq("/run/s k"));
  EXPECT_THAT(config->log.c_str(), StrEq("/log"));
  EXPECT_THAT(config->agent.c_str(), StrEq("127.0.0.1:7420"));
  EXPECT_EQ(config->protocol, Protocol::v0_16);
  EXPECT_THAT(config->variables(), ElementsAre(StrEq("SCCACHE_WEBDAV_TOKEN=a=b="), StrEq("NO_PROXY=")));
}

TEST(LauncherConfig, SpeaksNoProtocolItDoesNotKnow) {
  for (const auto* line : {"protocol=0.17\n", "protocol=none\n", "protocol=0.16.1\n", ""}) {
    std::string text = k_least + line;
    const auto config = parse(text);
    ASSERT_TRUE(config) << line;
    EXPECT_EQ(config->protocol, Protocol::none) << line;
  }
}

TEST(LauncherConfig, RefusesAFileThatLacksOrBreaksSomething) {
  const std::string long_path(k_max_socket_path, 'p');
  for (const auto& broken :
       {std::string(), std::string("real=/r\nsocket=/s\nlock=/l\n"), k_least + "real=relative\n",
        k_least + "socket=/" + long_path + "\n", k_least + "log=relative\n", k_least + "words\n",
        k_least + std::string("agent=a\0b\n", 10)}) {
    std::string text = broken;
    EXPECT_FALSE(parse(text)) << broken;
  }
}

TEST(LauncherConfig, HoldsSoManyVariablesAndNoMore) {
  std::string text = k_least;
  for (std::size_t number = 0; number < k_max_config_variables; ++number) {
    text += "env.V" + std::to_string(number) + "=1\n";
  }
  std::string more = text + "env.MORE=1\n";

  EXPECT_TRUE(parse(text));
  EXPECT_FALSE(parse(more));
}

}  // namespace
}  // namespace agent::launcher
