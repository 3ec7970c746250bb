#include "tests/contract/versity_gateway.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "agent/backends/s3_client.hpp"
#include "agent/io/file.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::tests {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_bucket = "contract";

io::fs::path program() {
  if (const auto named = io::environment_value("HEARTH_VERSITYGW"); !named.empty()) {
    return named;
  }
  return io::fs::path(HEARTH_TOOLS_DIR) / "versitygw";
}

std::uint16_t free_port() {
  const io::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool has_ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == child;
}

std::string name_of_account(VersityGateway::Account account) {
  return account == VersityGateway::Account::owner    ? "owner"
         : account == VersityGateway::Account::reader ? "reader"
                                                      : "stranger";
}

}  // namespace

VersityGateway::VersityGateway() {
  constexpr int k_attempts = 5;  // somebody may take the free port first
  for (int i = 0; i < k_attempts && !process_; ++i) {
    start();
  }
  if (!process_) {
    ADD_FAILURE() << program() << " does not start; `python3 -m tests.e2e.tools versitygw` installs it:\n"
                  << io::read_file(folder_.path() / "log", std::uint64_t{1} << 20U).value_or("");
    return;
  }
  make_bucket();
}

VersityGateway::~VersityGateway() {
  if (process_) {
    process_->signal(SIGKILL);
    process_->wait();
  }
}

void VersityGateway::start() {
  const auto port = free_port();
  endpoint_ = fmt::format("http://127.0.0.1:{}", port);
  for (const auto* const name : {"data", "users"}) {
    EXPECT_THAT(io::make_folders(folder_.path() / name), Succeeds());
  }
  EXPECT_THAT(
      io::write_file(
          folder_.path() / "users" / "users.json",
          R"({"accessAccounts":{"reader":{"access":"reader","secret":"secret-of-reader","role":"user"}}})"),
      Succeeds());
  const auto script =
      fmt::format(R"(exec setpriv --pdeathsig KILL "$@" >"{}" 2>&1)", (folder_.path() / "log").string());
  auto started = io::Child::start(
      {.arguments = {"sh", "-c", script, "sh", program().string(), "--port",
                     fmt::format("127.0.0.1:{}", port), "--access", "owner", "--secret", "secret-of-owner",
                     "--keep-alive", "--quiet", "--iam-dir", (folder_.path() / "users").string(), "posix",
                     (folder_.path() / "data").string()},
       .environment = io::current_environment(),
       .folder = {},
       .output = io::Command::Output::inherited});
  if (!started) {
    ADD_FAILURE() << started.error().message;
    return;
  }
  auto child = std::make_unique<io::Child>(*std::move(started));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  auto client = net::HttpClient::to_url(endpoint_).value();
  while (std::chrono::steady_clock::now() < deadline && !has_ended(child->pid())) {
    if (client.send({.method = "GET", .target = "/", .headers = {}, .body = {}})) {
      process_ = std::move(child);
      return;
    }
    std::this_thread::sleep_for(10ms);
  }
  child->signal(SIGKILL);
  child->wait();
}

void VersityGateway::make_bucket() const {
  const SystemClock clock;
  metrics::Registry registry;
  backends::S3Client client({.bucket = std::string(k_bucket),
                             .prefix = {},
                             .endpoint = endpoint_,
                             .region = "us-east-1",
                             .path_style = true,
                             .ca_file = {},
                             .profile = {}},
                            {.clock = clock, .registry = registry, .variables = variables(Account::owner)});
  const auto made = client.send_once({.operation = "make a bucket", .method = "PUT"});
  ASSERT_THAT(made, Succeeds());
  ASSERT_EQ(made->status, 200) << made->body;
  const auto policy = fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"reader","Action":["s3:GetObject",)"
      R"("s3:ListBucket"],"Resource":["arn:aws:s3:::{0}","arn:aws:s3:::{0}/*"]}}]}})",
      k_bucket);
  const auto allowed = client.send_once(
      {.operation = "let the reader read", .method = "PUT", .query = {{"policy", ""}}, .body = policy});
  ASSERT_THAT(allowed, Succeeds());
  ASSERT_LT(allowed->status, 300) << allowed->body;
}

std::string VersityGateway::url() const {
  return fmt::format("s3://{}/some/prefix?endpoint={}&region=us-east-1", k_bucket, endpoint_);
}

backends::Variables VersityGateway::variables(Account account) {
  const auto name = name_of_account(account);
  return [name](const char* variable) -> std::string {
    const std::string_view asked = variable;
    return asked == "AWS_ACCESS_KEY_ID" ? name : asked == "AWS_SECRET_ACCESS_KEY" ? "secret-of-" + name : "";
  };
}

}  // namespace agent::tests
