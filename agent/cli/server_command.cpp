// hearth server: the BoringCache API over a folder or a bucket, for a team.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "agent/app/descriptor_limit.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/days.hpp"
#include "agent/cli/listen.hpp"
#include "agent/cli/signals.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/net/client_pool.hpp"
#include "agent/server/limits.hpp"
#include "agent/server/report_log.hpp"
#include "agent/server/retention.hpp"
#include "agent/server/rows.hpp"
#include "agent/server/server.hpp"
#include "agent/server/tags.hpp"

namespace agent::cli {

namespace {

struct Options {
  std::string listen = "127.0.0.1:7430";
  std::string storage;
  std::string admin_token_file;
  std::string signing_key_file;
  std::string public_url;
  std::string spool;
  std::string ready_file;
  std::string drain_deadline = "20s";
  std::string audit_log;
  std::uint64_t rate_limit = 5'000;
  std::string tls_cert;
  std::string tls_key;
  std::string idle = "0";
  std::string quota = "0";
  std::string clean_every = "1h";
  bool clean_now = false;
  bool dry_run = false;
  bool json = false;
};

constexpr std::uint64_t k_most_token_bytes = 4096;
constexpr std::size_t k_shortest_token = 16;
constexpr std::size_t k_shortest_key = 32;

Result<Secret> admin_token(const std::string& path) {
  if (path.empty()) {
    return Secret();
  }
  AGENT_TRY(const auto text, io::read_file(path, k_most_token_bytes));
  const auto token = trimmed(text);
  if (token.size() < k_shortest_token) {
    return fail(
        Errc::invalid,
        "--admin-token-file: the token in {} has fewer than {} characters; `openssl rand -hex 24` makes one",
        path, k_shortest_token);
  }
  return Secret(std::string(token));
}

Result<Secret> signing_secret(const std::string& path) {
  if (path.empty()) {
    return Secret();
  }
  AGENT_TRY(const auto text, io::read_file(path, k_most_token_bytes));
  const auto secret = trimmed(text);
  if (secret.size() < k_shortest_key) {
    return fail(Errc::invalid,
                "--signing-key-file: {} has fewer than {} characters; `openssl rand -hex 32` makes one", path,
                k_shortest_key);
  }
  return Secret(std::string(secret));
}

Result<server::KeepOptions> keep_options(const Options& options) {
  constexpr std::chrono::days k_longest{server::k_most_idle_days};
  server::KeepOptions keep;
  AGENT_TRY(keep.idle, parse_days(options.idle, "--idle"));
  if (keep.idle > k_longest) {
    return fail(Errc::invalid, "--idle: at most {} days; uses are not remembered for longer",
                k_longest.count());
  }
  AGENT_TRY(keep.quota_bytes, parse_size(options.quota, "--quota"));
  keep.dry_run = options.dry_run;
  return keep;
}

Result<server::ServerOptions> parsed(const Options& options) {
  server::ServerOptions parsed;
  AGENT_TRY(auto listen, parse_listen(options.listen));
  parsed.port = listen.port;
  parsed.address = std::move(listen.address);
  parsed.storage = options.storage;
  AGENT_TRY(parsed.service.admin_token, admin_token(options.admin_token_file));
  AGENT_TRY(parsed.service.signing_secret, signing_secret(options.signing_key_file));
  if (!options.public_url.empty()) {
    AGENT_TRY(const auto url, net::split_url(options.public_url));
    if (url.target != "/") {
      return fail(Errc::invalid, "--public-url: '{}' has a path; only scheme, host and port are used",
                  options.public_url);
    }
    parsed.service.public_url = url.origin;
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return fail(Errc::invalid, "--tls-cert and --tls-key go together");
  }
  parsed.tls_certificate = options.tls_cert;
  parsed.tls_key = options.tls_key;
  AGENT_TRY(parsed.keep, keep_options(options));
  AGENT_TRY(parsed.keep_every, parse_duration(options.clean_every, "--clean-every"));
  parsed.service.requests_per_second = options.rate_limit;
  parsed.service.audit_file =
      options.audit_log.empty() ? io::fs::path() : io::fs::absolute(options.audit_log);
  parsed.service.spool =
      options.spool.empty() ? io::fs::temp_directory_path() : io::fs::absolute(options.spool);
  return parsed;
}

// Looks once through all workspaces, and ends.
Result<void> clean(const Options& options) {
  const Signals signals;
  const SystemClock clock;
  metrics::Registry registry;
  AGENT_TRY(auto keep, keep_options(options));
  keep.go_on = [&] { return !signals.token().stop_requested(); };
  AGENT_TRY(const auto storage,
            backends::open_storage(options.storage, {.clock = clock, .registry = registry}));
  server::Tags tags(*storage, clock);
  server::Rows rows(*storage, clock);
  server::ReportLog reports(*storage, clock);
  const server::Stores stores{
      .storage = *storage, .clock = clock, .tags = tags, .rows = rows, .reports = reports};
  AGENT_TRY(const auto workspaces, server::workspaces_in(*storage));
  io::JsonObject results;
  for (const auto& workspace : workspaces) {
    AGENT_TRY(const auto figures, server::keep_workspace(stores, workspace, keep));
    const auto line = fmt::format(
        "{}: {} tags, {} in {} blobs; removed {} idle tags, {} beyond the quota, {} in {} blobs; {} wait{}",
        workspace.slug(), figures.tags, human_size(figures.bytes), figures.blobs, figures.idle_tags,
        figures.quota_tags, human_size(figures.removed_bytes), figures.removed_blobs,
        human_size(figures.waiting_bytes), figures.was_busy ? "; another server is removing" : "");
    fmt::print(options.json ? stderr : stdout, "{}\n", line);
    results.emplace(workspace.slug(), figures.json());
  }
  if (options.json) {
    fmt::print("{}\n",
               io::Json(io::JsonObject{{"dry_run", options.dry_run}, {"workspaces", results}}).dump(2));
  }
  return {};
}

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
}

Result<void> serve(const Options& options) {
  // Each thread that parses a body would keep memory of its own; the bodies come and go.
  constexpr int k_arenas = 2;
  ::mallopt(M_ARENA_MAX, k_arenas);
  app::raise_descriptor_limit();
  const Signals signals;
  AGENT_TRY(auto chosen, parsed(options));
  AGENT_TRY(const auto deadline, parse_duration(options.drain_deadline, "--drain-deadline"));
  const auto address = chosen.address;
  const auto* const scheme = chosen.tls_certificate.empty() ? "http" : "https";
  AGENT_TRY(const auto server, server::Server::start(std::move(chosen)));
  fmt::print(stderr, "hearth: server on {}://{}:{}, storage {}{}\n", scheme, address, server->port(),
             server->storage(),
             options.admin_token_file.empty() ? ", no administrator (no --admin-token-file)" : "");
  if (!options.ready_file.empty()) {
    const io::Json ready(
        io::JsonObject{{"endpoint", fmt::format("{}://{}:{}", scheme, address, server->port())},
                       {"pid", static_cast<std::int64_t>(::getpid())}});
    AGENT_CHECK(io::write_file(options.ready_file, ready.dump() + "\n"));
  }
  wait_for(signals.token());
  server->drain(deadline);
  return {};
}

void add_cleaning(CLI::App& command, Options& options) {
  command
      .add_option("--idle", options.idle, "tags of the API that nobody used for so long go: 30d; 0 keeps all")
      ->capture_default_str();
  command
      .add_option("--quota", options.quota,
                  "what the tags of a workspace may hold: 50GiB; the least recently used go. 0 is any size")
      ->capture_default_str();
  command
      .add_option("--clean-every", options.clean_every, "how often it is looked for what may go; 0 is never")
      ->capture_default_str();
  command.add_flag("--clean", options.clean_now, "look for what may go once, now, and serve nothing");
  command.add_flag("--dry-run", options.dry_run, "with --clean: remove nothing, say what would go");
  command.add_flag("--json", options.json, "with --clean: figures as JSON");
}

}  // namespace

Command add_server(CLI::App& program) {
  auto* const command =
      program.add_subcommand("server", "a cache server for a team: the BoringCache API over a storage");
  const auto options = std::make_shared<Options>();
  command->add_option("--listen", options->listen, "TCP address; port 0 picks one")->capture_default_str();
  command
      ->add_option("--storage", options->storage, "where everything is kept: disk:///folder or s3://bucket")
      ->required();
  command->add_option("--admin-token-file", options->admin_token_file,
                      "file with the administrator's token, who makes workspaces and tokens");
  command->add_option("--signing-key-file", options->signing_key_file,
                      "file with the secret that entries are signed with (default: one in the storage)");
  command->add_option("--public-url", options->public_url,
                      "how clients reach this server, where a proxy stands in front of it");
  command->add_option("--spool", options->spool, "folder for uploads on their way (default: the system's)");
  command->add_option("--audit-log", options->audit_log,
                      "file that gets a line for every change and every refusal (default: the log)");
  command
      ->add_option("--rate-limit", options->rate_limit,
                   "requests a second that one token may make; 0 is any number")
      ->capture_default_str();
  command->add_option("--ready-file", options->ready_file, "JSON file written once it serves");
  command
      ->add_option("--drain-deadline", options->drain_deadline,
                   "how long answers in progress may take at the end")
      ->capture_default_str();
  command->add_option("--tls-cert", options->tls_cert,
                      "PEM file with the certificate chain: TLS without a proxy");
  command->add_option("--tls-key", options->tls_key, "PEM file with its key");
  add_cleaning(*command, *options);
  command->footer(
      "Any number of servers may share one storage.\n"
      "Example:\n  hearth server --listen 127.0.0.1:7430 --storage disk:///srv/hearth --admin-token-file "
      "/etc/hearth/admin-token");
  return {command, [options] {
            const auto done = options->clean_now ? clean(*options) : serve(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
