#include "agent/net/tls_relay.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "agent/net/listener.hpp"
#include "tests/net/descriptor_shortage.hpp"
#include "tests/net/self_signed.hpp"
#include "tests/net/tls_client.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::net {
namespace {

using namespace std::chrono_literals;
using agent::tests::Succeeds;

// Everything in one thread, and the time as a test says.
class TlsRelays : public testing::Test {
protected:
  void SetUp() override {
    auto listener = Listener::unix_socket(server_);
    ASSERT_THAT(listener, Succeeds());
    listener_ = *std::move(listener);
    certificate_.use_in(context_.get());
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    client_.emplace(io::Fd(pair[0]));
    relay_.emplace(io::Fd(pair[1]), context_.get(), server_,
                   RelayLimits{.handshake_until = now_ + k_handshake, .write_timeout = k_write});
  }

  void shake_hands() {
    constexpr int k_most_flights = 10;
    bool done = false;
    for (int i = 0; i < k_most_flights && (!done || relay_->inner() < 0); ++i) {
      done = client_->shake_hands();
      relay_->pump(now_);
    }
    ASSERT_TRUE(done);
    inner_ = io::Fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    ASSERT_TRUE(inner_.valid());
  }

  // Answers until nobody takes anything more.
  void answer_too_much() {
    const std::string bytes(std::size_t{16} * 1024, 'x');
    while (::send(inner_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
      relay_->pump(now_);
    }
    ASSERT_EQ(relay_->inner_events(), 0U) << "the relay does not see what the server does now";
  }

  static constexpr auto k_handshake = 10s;
  static constexpr auto k_write = 120s;

  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  const io::fs::path server_ = folder_.path() / "http";
  tests::SelfSigned certificate_;
  SslContext context_{SSL_CTX_new(TLS_server_method())};
  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::time_point() + 1h;
  Listener listener_;
  std::optional<tests::TlsClient> client_;
  std::optional<TlsRelay> relay_;
  io::Fd inner_;
};

TEST_F(TlsRelays, AreLateWithoutAHandshake) {
  relay_->pump(now_);

  EXPECT_FALSE(relay_->is_late(now_ + k_handshake));
  EXPECT_TRUE(relay_->is_late(now_ + k_handshake + 1ms));
}

TEST_F(TlsRelays, SayWhatKeepsThemFromTheServer) {
  constexpr int k_most_flights = 10;
  // UBSan needs a descriptor to look at the fixture's type.
  auto& relay = *relay_;
  auto& client = *client_;
  const auto now = now_;
  const tests::DescriptorShortage shortage;
  for (int i = 0; i < k_most_flights && !relay.closed(); ++i) {
    client.shake_hands();
    relay.pump(now);
  }

  EXPECT_TRUE(relay.closed());
  EXPECT_TRUE(is_shortage(relay.connect_error()));
}

TEST_F(TlsRelays, AreNotLateForAsLongAsNothingIsOwed) {
  shake_hands();
  EXPECT_FALSE(relay_->is_late(now_ + 1h));

  ASSERT_EQ(::send(inner_.get(), "answer", 6, MSG_NOSIGNAL), 6);
  relay_->pump(now_);

  EXPECT_FALSE(relay_->is_late(now_ + 1h)) << "the kernel has it all";
}

TEST_F(TlsRelays, AreLateWhereTheClientDoesNotReadAlthoughTheServerGaveUp) {
  shake_hands();
  answer_too_much();

  EXPECT_FALSE(relay_->is_late(now_ + k_write));
  inner_.reset();
  relay_->pump(now_ + k_write);

  EXPECT_FALSE(relay_->closed());
  EXPECT_TRUE(relay_->is_late(now_ + k_write + 1ms));
}

TEST_F(TlsRelays, HaveTimeAgainWhereTheClientReadsAPart) {
  shake_hands();
  answer_too_much();

  constexpr std::size_t k_part = std::size_t{128} * 1024;
  ASSERT_EQ(client_->read(k_part), k_part);
  relay_->pump(now_ + k_write);

  EXPECT_FALSE(relay_->is_late(now_ + k_write + k_write));
  EXPECT_TRUE(relay_->is_late(now_ + k_write + k_write + 1ms)) << "it is owed more";
}

}  // namespace
}  // namespace agent::net
