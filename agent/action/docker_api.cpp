#include "agent/action/docker_api.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "agent/core/text.hpp"

namespace agent::action {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds k_poll{100};

// RFC 3986: what is not unreserved is encoded.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
    result += plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
  }
  return result;
}

Errc code_of(int status) {
  switch (status) {
    case 304:
    case 409:
      return Errc::conflict;
    case 400:
      return Errc::invalid;
    case 401:
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    default:
      return status >= 500 ? Errc::transient : Errc::corrupt;
  }
}

std::unexpected<Error> failure_of(std::string_view call, const net::ClientResponse& response) {
  const auto json = io::parse_json(response.body, "Docker's answer", {.bytes = k_max_docker_answer});
  const auto said = json ? json->text("message") : std::string{};
  return fail(code_of(response.status), "Docker: {} ({} to {})", said.empty() ? "no message" : said,
              response.status, call.substr(0, call.find('?')));
}

}  // namespace

Result<DockerApi> DockerApi::connect(const io::fs::path& socket) {
  struct stat status{};
  if (::stat(socket.c_str(), &status) != 0) {
    return errno == ENOENT ? fail(Errc::not_found, "there is no {}", socket.string())
                           : fail_errno("look at", socket.string(), errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(Errc::not_found, "{} is no socket: the host has no Docker daemon there", socket.string());
  }
  DockerApi api(socket, {});
  AGENT_TRY(const auto pong, api.call({.method = "GET", .path = "/_ping", .timeout = seconds(5)}));
  AGENT_TRY(api.version_, agreed_version(pong.headers.get("Api-Version")));
  return api;
}

// A connection per call: calls are few, and a daemon under load closes idle ones.
Result<net::ClientResponse> DockerApi::call(const Call& call) {
  AGENT_TRY(auto client, net::HttpClient::to_unix_socket(socket_, {.connect_timeout = std::min<milliseconds>(
                                                                       call.timeout, milliseconds(5000)),
                                                                   .timeout = call.timeout,
                                                                   .max_answer_bytes = k_max_docker_answer}));
  net::ClientRequest request{
      .method = call.method,
      .target = version_.empty() ? call.path : fmt::format("/v{}{}", version_, call.path)};
  request.headers.set("Host", "docker");
  if (!call.body.is_null()) {
    request.headers.set("Content-Type", "application/json");
    request.body = call.body.dump();
  }
  auto response = client.send(request);
  const auto what = call.method + " " + call.path;
  if (!response) {
    return with_context("docker " + what, response.error());
  }
  if (response->status < 200 || response->status > 299) {
    return failure_of(what, *response);
  }
  return *std::move(response);
}

Result<ContainerFacts> DockerApi::inspect(std::string_view container) {
  AGENT_TRY(const auto answer,
            call({.method = "GET", .path = fmt::format("/containers/{}/json", encoded(container))}));
  return parse_container(answer.body);
}

Result<std::string> DockerApi::create(const ContainerSpec& spec) {
  AGENT_TRY(const auto answer, call({.method = "POST",
                                     .path = "/containers/create?name=" + encoded(spec.name),
                                     .body = to_json(spec)}));
  AGENT_TRY(const auto json, io::parse_json(answer.body, "Docker's answer", {.bytes = k_max_docker_answer}));
  auto id = json.text("Id");
  if (id.empty()) {
    return fail(Errc::corrupt, "docker create: an answer without an id");
  }
  return id;
}

Result<void> DockerApi::start(std::string_view container) {
  AGENT_CHECK(call({.method = "POST", .path = fmt::format("/containers/{}/start", encoded(container))}));
  return {};
}

Result<void> DockerApi::stop(std::string_view container, seconds grace) {
  auto answer = call({.method = "POST",
                      .path = fmt::format("/containers/{}/stop?t={}", encoded(container), grace.count()),
                      .timeout = grace + seconds(15)});
  if (!answer && answer.error().code != Errc::conflict && answer.error().code != Errc::not_found) {
    return std::unexpected(answer.error());  // 304: stopped already; 404: removed already
  }
  return {};
}

Result<void> DockerApi::remove(std::string_view container) {
  auto answer =
      call({.method = "DELETE", .path = fmt::format("/containers/{}?force=true&v=true", encoded(container))});
  if (!answer && answer.error().code != Errc::not_found && answer.error().code != Errc::conflict) {
    return std::unexpected(answer.error());  // 409: its removal is under way
  }
  return {};
}

Result<void> DockerApi::disconnect(std::string_view network, std::string_view container) {
  AGENT_CHECK(call({.method = "POST",
                    .path = fmt::format("/networks/{}/disconnect", encoded(network)),
                    .body = io::JsonObject{{"Container", container}, {"Force", true}}}));
  return {};
}

Result<std::vector<std::string>> DockerApi::find(std::string_view label, std::string_view value) {
  const io::Json filters = io::JsonObject{{"label", io::JsonArray{fmt::format("{}={}", label, value)}}};
  AGENT_TRY(const auto answer,
            call({.method = "GET", .path = "/containers/json?all=true&filters=" + encoded(filters.dump())}));
  AGENT_TRY(const auto json, io::parse_json(answer.body, "Docker's list", {.bytes = k_max_docker_answer}));
  std::vector<std::string> ids;
  if (const auto* list = json.array()) {
    for (const auto& container : *list) {
      if (auto id = container.text("Id"); !id.empty()) {
        ids.push_back(std::move(id));
      }
    }
  }
  return ids;
}

Result<int> DockerApi::execute(std::string_view container, const std::vector<std::string>& command,
                               milliseconds deadline) {
  AGENT_TRY(
      const auto created,
      call({.method = "POST",
            .path = fmt::format("/containers/{}/exec", encoded(container)),
            .body = io::JsonObject{{"Cmd", io::JsonArray(command.begin(), command.end())}, {"User", "0"}}}));
  AGENT_TRY(const auto json, io::parse_json(created.body, "Docker's answer", {.bytes = k_max_docker_answer}));
  const auto id = json.text("Id");
  if (id.empty()) {
    return fail(Errc::corrupt, "docker exec: an answer without an id");
  }
  AGENT_CHECK(call({.method = "POST",
                    .path = fmt::format("/exec/{}/start", encoded(id)),
                    .body = io::JsonObject{{"Detach", true}}}));
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (std::chrono::steady_clock::now() < end) {
    AGENT_TRY(const auto answer, call({.method = "GET", .path = fmt::format("/exec/{}/json", encoded(id))}));
    AGENT_TRY(const auto state,
              io::parse_json(answer.body, "Docker's answer", {.bytes = k_max_docker_answer}));
    if (!state["Running"].boolean().value_or(true)) {
      return static_cast<int>(state["ExitCode"].integer().value_or(-1));
    }
    std::this_thread::sleep_for(k_poll);
  }
  return fail(Errc::cancelled, "docker exec {}: no end within {}", command.front(), human_duration(deadline));
}

}  // namespace agent::action
