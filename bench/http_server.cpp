// The HTTP server alone, for comparing it with others: PUT appends to one file, as a segment of the store is
// written, GET sends from it. No digests, no eviction, no tags. Prints its port, serves until end of input.
// bench_http_server FILE [LOOPS]
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/net/http_server.hpp"

namespace {

using namespace agent;

struct Segment {
  io::Fd file;
  std::atomic<std::uint64_t> end{0};
  std::shared_mutex mutex;
  std::unordered_map<std::string, io::FileSlice> objects;
};

class SegmentSink final : public net::BodySink {
public:
  SegmentSink(Segment& segment, std::string key, std::uint64_t size)
      : segment_(segment),
        key_(std::move(key)),
        slice_{.fd = segment.file.get(), .offset = segment.end.fetch_add(size), .size = size, .pin = {}} {}

  Result<void> write(std::span<const std::byte> bytes) override {
    AGENT_CHECK(io::write_all_at(slice_.fd, bytes, slice_.offset + written_, "segment"));
    written_ += bytes.size();
    return {};
  }

  void finish(net::Responder respond) override {
    {
      const std::unique_lock lock(segment_.mutex);
      segment_.objects.insert_or_assign(std::move(key_), slice_);
    }
    respond(net::Response{.status = 201, .headers = {}, .body = {}});
  }

private:
  Segment& segment_;
  std::string key_;
  io::FileSlice slice_;
  std::uint64_t written_ = 0;
};

net::Decision answer(Segment& segment, const net::Request& request) {
  if (request.method == "PUT" && request.content_length) {
    return std::make_unique<SegmentSink>(segment, request.path, *request.content_length);
  }
  const std::shared_lock lock(segment.mutex);
  const auto found = segment.objects.find(request.path);
  if (found == segment.objects.end()) {
    return net::text_response(404, "");
  }
  return net::Response{.status = 200, .headers = {}, .body = found->second};
}

int serve(const char* path, unsigned loops) {
  auto file = io::open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (!file) {
    std::fputs((file.error().message + "\n").c_str(), stderr);
    return EXIT_FAILURE;
  }
  Segment segment;
  segment.file = *std::move(file);
  metrics::Registry registry;
  const auto server = net::HttpServer::start(
      {.loops = loops},
      [&](const net::Request& request, net::Responder&) { return answer(segment, request); }, registry);
  if (!server) {
    std::fputs((server.error().message + "\n").c_str(), stderr);
    return EXIT_FAILURE;
  }
  std::printf("%u\n", unsigned{(*server)->port()});
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_http_server FILE [LOOPS]\n", stderr);
    return EXIT_FAILURE;
  }
  const auto loops = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
  return serve(argv[1], static_cast<unsigned>(loops));
}
