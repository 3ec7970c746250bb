// The API over HTTP: who asks is looked at first, then what. JSON requests are done by a few threads, because
// they wait for the storage; blobs that lie in files of this machine are answered on the event loop, with
// sendfile(2). Thread-safe. No state beyond the storage's: any number of these may serve one storage.
#pragma once

#include <memory>
#include <string>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/core/worker.hpp"
#include "agent/io/file.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http.hpp"
#include "agent/pages/page.hpp"
#include "agent/server/audit_log.hpp"
#include "agent/server/call.hpp"
#include "agent/server/rate_limit.hpp"
#include "agent/server/retention.hpp"
#include "agent/server/routes.hpp"

namespace agent::server {

// What a client finds: for tests of clients, which have to get along with servers of both generations.
enum class Offers : std::uint8_t {
  everything,
  wrappers,        // neither staging nor publishing by tag: what came before them
  nothing_is_said  // everything, but no capabilities that would say so
};

struct ServiceOptions {
  Secret admin_token;      // empty: only tokens that the storage has
  Secret signing_secret;   // that signatures of entries come from; empty: one that the storage keeps
  std::string public_url;  // how clients reach this server, without a path; empty: as their Host header says
  io::fs::path spool;      // a folder for bodies on their way
  unsigned threads = 16;   // that wait for the storage
  std::size_t max_waiting = 4096;  // requests; beyond it: 503
  std::size_t max_json_bytes = std::size_t{4} << 20U;
  std::uint64_t requests_per_second = 5'000;  // of one token; 0: any number
  io::fs::path audit_file;                    // empty: the log
  bool is_tls = false;                        // clients reach it over https
  Offers offers = Offers::everything;
};

class Service final {
public:
  // Reads the keys that sign URLs and entries from the storage, or makes them there. Errors: those of the
  // storage, corrupt. `storage`, `clock` and `registry` outlive it.
  static Result<std::unique_ptr<Service>> open(ServiceOptions options, backends::ObjectStorage& storage,
                                               const Clock& clock, metrics::Registry& registry);

  // What cleaning needs (retention.hpp).
  Stores stores();

  // Writes down what is noted in memory: at the end.
  void write_uses() { reports_.write_uses(); }

  // The server's handler; the server ends before this does.
  net::Decision handle(const net::Request& request, net::Responder& respond);

private:
  struct Keys {
    Secret urls;
    Secret signatures;
  };
  Service(ServiceOptions options, backends::ObjectStorage& storage, const Clock& clock,
          metrics::Registry& registry, Keys keys);

  net::Decision api(const net::Request& request, net::Responder& respond);
  net::Decision blob(const net::Request& request, net::Responder& respond);
  net::Decision take_archive(const net::Request& request, const Permission& permission);
  net::Decision download(const net::Request& request, const Permission& permission, net::Responder& respond);
  net::Response send_blob(const net::Request& request, const Permission& permission);
  void run(const net::Request& request, std::string body, net::Responder respond);
  net::Response answer(const net::Request& request, const std::string& body);
  Result<Answer> authorized(Call& call, const Match& match, const std::string& body);
  void note(const Call& call, const Match& match, int status);
  std::string base_of(const net::Request& request) const;
  bool is_hidden(const Match& match) const;
  bool is_full() const { return workers_.waiting() >= options_.max_waiting; }

  ServiceOptions options_;
  metrics::Registry& registry_;
  Blobs blobs_;
  Tags tags_;
  Rows rows_;
  Tokens tokens_;
  ReportLog reports_;
  SignedUrls urls_;
  Signer signer_;
  RateLimit limit_;
  AuditLog audit_;
  Context context_;
  pages::Page page_ = pages::server_page();
  Worker workers_;  // last: its threads use the rest
};

}  // namespace agent::server
