// A server with a small handler whose answers the tests know.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/io/file.hpp"
#include "agent/net/http_server.hpp"
#include "tests/net/raw_client.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::net::tests {

using namespace std::chrono_literals;

struct Upload {
  std::string bytes;
  bool finished = false;
  bool destroyed = false;
};

// Collects into a record the test can see; fails after `fail_after` bytes.
class RecordingSink final : public BodySink {
public:
  RecordingSink(std::shared_ptr<Guarded<Upload>> upload, std::optional<Errc> failure)
      : upload_(std::move(upload)), failure_(failure) {}
  RecordingSink(const RecordingSink&) = delete;
  RecordingSink& operator=(const RecordingSink&) = delete;
  ~RecordingSink() override {
    upload_->change([](Upload& upload) { upload.destroyed = true; });
  }

  Result<void> write(std::span<const std::byte> bytes) override {
    if (failure_) {
      return fail(*failure_, "the sink fails");
    }
    upload_->change([&](Upload& upload) {
      upload.bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    return {};
  }

  void finish(Responder respond) override {
    const auto size = upload_->with([](Upload& upload) {
      upload.finished = true;
      return upload.bytes.size();
    });
    respond(text_response(201, std::to_string(size)));
  }

private:
  std::shared_ptr<Guarded<Upload>> upload_;
  std::optional<Errc> failure_;
};

// Answers: /hello text, /file?SIZE a file, /echo the query; PUT /sink an upload, /full and /odd failing ones;
// /later and /never asynchronous; /throw an exception; /slow-sink an
// upload after blocking for 600 ms; anything else 404.
class TestServer final {
public:
  explicit TestServer(HttpServerOptions options = {}) {
    auto started = HttpServer::start(
        std::move(options),
        [this](const Request& request, Responder& respond) { return handle(request, respond); }, registry_);
    EXPECT_TRUE(started.has_value()) << started.error().message;
    if (started) {
      server_ = *std::move(started);
    }
  }

  std::uint16_t port() const { return server_->port(); }
  RawClient client() const { return RawClient(port()); }
  HttpServer& server() { return *server_; }
  void stop() { server_.reset(); }
  metrics::Registry& registry() { return registry_; }

  // Waits until the last upload fulfils `ready`.
  template <typename Ready>
  bool upload_becomes(Ready ready) {
    const auto deadline = std::chrono::steady_clock::now() + 2s;
    std::shared_ptr<Guarded<Upload>> upload;
    uploads_.wait_until({}, deadline, [&](const auto& all) { return !all.empty(); });
    uploads_.with([&](const auto& all) { upload = all.empty() ? nullptr : all.back(); });
    return upload != nullptr && upload->wait_until({}, deadline, ready);
  }

  // The Responder of the last request to /later, waiting for it.
  std::optional<Responder> take_responder() {
    const auto deadline = std::chrono::steady_clock::now() + 2s;
    std::optional<Responder> taken;
    responders_.wait_until({}, deadline, [](const auto& all) { return !all.empty(); });
    responders_.with([&](auto& all) {
      if (!all.empty()) {
        taken.emplace(std::move(all.back()));
        all.pop_back();
      }
    });
    return taken;
  }

  // The bytes of /file?size, up to 8 MiB; neighbours and pages differ.
  static std::string content(std::size_t size) {
    static const std::string all = [] {
      std::string bytes(std::size_t{8} << 20U, '\0');
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>('a' + (((i * 7) + (i / 4093)) % 26));
      }
      return bytes;
    }();
    return all.substr(0, size);
  }

  // Makes /file hand out a slice that claims `more` bytes than the file has.
  void overstate_files(std::uint64_t more) { overstated_.store(more); }

  // Waits until so many were turned away for this reason.
  bool rejections_become(std::string_view reason, std::uint64_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + 2s;
    while (rejected(reason) != count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(5ms);
    }
    return rejected(reason) == count;
  }

  bool some_rejected(std::string_view reason) const {
    const auto deadline = std::chrono::steady_clock::now() + 2s;
    while (rejected(reason) == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(5ms);
    }
    return rejected(reason) > 0;
  }

  std::uint64_t rejected(std::string_view reason) const {
    for (const auto& [name, count] : registry_.by_label("hearth_http_rejected_total", "reason")) {
      if (name == reason) {
        return count;
      }
    }
    return 0;
  }

private:
  Decision handle(const Request& request, Responder& respond) {
    if (request.path == "/hello") {
      return text_response(200, request.over_unix_socket ? "unix" : "hello");
    }
    if (request.path == "/echo") {
      return text_response(200, request.query);
    }
    if (request.path == "/slow-sink") {
      std::this_thread::sleep_for(600ms);
    }
    if (request.path == "/file") {
      return file_response(request.query);
    }
    if (request.path == "/none") {
      return Response{.status = 204, .headers = {}, .body = {}};
    }
    if (request.path == "/inject") {
      auto response = text_response(200, "x");
      response.headers.add("X-Safe", "a");
      response.headers.add("X-Bad", "a\r\nX-Injected: b");
      return response;
    }
    if (request.path == "/throw") {
      throw std::runtime_error("handler");
    }
    if (request.path == "/later" || request.path == "/never") {
      if (request.path == "/later") {
        responders_.change([&](auto& all) { all.push_back(std::move(respond)); });
      } else {
        const Responder dropped(std::move(respond));
      }
      return Accepted{};
    }
    if (request.path == "/sink" || request.path == "/slow-sink" || request.path == "/full" ||
        request.path == "/odd") {
      const auto failure = request.path == "/full"  ? std::optional(Errc::full)
                           : request.path == "/odd" ? std::optional(Errc::invalid)
                                                    : std::nullopt;
      auto upload = std::make_shared<Guarded<Upload>>();
      uploads_.change([&](auto& all) { all.push_back(upload); });
      return std::make_unique<RecordingSink>(std::move(upload), failure);
    }
    return text_response(404, "nothing here");
  }

  Response file_response(std::string_view size_text) {
    const auto size = parse_number(size_text, "size").value_or(0);
    const auto path = folder_.path() / size_text;
    files_.with([&](auto& files) {
      if (!files.contains(size)) {
        // A prefix that is not part of the slice, as in a segment of the store.
        EXPECT_TRUE(io::write_file(path, "prefix" + content(size)).has_value());
        files.emplace(size, io::slice_of_file(path.string()).value());
      }
    });
    auto slice = files_.with([&](auto& files) { return files.at(size); });
    slice.offset = 6;
    slice.size = size + overstated_.load();
    return Response{.status = 200, .headers = {}, .body = std::move(slice)};
  }

  agent::tests::TempFolder folder_;
  metrics::Registry registry_;
  Guarded<std::map<std::uint64_t, io::FileSlice>> files_;
  Guarded<std::vector<std::shared_ptr<Guarded<Upload>>>> uploads_;
  Guarded<std::vector<Responder>> responders_;
  std::atomic<std::uint64_t> overstated_{0};
  std::unique_ptr<HttpServer> server_;  // last: its threads use the rest
};

}  // namespace agent::net::tests
