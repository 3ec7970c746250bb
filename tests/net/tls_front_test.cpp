#include "agent/net/tls_front.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "agent/io/process.hpp"
#include "agent/net/client_pool.hpp"
#include "agent/net/http_server.hpp"
#include "agent/net/listener.hpp"
#include "tests/net/descriptor_shortage.hpp"
#include "tests/net/raw_client.hpp"
#include "tests/net/tls_client.hpp"
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

  void start(std::chrono::milliseconds write_timeout = TlsOptions{}.write_timeout,
             std::size_t max_connections = TlsOptions{}.max_connections) {
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
    auto wanted = options();
    wanted.write_timeout = write_timeout;
    wanted.max_connections = max_connections;
    auto front = TlsFront::start(wanted, registry_);
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

  std::uint64_t rejected(std::string_view reason) const {
    for (const auto& [name, count] : registry_.by_label("hearth_http_rejected_total", "reason")) {
      if (name == reason) {
        return count;
      }
    }
    return 0;
  }

  // Waits until so many were; longer than any load of the machine explains.
  bool rejections_reach(std::string_view reason, std::uint64_t count) const {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (rejected(reason) < count && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return rejected(reason) >= count;
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

TEST_F(TlsFronts, GiveThePlaceOfAClientThatDoesNotReadToOthers) {
  start(std::chrono::milliseconds(200), 1);
  tests::TlsClient client(front_->port());
  ASSERT_TRUE(client.shake_hands());
  constexpr int k_more_than_the_kernel_buffers = 20;  // answers of 3 MB
  for (int i = 0; i < k_more_than_the_kernel_buffers; ++i) {
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }

  EXPECT_TRUE(rejections_reach("timeout", 1));

  EXPECT_THAT(send("PUT", "small"), Succeeds());
}

TEST_F(TlsFronts, RestWhileDescriptorsAreShortAndAcceptWhoWaited) {
  start();
  io::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  {
    const tests::DescriptorShortage
        shortage;  // the kernel completes the connection, and nobody can accept it
    const auto begin = std::chrono::steady_clock::now();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(front_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_TRUE(rejections_reach("descriptors", 3));
    const auto rests = static_cast<int>(rejected("descriptors")) - 1;
    EXPECT_LE(rests * k_accept_rest, std::chrono::steady_clock::now() - begin) << "it does not spin";
  }

  tests::RawClient client(std::move(socket));
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\n"));

  EXPECT_THAT(client.read_answer(), testing::HasSubstr("this port speaks TLS"));
}

TEST_F(TlsFronts, TakeAReplacedCertificateForNewConnections) {
  start();
  ASSERT_THAT(send("GET"), Succeeds());
  front_.reset();
  auto again = TlsFront::start(options(), registry_);
  ASSERT_THAT(again, Succeeds());
  front_ = *std::move(again);

  make_certificate("two");  // clients trust only this one from now on
  std::filesystem::last_write_time(certificate(),
                                   std::filesystem::last_write_time(certificate()) + std::chrono::seconds(2));

  EXPECT_THAT(send("GET"), Succeeds());
}

TEST_F(TlsFronts, SayWhatIsWrongWithACertificate) {
  EXPECT_THAT(TlsFront::start(options(), registry_), FailsWith(Errc::invalid));
  make_certificate("one");
  auto wrong = options();
  wrong.key = certificate();
  EXPECT_THAT(TlsFront::start(wrong, registry_), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::net
