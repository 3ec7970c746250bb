// Speaks to a front without sockets: a request in, the answer out.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/fronts/front.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::tests {

enum class Length : std::uint8_t { announced, chunked };

// As the agent's routes do it: `path` is what follows "/<front>/".
inline net::Response ask(fronts::Front& front, std::string method, std::string_view path,
                         std::string_view body = {}, Length length = Length::announced) {
  net::Request request{.method = std::move(method),
                       .path = "/" + std::string(front.name()) + "/" + std::string(path),
                       .query = {},
                       .headers = {},
                       .content_length = {}};
  if (length == Length::announced) {
    request.content_length = body.size();
  }
  std::promise<net::Response> answered;
  auto answer = answered.get_future();
  net::Responder respond([&](net::Response response) { answered.set_value(std::move(response)); });
  auto decision = front.handle(request, path, respond);
  if (auto* response = std::get_if<net::Response>(&decision)) {
    return std::move(*response);
  }
  if (auto* sink = std::get_if<std::unique_ptr<net::BodySink>>(&decision)) {
    for (std::size_t at = 0; at < body.size(); at += 1000) {
      if (auto written = (*sink)->write(io::bytes_of(body.substr(at, 1000))); !written) {
        return net::text_response(599, written.error().message);  // the server answers this itself
      }
    }
    (*sink)->finish(std::move(respond));
  }
  if (answer.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
    ADD_FAILURE() << "the front never answered";
    return {.status = 0};
  }
  return answer.get();
}

inline std::string body_of(const net::Response& response) {
  if (const auto* slice = std::get_if<io::FileSlice>(&response.body)) {
    return io::read_slice(*slice, std::uint64_t{1} << 30U, "body").value_or("(unreadable)");
  }
  return std::get<std::string>(response.body);
}

}  // namespace agent::tests
