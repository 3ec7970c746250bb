// A server and what the tests of its API ask of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/running_server.hpp"

namespace agent::server::tests {

class Api : public testing::Test {
protected:
  // Every refusal says why, in the form that the API's clients read.
  static void expect_refusal(const Reply& reply, int status, std::string_view code) {
    EXPECT_EQ(reply.status, status) << reply.text;
    EXPECT_EQ(reply.body.text("code"), code) << reply.text;
    EXPECT_FALSE(reply.body.text("error").empty()) << reply.text;
    EXPECT_EQ(reply.body["success"].boolean(), false) << reply.text;
  }

  std::string upload_url(const std::string& content) {
    const auto staged = server_.call("POST", "/caches/blobs/stage", RunningServer::blobs(content));
    EXPECT_EQ(staged.status, 200) << staged.text;
    const auto* const urls = staged.body["upload_urls"].array();
    return urls != nullptr && !urls->empty() ? urls->front().text("url") : std::string();
  }

  std::string download_url(const std::string& content) {
    const auto reply = server_.call("POST", "/caches/blobs/download-urls", RunningServer::blobs(content));
    const auto* const urls = reply.body["download_urls"].array();
    return urls != nullptr && !urls->empty() ? urls->front().text("url") : std::string();
  }

  void put(const std::string& content) {
    EXPECT_EQ(server_.blob("PUT", upload_url(content), content).status, 200);
  }

  RunningServer server_;
};

}  // namespace agent::server::tests
