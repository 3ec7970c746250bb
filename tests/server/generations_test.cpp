// Hearth's own client against this server, with both generations of the API and with a server that does not
// say what it can do. What goes over the wire is compared with tests/golden/boringcache-*.txt;
// HEARTH_UPDATE_GOLDEN=1 writes these anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>
#include <regex>

#include "agent/io/process.hpp"
#include "agent/server/bodies.hpp"
#include "tests/server/running_server.hpp"

namespace agent::server::tests {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

// What differs from run to run gets a name by its order.
std::string without_chance(std::string text) {
  static const std::vector<std::pair<std::regex, std::string>> kinds = {
      {std::regex(R"(127\.0\.0\.1:[0-9]+)"), "HOST"},
      {std::regex("e=[0-9]+&h=[0-9a-f]+"), "e=END&h=SIGNATURE"},
      {std::regex(R"re("server_signature_payload":"([^"\\]|\\.)*")re"),
       "\"server_signature_payload\":SIGNED"},
      {std::regex("(ed25519(-sha256)?:|signature\":\")[0-9A-Za-z+/=]+"), "$1SIGNATURE"},
      {std::regex("20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]+Z"), "TIME"}};
  for (const auto& [pattern, name] : kinds) {
    text = std::regex_replace(text, pattern, name);
  }
  static const std::regex chance("e_[0-9a-f]{24}|[0-9]+\\.[0-9a-f]{24}");
  std::map<std::string, std::string> names;
  std::string result;
  auto rest = text.cbegin();
  for (std::sregex_iterator it(text.cbegin(), text.cend(), chance), end; it != end; ++it) {
    const auto found = it->str();
    const auto* const kind = found.starts_with("e_") ? "ENTRY" : "VERSION";
    const auto name = names.try_emplace(found, fmt::format("{}{}", kind, names.size() + 1)).first->second;
    result.append(rest, (*it)[0].first).append(name);
    rest = (*it)[0].second;
  }
  return result.append(rest, text.cend());
}

// Stands between client and server and writes down what both say.
class Recorder final {
public:
  Recorder() {
    auto started = net::HttpServer::start(
        {}, [this](const net::Request& request, net::Responder&) { return pass_on(request); }, registry_);
    EXPECT_THAT(started, Succeeds());
    http_ = *std::move(started);
  }

  std::string base() const { return fmt::format("http://127.0.0.1:{}", http_->port()); }
  void to(std::string server) { server_ = std::move(server); }

  std::string text() {
    const std::scoped_lock lock(mutex_);
    return without_chance(text_);
  }

private:
  net::Decision pass_on(const net::Request& request) {
    constexpr std::size_t k_most = std::size_t{4} << 20U;
    return std::make_unique<JsonBody>(
        k_most, [this, request](const std::optional<std::string>& body, net::Responder respond) {
          respond(exchange(request, body.value_or("")));
        });
  }

  net::Response exchange(const net::Request& request, const std::string& body) {
    net::ClientRequest asked;
    asked.method = request.method;
    const auto target = request.path + (request.query.empty() ? "" : "?" + request.query);
    auto line = fmt::format("{} {}", request.method, target);
    for (const auto* const name : {"Authorization", "If-Match", "If-None-Match", "Range", "Content-Type"}) {
      if (request.headers.has(name)) {
        asked.headers.add(name, request.headers.get(name));
        line += std::string_view(name) == "Authorization"
                    ? std::string(" token")
                    : fmt::format(" {}: {}", name, request.headers.get(name));
      }
    }
    const auto answer = pool_.send(server_ + target, asked, body);
    EXPECT_THAT(answer, Succeeds());
    net::Response response;
    response.status = answer->status;
    response.body = answer->body;
    for (const auto* const name : {"ETag", "Content-Type", "Content-Range"}) {
      if (answer->headers.has(name)) {
        response.headers.add(name, answer->headers.get(name));
      }
    }
    const std::scoped_lock lock(mutex_);
    text_ += fmt::format("{}\n> {}\n< {} {}\n\n", line, shown(body), answer->status, shown(answer->body));
    return response;
  }

  static std::string shown(const std::string& body) {
    const auto json = io::parse_json(body, "body");
    return json ? json->dump() : fmt::format("{} bytes", body.size());
  }

  metrics::Registry registry_;
  net::ClientPool pool_{net::PoolOptions{}};
  std::string server_;
  std::mutex mutex_;
  std::string text_;
  std::unique_ptr<net::HttpServer> http_;  // last: its threads use the rest
};

struct Generation {
  std::string name;
  Offers offers = Offers::everything;
};

void PrintTo(const Generation& generation, std::ostream* out) {
  *out << generation.name;
}

class Generations : public testing::TestWithParam<Generation> {
protected:
  static ServiceOptions options(const Recorder& recorder) {
    ServiceOptions options;
    options.public_url = recorder.base();
    options.offers = GetParam().offers;
    return options;
  }

  void expect_golden() {
    const auto path = std::filesystem::path(io::environment_value("HEARTH_SOURCE_DIR")) / "tests/golden" /
                      fmt::format("boringcache-{}.txt", GetParam().name);
    const auto actual = recorder_.text();
    if (io::environment_value("HEARTH_UPDATE_GOLDEN") == "1") {
      ASSERT_THAT(io::write_file(path, actual), Succeeds());
    }
    const auto golden = io::read_file(path, std::uint64_t{1} << 20U);
    ASSERT_THAT(golden, Succeeds());
    EXPECT_EQ(actual, *golden);
  }

  Recorder recorder_;
  RunningServer server_{options(recorder_)};
  SystemClock clock_;
  metrics::Registry registry_;
};

TEST_P(Generations, KeepTheSamePromises) {
  recorder_.to(server_.base());
  const auto storage = backends::open_storage(
      "boringcache://" + recorder_.base().substr(std::string_view("http://").size()) + "/acme/ci",
      {.clock = clock_, .registry = registry_, .variables = [](const char* name) {
         return std::string(std::string_view(name) == "BORINGCACHE_ADMIN_TOKEN" ? k_root : "");
       }});
  ASSERT_THAT(storage, Succeeds());
  auto& objects = **storage;
  const std::string pack(100'000, 'p');

  EXPECT_EQ(objects.put_if_absent("manifests/1", std::string_view("small")).value(), backends::Put::created);
  EXPECT_EQ(objects.put_if_absent("manifests/1", std::string_view("other")).value(), backends::Put::existed);
  EXPECT_EQ(objects.put_if_absent("packs/1", std::string_view(pack)).value(), backends::Put::created);
  EXPECT_EQ(objects.get("packs/1", {.offset = 10, .size = 20}).value(), std::string(20, 'p'));
  const auto first = objects.compare_and_swap("tags/a/b/c", std::nullopt, "one");
  ASSERT_THAT(first, Succeeds());
  EXPECT_THAT(objects.compare_and_swap("tags/a/b/c", std::nullopt, "two"), FailsWith(Errc::conflict));
  const auto second = objects.compare_and_swap("tags/a/b/c", *first, "three");
  ASSERT_THAT(second, Succeeds());
  EXPECT_EQ(objects.read("tags/a/b/c").value()->content, "three");
  EXPECT_EQ(objects.read("tags/a/b/c").value()->version, *second);
  EXPECT_EQ(objects.list("packs/").value().size(), 1);
  EXPECT_THAT(objects.remove("packs/1"), Succeeds());
  EXPECT_FALSE(objects.get("packs/1", {.offset = 0, .size = 1}).value_or(std::nullopt));

  expect_golden();
}

INSTANTIATE_TEST_SUITE_P(Server, Generations,
                         testing::Values(Generation{.name = "fast", .offers = Offers::everything},
                                         Generation{.name = "wrappers", .offers = Offers::wrappers},
                                         Generation{.name = "silent", .offers = Offers::nothing_is_said}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace agent::server::tests
