#include "agent/net/tls_front.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "agent/io/process.hpp"
#include "agent/net/client_pool.hpp"
#include "agent/net/http_server.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::net {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

class Echo final : public BodySink {
public:
  Result<void> write(std::span<const std::byte> bytes) override {
    body_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  void finish(Responder respond) override { respond(text_response(200, body_)); }

private:
  std::string body_;
};

class TlsFronts : public testing::Test {
protected:
  void make_certificate(const std::string& name) {
    const auto made = io::run({.arguments = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                                             "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1",
                                             "-keyout", key().string(), "-out", certificate().string()},
                               .output = io::Command::Output::captured},
                              std::chrono::seconds(30));
    ASSERT_THAT(made, Succeeds());
    ASSERT_EQ(made->code, 0) << made->errors;
  }

  std::filesystem::path certificate() const { return folder_.path() / "cert.pem"; }
  std::filesystem::path key() const { return folder_.path() / "key.pem"; }

  TlsOptions options() const {
    return {.address = "127.0.0.1",
            .port = 0,
            .certificate = certificate(),
            .key = key(),
            .server = folder_.path() / "http"};
  }

  void start() {
    auto http = HttpServer::start(
        {.address = "", .unix_socket = folder_.path() / "http"},
        [](const Request& request, Responder&) -> Decision {
          if (request.method == "PUT") {
            return std::make_unique<Echo>();
          }
          return text_response(200, std::string(3'000'000, 'x'));
        },
        registry_);
    ASSERT_THAT(http, Succeeds());
    http_ = *std::move(http);
    make_certificate("one");
    auto front = TlsFront::start(options());
    ASSERT_THAT(front, Succeeds());
    front_ = *std::move(front);
  }

  Result<ClientResponse> send(const std::string& method, const std::string& body = {}) {
    PoolOptions options;
    options.client.ca_file = certificate().string();
    ClientPool pool(options);
    ClientRequest request;
    request.method = method;
    return pool.send(fmt::format("https://127.0.0.1:{}/", front_->port()), request, body);
  }

  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  metrics::Registry registry_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<TlsFront> front_;
};

TEST_F(TlsFronts, PassOnMoreThanTheirBuffersHoldBothWays) {
  start();
  const std::string large(2'000'000, 'u');

  const auto got = send("GET");
  const auto echoed = send("PUT", large);

  ASSERT_THAT(got, Succeeds());
  EXPECT_EQ(got->body, std::string(3'000'000, 'x'));
  ASSERT_THAT(echoed, Succeeds());
  EXPECT_EQ(echoed->body, large);
}

TEST_F(TlsFronts, ServeManyAtOnce) {
  start();
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([this] {
      const auto got = send("GET");
      EXPECT_THAT(got, Succeeds());
      EXPECT_EQ(got->body.size(), 3'000'000);
    });
  }
}

TEST_F(TlsFronts, SayToWhoeverSpeaksInTheClearThatTheySpeakTls) {
  start();
  ClientPool pool{PoolOptions{}};

  for (const auto* const method : {"GET", "PUT", "POST", "HEAD"}) {
    ClientRequest request;
    request.method = method;
    const auto answer = pool.send(fmt::format("http://127.0.0.1:{}/", front_->port()), request, {});
    ASSERT_THAT(answer, Succeeds()) << method;
    EXPECT_EQ(answer->status, 400);
    EXPECT_EQ(answer->body.contains("https://"), request.method != "HEAD") << answer->body;
  }
  EXPECT_THAT(send("GET"), Succeeds()) << "and go on";
}

TEST_F(TlsFronts, TakeAReplacedCertificateForNewConnections) {
  start();
  ASSERT_THAT(send("GET"), Succeeds());
  front_.reset();
  auto again = TlsFront::start(options());
  ASSERT_THAT(again, Succeeds());
  front_ = *std::move(again);

  make_certificate("two");  // clients trust only this one from now on
  std::filesystem::last_write_time(certificate(),
                                   std::filesystem::last_write_time(certificate()) + std::chrono::seconds(2));

  EXPECT_THAT(send("GET"), Succeeds());
}

TEST_F(TlsFronts, SayWhatIsWrongWithACertificate) {
  EXPECT_THAT(TlsFront::start(options()), FailsWith(Errc::invalid));
  make_certificate("one");
  auto wrong = options();
  wrong.key = certificate();
  EXPECT_THAT(TlsFront::start(wrong), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::net
