#include "agent/net/http_client.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HostEntry.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/URI.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <iterator>
#include <optional>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/net/answer_parser.hpp"
#include "agent/net/http_syntax.hpp"
#include "agent/net/proxy.hpp"

namespace agent::net {

namespace {

namespace pn = Poco::Net;

// Poco's TLS sockets write(2), which raises SIGPIPE where the other side is gone. Programs that embed this
// client need not know: the signal is held back and discarded.
class PipeSignalHeld final {
public:
  PipeSignalHeld() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  PipeSignalHeld(const PipeSignalHeld&) = delete;
  PipeSignalHeld& operator=(const PipeSignalHeld&) = delete;
  ~PipeSignalHeld() {
    if (sigismember(&before_, SIGPIPE) == 0) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) == SIGPIPE) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

private:
  sigset_t pipe_{};
  sigset_t before_{};
};

Poco::Timespan span_of(std::chrono::milliseconds duration) {
  return {std::chrono::duration_cast<std::chrono::microseconds>(duration).count()};
}

bool is_repeatable(std::string_view method) {  // RFC 9110 section 9.2.2
  return method != "POST" && method != "PATCH";
}

Result<void> check_request(const ClientRequest& request) {
  const auto& fields = request.headers.all();
  const bool fields_ok = std::ranges::all_of(
      fields, [](const auto& field) { return is_token(field.first) && is_field_value(field.second); });
  if (!is_token(request.method) || !request.target.starts_with('/') || !is_target(request.target) ||
      !fields_ok) {
    return fail(Errc::invalid, "{} {}: not a valid HTTP request", request.method, request.target);
  }
  return {};
}

// What the head says beside the request itself.
struct HeadContext {
  std::string_view host;
  const Proxy* proxy = nullptr;  // that reads the request; null: none, or one that only tunnels
  std::size_t body_size = 0;
};

std::string head_of(const ClientRequest& request, const HeadContext& context) {
  std::string head;
  auto to = std::back_inserter(head);
  if (context.proxy == nullptr) {
    fmt::format_to(to, "{} {} HTTP/1.1\r\n", request.method, request.target);
  } else {  // RFC 9112 section 3.2.2
    fmt::format_to(to, "{} http://{}{} HTTP/1.1\r\n{}", request.method, context.host, request.target,
                   authorization_line(*context.proxy));
  }
  if (!request.headers.has("Host")) {
    fmt::format_to(to, "Host: {}\r\n", context.host);
  }
  for (const auto& [name, value] : request.headers.all()) {
    if (!equals_ignoring_case(name, "content-length") && !equals_ignoring_case(name, "transfer-encoding")) {
      fmt::format_to(to, "{}: {}\r\n", name, value);
    }
  }
  if (context.body_size > 0 || request.method == "PUT" || request.method == "POST" ||
      request.method == "PATCH") {
    fmt::format_to(to, "Content-Length: {}\r\n", context.body_size);
  }
  head += "\r\n";
  return head;
}

void send_all(pn::StreamSocket& socket, std::string_view bytes) {
  constexpr std::size_t k_piece = std::size_t{1} << 20U;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, k_piece);
    const int sent = socket.sendBytes(piece.data(), static_cast<int>(piece.size()));
    if (sent <= 0) {
      throw pn::ConnectionResetException("send");
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Not DNS::resolve(): it asks what an address is called, which takes its time and is not thread-safe in Poco.
std::vector<pn::IPAddress> addresses_of(const std::string& target) {
  if (pn::IPAddress literal; pn::IPAddress::tryParse(target, literal)) {
    return {literal};
  }
  return pn::DNS::hostByName(target).addresses();
}

}  // namespace

struct HttpClient::State {
  std::string name;  // for errors, and for Host
  std::string host;
  std::uint16_t port = 0;
  io::fs::path unix_socket;
  pn::Context::Ptr tls;  // null: plain
  std::optional<Proxy> proxy;
  ClientOptions options;
  std::optional<pn::StreamSocket> socket;  // kept open between calls

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    const PipeSignalHeld held;  // closing TLS says goodbye
    socket.reset();
  }

  Result<void> connect();
  pn::StreamSocket dial() const;
  pn::StreamSocket dial_address(const pn::SocketAddress& address) const;
  Result<void> open_tunnel(pn::StreamSocket& through) const;
  bool is_stale() const;
  Result<void> exchange(const ClientRequest& request, std::string_view body, AnswerParser& parser);
  void write(const ClientRequest& request, std::string_view body);
  static Result<void> receive(pn::StreamSocket& from, AnswerParser& parser);
  Result<ClientResponse> send_once(const ClientRequest& request, std::string_view body);

  std::unexpected<Error> failed(const ClientRequest& request, Error error) const;

  bool cut_off = false;  // the last exchange failed because a kept connection had ended before any answer
};

pn::StreamSocket HttpClient::State::dial_address(const pn::SocketAddress& address) const {
  pn::StreamSocket made;
  made.connect(address, span_of(options.connect_timeout));
  made.setReceiveTimeout(span_of(options.timeout));
  made.setSendTimeout(span_of(options.timeout));
  if (unix_socket.empty()) {
    made.setNoDelay(true);
  }
  return made;
}

// Tries every address of the name; throws what the last one threw.
pn::StreamSocket HttpClient::State::dial() const {
  if (!unix_socket.empty()) {
    return dial_address(pn::SocketAddress(pn::SocketAddress::UNIX_LOCAL, unix_socket.string()));
  }
  const auto& target = proxy ? proxy->host : host;
  const auto target_port = proxy ? proxy->port : port;
  const auto addresses = addresses_of(target);
  for (std::size_t i = 0; i + 1 < addresses.size(); ++i) {
    try {
      return dial_address(pn::SocketAddress(addresses[i], target_port));
    } catch (const Poco::Exception&) {
      continue;
    }
  }
  if (addresses.empty()) {
    throw pn::HostNotFoundException(target);
  }
  return dial_address(pn::SocketAddress(addresses.back(), target_port));
}

// RFC 9110 section 9.3.6.
Result<void> HttpClient::State::open_tunnel(pn::StreamSocket& through) const {
  send_all(through, tunnel_request(*proxy, host, port));
  std::string answer;
  while (!answer.ends_with("\r\n\r\n")) {  // byte by byte: what follows belongs to TLS
    constexpr std::size_t k_longest = std::size_t{16} * 1024;
    char byte = 0;
    if (answer.size() >= k_longest || through.receiveBytes(&byte, 1) != 1) {
      return fail(Errc::transient, "connect {}: the proxy {} gives no answer to CONNECT", name, proxy->host);
    }
    answer += byte;
  }
  return check_tunnel_answer(answer, *proxy, name);
}

Result<void> HttpClient::State::connect() {
  try {
    auto made = dial();
    if (!tls.isNull()) {
      AGENT_CHECK(proxy ? open_tunnel(made) : Result<void>{});
      made = pn::SecureStreamSocket::attach(made, host, tls);
    }
    socket = std::move(made);
    return {};
  } catch (const pn::SSLConnectionUnexpectedlyClosedException& thrown) {
    return fail(Errc::transient, "connect {}: {}", name, thrown.displayText());
  } catch (const pn::SSLException& thrown) {
    const auto text = thrown.displayText();
    return text.contains("certificate verify failed") ? fail(Errc::denied,
                                                             "connect {}: nobody who is trusted here issued "
                                                             "its certificate; the backend's ca=FILE, or "
                                                             "--ca FILE, names who did",
                                                             name)
                                                      : fail(Errc::denied, "connect {}: {}", name, text);
  } catch (const std::exception& thrown) {
    const auto* const known = dynamic_cast<const Poco::Exception*>(&thrown);
    return fail(Errc::transient, "connect {}: {}", name,
                known != nullptr ? known->displayText() : thrown.what());
  }
}

// Between two exchanges nothing may arrive: what is readable is the end, or an answer to nothing.
bool HttpClient::State::is_stale() const {
  try {
    return socket->poll(Poco::Timespan(0), pn::Socket::SELECT_READ | pn::Socket::SELECT_ERROR);
  } catch (const Poco::Exception&) {
    return true;
  }
}

Result<void> HttpClient::State::receive(pn::StreamSocket& from, AnswerParser& parser) {
  constexpr std::size_t k_buffer = std::size_t{64} * 1024;
  std::array<char, k_buffer> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before use
  while (!parser.done()) {
    const int count = from.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
    if (count <= 0) {
      return parser.end();
    }
    AGENT_CHECK(parser.take(std::string_view(buffer.data(), static_cast<std::size_t>(count))));
  }
  return {};
}

void HttpClient::State::write(const ClientRequest& request, std::string_view body) {
  constexpr std::size_t k_joined_bytes = std::size_t{64} * 1024;
  const bool read_by_proxy = proxy && tls.isNull();
  auto head =
      head_of(request, {.host = name, .proxy = read_by_proxy ? &*proxy : nullptr, .body_size = body.size()});
  if (body.size() <= k_joined_bytes) {
    head += body;  // one segment less, and no wait for its acknowledgement
    body = {};
  }
  send_all(*socket, head);
  send_all(*socket, body);
}

Result<void> HttpClient::State::exchange(const ClientRequest& request, std::string_view body,
                                         AnswerParser& parser) {
  try {
    try {
      write(request, body);
    } catch (const pn::NetException&) {
      // A server that refuses a body answers and closes without reading it all.
      const auto early = receive(*socket, parser);
      if (!early || !parser.done()) {
        throw;
      }
      parser.forget_connection();
      return {};
    }
    return receive(*socket, parser);
  } catch (const Poco::TimeoutException&) {
    cut_off = false;
    return fail(Errc::transient, "no byte for {}", human_duration(options.timeout));
  } catch (const Poco::Exception& thrown) {
    return fail(Errc::transient, "{}", thrown.displayText());
  }
}

// What was asked of whom, in front of why there is no answer; without the query, which may hold a signature.
std::unexpected<Error> HttpClient::State::failed(const ClientRequest& request, Error error) const {
  const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
  const auto where = unix_socket.empty() ? name : unix_socket.string();
  return with_context(fmt::format("{} {} at {}", request.method, path, where), std::move(error));
}

Result<ClientResponse> HttpClient::State::send_once(const ClientRequest& request, std::string_view body) {
  const bool kept = socket && !is_stale();
  cut_off = kept;
  if (!kept) {
    socket.reset();
    auto connected = connect();
    if (!connected && unix_socket.empty()) {  // says whom; what was to be asked has nothing to do with it
      return std::unexpected(std::move(connected).error());
    }
    if (!connected) {
      return failed(request, std::move(connected).error());
    }
  }
  AnswerParser parser(request.method == "HEAD", options.max_answer_bytes);
  if (auto outcome = exchange(request, body, parser); !outcome) {
    cut_off = cut_off && !parser.started();
    socket.reset();
    return failed(request, std::move(outcome).error());
  }
  if (!parser.keeps_connection()) {
    socket.reset();
  }
  return parser.release();
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::to_url(std::string_view url, ClientOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  if (!state->options.proxy.empty()) {
    AGENT_TRY(state->proxy, parse_proxy(state->options.proxy));
  }
  try {
    const Poco::URI parsed{std::string(url)};
    const bool secure = parsed.getScheme() == "https";
    if ((!secure && parsed.getScheme() != "http") || parsed.getHost().empty() || parsed.getPort() == 0 ||
        !parsed.getUserInfo().empty()) {
      return fail(Errc::invalid, "'{}' is no URL of the form http://host:port", parsed.getHost());
    }
    state->host = parsed.getHost();
    state->port = parsed.getPort();
    const bool bare_v6 = state->host.contains(':');
    state->name = bare_v6 ? fmt::format("[{}]", state->host) : state->host;
    if (state->port != (secure ? 443 : 80)) {
      state->name += fmt::format(":{}", state->port);
    }
    if (secure) {
      state->tls = new pn::Context(pn::Context::TLS_CLIENT_USE, state->options.ca_file.string(),
                                   pn::Context::VERIFY_STRICT, 9, true);
    }
  } catch (const pn::SSLException& thrown) {
    return fail(Errc::invalid, "certificates {}: {}", state->options.ca_file.string(), thrown.displayText());
  } catch (const Poco::Exception& thrown) {
    return fail(Errc::invalid, "open HTTP client: {}", thrown.displayText());
  }
  return HttpClient(std::move(state));
}

Result<HttpClient> HttpClient::to_unix_socket(const io::fs::path& socket, ClientOptions options) {
  constexpr std::size_t k_longest_path = 107;
  if (socket.empty() || socket.string().size() > k_longest_path) {
    return fail(Errc::invalid, "'{}': a socket's path has 1 to {} bytes", socket.string(), k_longest_path);
  }
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->unix_socket = socket;
  state->name = "localhost";
  return HttpClient(std::move(state));
}

HttpClient HttpClient::another() const {
  auto state = std::make_unique<State>();
  state->name = state_->name;
  state->host = state_->host;
  state->port = state_->port;
  state->unix_socket = state_->unix_socket;
  state->tls = state_->tls;
  state->proxy = state_->proxy;
  state->options = state_->options;
  return HttpClient(std::move(state));
}

Result<ClientResponse> HttpClient::send(const ClientRequest& request) {
  return send(request, request.body);
}

Result<ClientResponse> HttpClient::send(const ClientRequest& request, std::string_view body) {
  AGENT_CHECK(check_request(request));
  const PipeSignalHeld held;
  auto answer = state_->send_once(request, body);
  if (!answer && state_->cut_off && request.repeat != Repeat::never && is_repeatable(request.method)) {
    answer = state_->send_once(request, body);
  }
  return answer;
}

}  // namespace agent::net
