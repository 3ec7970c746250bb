// The WebDAV dialect that sccache speaks (through OpenDAL): GET and HEAD look up, PUT stores, PROPFIND and
// MKCOL are answered so that sccache believes every folder exists and a store costs one PROPFIND and one PUT.
//
// At start sccache reads `.sccache_check`, then writes it. Any answer to the read other than 200 or 404 makes
// every compilation exit 2, and a failed write makes it read-only for the server's life: so the read is
// answered 404 and the write 201, whatever state the backend is in, and nothing is stored. Sources:
// mozilla/sccache 0.16.0, src/cache/cache.rs (check), src/cache/webdav.rs; opendal 0.55, services/webdav;
// read and observed 2026-11. Guards: tests/fronts/sccache_test.cpp, tests/agent with the real sccache.
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/core/worker.hpp"
#include "agent/fronts/front.hpp"

namespace agent::fronts {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view k_probe = ".sccache_check";

// Objects that are fetched from the storage at once: as many as a large machine compiles at once. They wait
// for a network, and an event loop must not.
constexpr unsigned k_fetchers = 16;

// The weekday must be right or OpenDAL does not parse the answer; 1 May 2022 was a Sunday.
constexpr std::string_view k_collection =
    R"(<?xml version="1.0" encoding="utf-8"?><multistatus xmlns="DAV:"><response><href>/</href><propstat><prop>)"
    R"(<getlastmodified>Sun, 01 May 2022 06:39:47 GMT</getlastmodified><resourcetype><collection/></resourcetype>)"
    R"(</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>)";

bool is_probe(std::string_view path) {
  return path == k_probe || (path.size() > k_probe.size() && path.ends_with(k_probe) &&
                             path[path.size() - k_probe.size() - 1] == '/');
}

net::Response refusal(const Error& error) {
  const int status = error.code == Errc::full ? 507 : error.code == Errc::invalid ? 400 : 500;
  return net::text_response(status, error.message + "\n");
}

// Takes a PUT's body into the cache.
class Store final : public net::BodySink {
public:
  Store(cache::Write write, metrics::Counter& failed) : write_(std::move(write)), failed_(failed) {}

  // Nothing is called after an error: each object is counted once.
  Result<void> write(std::span<const std::byte> bytes) override { return counted(write_.write(bytes)); }

  void finish(net::Responder respond) override {
    const auto stored = counted(std::move(write_).commit());
    respond(stored ? net::Response{.status = 201} : refusal(stored.error()));
  }

private:
  Result<void> counted(Result<void> done) {
    if (!done) {
      failed_.add();
      log::warn("sccache front: store failed error={}", done.error().message);
    }
    return done;
  }

  cache::Write write_;
  metrics::Counter& failed_;
};

class Sccache final : public Front {
public:
  explicit Sccache(const FrontServices& services)
      : cache_(services.cache),
        hit_seconds_(
            services.registry.histogram("hearth_hit_seconds", "Time to find an object that is there")),
        failed_(services.registry.counter("hearth_stores_failed_total",
                                          "Objects that could not be stored locally")) {}

  std::string_view name() const override { return "sccache"; }

  net::Decision handle(const net::Request& request, std::string_view path, net::Responder& respond) override {
    if (request.method == "GET" || request.method == "HEAD") {
      return look_up(path, respond);
    }
    if (request.method == "PUT") {
      return store(request, path);
    }
    if (request.method == "PROPFIND") {
      return net::text_response(207, k_collection, "application/xml; charset=utf-8");
    }
    if (request.method == "MKCOL") {
      return net::Response{.status = 201};
    }
    net::Response answer{.status = request.method == "OPTIONS" ? 200 : 405};
    answer.headers.add("DAV", "1");
    answer.headers.add("Allow", "OPTIONS, GET, HEAD, PUT, PROPFIND, MKCOL");
    return answer;
  }

private:
  net::Decision look_up(std::string_view path, net::Responder& respond) {
    if (is_probe(path) || path.empty()) {
      return absent();
    }
    const auto begin = steady_clock::now();
    auto key = key_of(path);
    auto found = cache_.look_up(key);
    if (!found.elsewhere) {
      return answer_to(std::move(found.hit), begin);
    }
    fetchers().give(
        [this, begin, key = std::move(key), entry = *std::move(found.elsewhere),
         answer = std::move(respond)]() mutable { answer(answer_to(cache_.fetch(key, entry), begin)); });
    return net::Accepted{};
  }

  net::Response answer_to(std::optional<cache::Hit> hit, steady_clock::time_point begin) {
    if (!hit) {
      return absent();
    }
    hit_seconds_.observe(steady_clock::now() - begin);
    net::Response answer{.status = 200, .headers = {}, .body = std::move(hit->slice)};
    answer.headers.add("Content-Type", "application/octet-stream");
    return answer;
  }

  static net::Response absent() { return net::text_response(404, "absent\n"); }

  // Started by the first lookup that needs them: where packs are local there is none.
  Worker& fetchers() {
    std::call_once(first_fetch_, [this] { fetchers_.emplace(k_fetchers); });
    return *fetchers_;
  }

  net::Decision store(const net::Request& request, std::string_view path) {
    if (is_probe(path)) {
      return net::Response{.status = 201};
    }
    if (path.empty() || path.ends_with('/')) {
      return net::text_response(400, "PUT needs an object key after /sccache/\n");
    }
    auto write = cache_.begin(key_of(path), request.content_length);
    if (!write) {
      log::warn("sccache front: store refused error={}", write.error().message);
      return refusal(write.error());
    }
    return std::make_unique<Store>(*std::move(write), failed_);
  }

  static std::string key_of(std::string_view path) { return "sccache/" + std::string(path); }

  cache::Cache& cache_;
  metrics::Histogram& hit_seconds_;
  metrics::Counter& failed_;
  std::once_flag first_fetch_;
  std::optional<Worker> fetchers_;  // last: its threads use the rest
};

}  // namespace

std::unique_ptr<Front> make_sccache(const FrontServices& services) {
  return std::make_unique<Sccache>(services);
}

}  // namespace agent::fronts
