#include "agent/net/proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/result_matchers.hpp"

namespace agent::net {
namespace {

using agent::tests::FailsSaying;
using agent::tests::FailsWith;
using agent::tests::Succeeds;

ProxySettings settings_with(std::string exceptions) {
  return {.https = "http://secure:1", .http = "http://plain:2", .exceptions = std::move(exceptions)};
}

TEST(Proxy, IsReadFromTheVariablesGiven) {
  const std::map<std::string, std::string> variables = {{"HTTPS_PROXY", "http://a:1"},
                                                        {"https_proxy", "http://b:1"},
                                                        {"HTTP_PROXY", "http://c:1"},
                                                        {"no_proxy", "x"}};
  const auto settings = proxy_settings_from([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });

  EXPECT_EQ(settings.https, "http://b:1");
  EXPECT_EQ(settings.http, "http://c:1");
  EXPECT_EQ(settings.exceptions, "x");
}

TEST(Proxy, IsChosenByScheme) {
  EXPECT_EQ(proxy_for(settings_with(""), "https://h"), "http://secure:1");
  EXPECT_EQ(proxy_for(settings_with(""), "http://h:80"), "http://plain:2");
  EXPECT_EQ(proxy_for({}, "https://h"), "");
}

TEST(Proxy, IsNeverUsedForLoopback) {
  for (const std::string_view url : {"https://localhost:9000", "http://127.0.0.1:80", "http://127.9.9.9",
                                     "http://[::1]:80", "http://a.localhost"}) {
    EXPECT_EQ(proxy_for(settings_with(""), url), "") << url;
  }
  EXPECT_NE(proxy_for(settings_with(""), "http://127.example.org"), "");
}

TEST(Proxy, IsNotUsedForExceptions) {
  for (const std::string_view exceptions : {"*", "store.example.org", "example.org", ".example.org",
                                            "*.example.org", " a , Example.org", "store.example.org:443"}) {
    EXPECT_EQ(proxy_for(settings_with(std::string(exceptions)), "https://store.Example.org/x"), "")
        << exceptions;
  }
  for (const std::string_view exceptions :
       {"", ",", "ample.org", "store.example.org:80", "a.store.example.org"}) {
    EXPECT_NE(proxy_for(settings_with(std::string(exceptions)), "https://store.example.org/x"), "")
        << exceptions;
  }
  EXPECT_EQ(proxy_for(settings_with("fd00::1"), "http://[fd00::1]:80"), "");
}

TEST(Proxy, IsParsedWithItsPassword) {
  const auto proxy = parse_proxy("http://us%65r:p%40ss@proxy.example:3128/");

  ASSERT_THAT(proxy, Succeeds());
  EXPECT_EQ(proxy->host, "proxy.example");
  EXPECT_EQ(proxy->port, 3128);
  EXPECT_EQ(authorization_line(*proxy), "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n");
  EXPECT_EQ(tunnel_request(*parse_proxy("p:1"), "h", 443), "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
}

TEST(Proxy, RefusesUrlsItCannotUse) {
  EXPECT_THAT(parse_proxy("https://p:1"), FailsWith(Errc::unsupported));
  EXPECT_THAT(parse_proxy("socks5://p:1"), FailsWith(Errc::unsupported));
  for (const std::string_view url :
       {"", "http://", "http://p:0", "http://p:99999", "http://p:x", "http://a b:1"}) {
    EXPECT_THAT(parse_proxy(url), FailsWith(Errc::invalid)) << url;
  }
  EXPECT_THAT(parse_proxy("http://u:confidential@p:x"), testing::Not(FailsSaying("confidential")));
}

TEST(Proxy, TakesOnlyA2xxForATunnel) {
  const Proxy proxy{.host = "p", .port = 1, .credentials = {}};

  EXPECT_THAT(check_tunnel_answer("HTTP/1.1 200 Connection established\r\n\r\n", proxy, "h"), Succeeds());
  EXPECT_THAT(check_tunnel_answer("HTTP/1.1 407 Password\r\n\r\n", proxy, "h"), FailsWith(Errc::denied));
  EXPECT_THAT(check_tunnel_answer("HTTP/1.1 502 Bad\r\n\r\n", proxy, "h"), FailsWith(Errc::transient));
  EXPECT_THAT(check_tunnel_answer("SSH-2.0\r\n\r\n", proxy, "h"), FailsWith(Errc::transient));
}

}  // namespace
}  // namespace agent::net
