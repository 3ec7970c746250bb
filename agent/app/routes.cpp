#include "agent/app/routes.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/report/figures.hpp"

namespace agent::app {

namespace {

net::Response json_response(const io::Json& json) {
  return net::text_response(200, json.dump(2) + "\n", "application/json");
}

// The value of `name` in "a=1&b=2"; empty where it is missing.
std::string_view query_value(std::string_view query, std::string_view name) {
  for (const auto pair : split(query, '&')) {
    const auto at = pair.find('=');
    if (pair.substr(0, at) == name && at != std::string_view::npos) {
      return pair.substr(at + 1);
    }
  }
  return {};
}

// Before the tag is read every answer would be a miss that is none.
net::Response warming_up() {
  auto response = net::text_response(503, "the agent reads its tag; /readyz says when it answers lookups\n");
  response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace

net::Decision Routes::handle(const net::Request& request, net::Responder& respond) {
  if (auto refused = services_.gate.refuse(request)) {
    return *std::move(refused);
  }
  const std::string_view path(request.path);
  const auto end = path.find('/', 1);
  if (end != std::string_view::npos) {
    const auto name = path.substr(1, end - 1);
    for (const auto& front : services_.fronts) {
      if (front->name() == name) {
        if (!services_.status.serving()) {
          return warming_up();
        }
        return front->handle(request, path.substr(end + 1), respond);
      }
    }
  }
  if (path == "/flush" || path == "/drain") {
    return control(request, respond);
  }
  if (path == "/events") {
    return services_.live.listen(request);
  }
  return own_page(request);
}

net::Response Routes::own_page(const net::Request& request) const {
  const std::string_view path(request.path);
  if (request.method != "GET" && request.method != "HEAD") {
    return net::text_response(405, "only GET is answered here\n");
  }
  if (path == "/healthz") {
    return net::text_response(200, "ok\n");
  }
  if (path == "/readyz") {
    const auto phase = services_.status.phase();
    return net::text_response(services_.status.serving() ? 200 : 503, fmt::format("{}\n", name_of(phase)));
  }
  if (path == "/status") {
    return json_response(report::to_json(services_.status.figures()));
  }
  if (path == "/metrics") {
    return net::text_response(200, services_.registry.prometheus(),
                              "text/plain; version=0.0.4; charset=utf-8");
  }
  if (path == "/") {
    return pages::response_of(page_);
  }
  return net::text_response(
      404,
      "no such path; there are / /healthz /readyz /status /metrics /events and the fronts, "
      "mounted by name, for instance /sccache/\n");
}

net::Decision Routes::control(const net::Request& request, net::Responder& respond) {
  if (!request.over_unix_socket) {
    return net::text_response(403, "control is on the agent's Unix socket only (--control)\n");
  }
  if (request.method != "POST") {
    return net::text_response(405, "POST flushes and drains\n");
  }
  auto deadline = services_.control.default_deadline;
  if (const auto given = query_value(request.query, "deadline"); !given.empty()) {
    const auto parsed = parse_duration(given, "deadline");
    if (!parsed) {
      return net::text_response(400, parsed.error().message + "\n");
    }
    deadline = *parsed;
  }
  const auto& action = request.path == "/flush" ? services_.control.flush : services_.control.drain;
  worker_.give([&action, deadline, answer = std::move(respond)]() mutable {
    answer(json_response(report::to_json(action(deadline))));
  });
  return net::Accepted{};
}

}  // namespace agent::app
