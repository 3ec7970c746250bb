#include "agent/app/agent.hpp"

#include <algorithm>
#include <optional>
#include <stop_token>
#include <utility>

#include "agent/app/ccache.hpp"
#include "agent/app/descriptor_limit.hpp"
#include "agent/app/housekeeping.hpp"
#include "agent/app/hydration.hpp"
#include "agent/app/live.hpp"
#include "agent/app/ready_file.hpp"
#include "agent/app/routes.hpp"
#include "agent/app/run_trend.hpp"
#include "agent/app/session_report.hpp"
#include "agent/app/status.hpp"
#include "agent/app/top_misses.hpp"
#include "agent/backends/boringcache_report.hpp"
#include "agent/backends/breaker.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/cache/cache.hpp"
#include "agent/cache/request_log.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/fronts/front.hpp"
#include "agent/net/http_server.hpp"
#include "agent/publish/pack_copy.hpp"
#include "agent/publish/publisher.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/store/store.hpp"

namespace agent::app {

namespace {

using std::chrono::steady_clock;

constexpr seconds k_farewell(2);  // for answers in progress when the agent ends

struct Ending {
  std::string reason;                      // empty: goes on
  std::optional<report::Figures> drained;  // the final figures, once drained
  bool draining = false;
  bool warm = false;  // the tag is read and the folders are filled: only then is there something to drain
};

}  // namespace

// In construction order; what is below uses what is above.
struct Agent::State {
  explicit State(Config given) : config(std::move(given)) {}

  std::unique_ptr<backends::ObjectStorage> open_backend(std::optional<std::string>& trouble);
  std::uint64_t copies_budget() const { return std::min(config.preload_bytes, config.max_size_bytes / 2); }
  Result<std::shared_ptr<publish::PackCopies>> open_copies();
  Result<void> open();
  void look_again();
  void warm_up() const;
  Result<void> serve();
  std::string endpoint() const;
  bool wait_until_warm(milliseconds deadline);
  report::Figures flush(milliseconds deadline);
  report::Figures drain(milliseconds deadline);
  report::Figures drain_once(milliseconds deadline);
  RunRecord record_of(const report::Figures& figures, cache::Requests asked) const;
  void end(std::string reason);
  void note(std::string text) const;

  Config config;
  SystemClock clock;
  const Wall started = clock.wall();
  std::string backend_url;  // as it was given
  metrics::Registry registry;
  cache::RequestLog requests;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<backends::ObjectStorage> storage;
  std::unique_ptr<publish::TagView> tag;
  std::unique_ptr<publish::Publisher> publisher;
  std::unique_ptr<cache::Cache> cache;
  std::unique_ptr<Status> status;
  std::unique_ptr<Live> live;
  std::unique_ptr<Hydration> hydration;
  std::unique_ptr<Ccache> ccache;
  std::unique_ptr<Housekeeping> housekeeping;
  Guarded<Ending> ending;
  std::unique_ptr<Routes> routes;
  std::unique_ptr<net::HttpServer> server;
};

void Agent::State::note(std::string text) const {
  log::warn("agent: {}", text);
  status->observe([&](Observed& observed) { observed.notes.push_back(std::move(text)); });
}

// Empty where there is no backend or where it cannot be used; then `trouble` says why.
std::unique_ptr<backends::ObjectStorage> Agent::State::open_backend(std::optional<std::string>& trouble) {
  if (config.backend == "none" || config.mode == publish::Mode::off) {
    return nullptr;
  }
  auto opened = backends::open_storage(config.backend,
                                       {.clock = clock, .registry = registry, .variables = config.variables});
  if (!opened) {
    trouble = fmt::format("backend {} cannot be used: {}; nothing is read from it or published to it",
                          config.backend, opened.error().message);
    return nullptr;
  }
  backend_url = std::exchange(config.backend, (*opened)->describe());
  return backends::with_breaker(*std::move(opened), {.clock = clock, .registry = registry});
}

// Packs that cannot be opened where they lie are copied beside the store and share its size cap.
Result<std::shared_ptr<publish::PackCopies>> Agent::State::open_copies() {
  return publish::PackCopies::open({.folder = config.store / "copies",
                                    .budget_bytes = copies_budget(),
                                    .min_free_bytes = config.min_free_bytes});
}

// After publishing, unless nobody will look anything up any more: reading costs calls.
void Agent::State::look_again() {
  if (ending.with([](const Ending& state) { return state.draining; })) {
    return;
  }
  if (auto refreshed = tag->refresh(); !refreshed) {
    log::warn("agent: refresh after publishing failed error={}", refreshed.error().message);
  }
}

Result<void> Agent::State::open() {
  raise_descriptor_limit();
  std::optional<std::string> trouble;
  storage = open_backend(trouble);
  const bool remote = storage != nullptr && !storage->opens_in_place();
  AGENT_TRY(store,
            store::Store::open({.folder = config.store,
                                .max_size_bytes = config.max_size_bytes - (remote ? copies_budget() : 0),
                                .min_free_bytes = config.min_free_bytes},
                               registry));
  if (storage != nullptr) {
    std::shared_ptr<publish::PackCopies> copies;
    if (remote) {
      AGENT_TRY(copies, open_copies());
    }
    tag = std::make_unique<publish::TagView>(*storage, config.chain, registry, std::move(copies));
  }
  publish::PublisherOptions options{
      .tag = config.chain.own, .mode = config.mode, .producer = config.producer};
  options.spool = config.store;
  options.tag_bytes = config.max_tag_bytes;
  publisher = std::make_unique<publish::Publisher>(
      std::move(options), publish::PublisherServices{.storage = storage.get(),
                                                     .clock = &clock,
                                                     .registry = &registry,
                                                     .published = [this] { look_again(); },
                                                     .packs = tag != nullptr ? tag->packs() : nullptr});
  cache = std::make_unique<cache::Cache>(
      cache::CacheOptions{.tag = config.chain.own, .mode = config.mode, .spool = config.store},
      cache::CacheServices{.store = store.get(),
                           .storage = storage.get(),
                           .tag = tag.get(),
                           .publisher = publisher.get(),
                           .registry = &registry,
                           .requests = &requests});
  status = std::make_unique<Status>(StatusSources{
      .config = &config, .registry = &registry, .publisher = publisher.get(), .tag = tag.get()});
  live = std::make_unique<Live>(LiveSources{*status, registry, requests, *publisher, clock});
  const FolderServices exchanged{.config = config,
                                 .status = *status,
                                 .registry = registry,
                                 .cache = *cache,
                                 .tag = tag.get(),
                                 .storage = storage.get()};
  hydration = std::make_unique<Hydration>(exchanged);
  ccache = std::make_unique<Ccache>(exchanged);
  housekeeping = std::make_unique<Housekeeping>(HousekeepingServices{.config = config,
                                                                     .status = *status,
                                                                     .store = *store,
                                                                     .hydration = *hydration,
                                                                     .ccache = *ccache,
                                                                     .registry = registry,
                                                                     .tag = tag.get()});
  if (trouble) {
    note(*std::move(trouble));
  }
  return {};
}

void Agent::State::warm_up() const {
  status->set_phase(Phase::warming);
  const auto begin = steady_clock::now();
  if (tag != nullptr) {
    if (auto refreshed = tag->refresh(); !refreshed) {
      note(fmt::format("the tag could not be read: {}; every lookup of it is a miss until a refresh succeeds",
                       refreshed.error().message));
    } else {
      status->observe([&](Observed& observed) {
        observed.tag_objects = tag->figures().objects;
        observed.earlier_runs = tag->runs();
      });
      tag->preload(config.preload_bytes, begin + config.preload_deadline);
    }
    if (const auto adopted = cache->adopt_unpublished(); adopted > 0) {
      log::info("agent: adopted objects an earlier agent had not published count={}", adopted);
    }
  }
  hydration->begin();
  ccache->begin();
  if (tag != nullptr) {
    const auto took = std::chrono::duration<double>(steady_clock::now() - begin).count();
    status->observe([&](Observed& observed) { observed.preload_seconds = took; });
  }
}

Result<void> Agent::State::serve() {
  if (config.address.empty()) {
    return {};
  }
  auto hosts = config.hosts;
  hosts.push_back(config.address);
  RouteServices services{.status = *status,
                         .registry = registry,
                         .live = *live,
                         .gate = fronts::Gate({.token = config.token, .hosts = std::move(hosts)}),
                         .fronts = fronts::make_fronts({.cache = *cache, .registry = registry}),
                         .control = {.flush = [this](auto deadline) { return flush(deadline); },
                                     .drain =
                                         [this](auto deadline) {
                                           auto figures = drain(deadline);
                                           end("drained over the control socket");
                                           return figures;
                                         },
                                     .default_deadline = config.drain_deadline}};
  routes = std::make_unique<Routes>(std::move(services));
  net::HttpServerOptions options{
      .address = config.address, .port = config.port, .unix_socket = config.control};
  AGENT_TRY(server, net::HttpServer::start(
                        std::move(options),
                        [this](const net::Request& request, net::Responder& respond) {
                          return routes->handle(request, respond);
                        },
                        registry));
  return {};
}

std::string Agent::State::endpoint() const {
  return server ? fmt::format("http://{}:{}", config.address, server->port()) : std::string{};
}

bool Agent::State::wait_until_warm(milliseconds deadline) {
  return ending.wait_until({}, steady_clock::now() + deadline,
                           [](const Ending& state) { return state.warm; });
}

report::Figures Agent::State::flush(milliseconds deadline) {
  if (!wait_until_warm(deadline)) {
    return status->figures();
  }
  housekeeping->snapshot();
  hydration->collect();
  ccache->collect();
  if (auto flushed = publisher->flush(deadline); !flushed) {
    log::warn("agent: flush failed error={}", flushed.error().message);
  }
  return status->figures();
}

report::Figures Agent::State::drain(milliseconds deadline) {
  if (!wait_until_warm(deadline)) {
    return status->figures();  // nothing was stored yet: stores are taken once it is warm
  }
  const bool first = ending.with([](Ending& state) { return !std::exchange(state.draining, true); });
  if (first) {
    auto figures = drain_once(deadline);
    ending.change([&](Ending& state) { state.drained = figures; });
    return figures;
  }
  ending.wait_until({}, steady_clock::now() + deadline,
                    [](const Ending& state) { return state.drained.has_value(); });
  return ending.with([&](const Ending& state) { return state.drained ? *state.drained : status->figures(); });
}

// sccache first: it may still be storing what it compiled, and its statistics go with it.
report::Figures Agent::State::drain_once(milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  status->set_phase(Phase::draining);
  housekeeping->end_sccache(std::min<milliseconds>(deadline, seconds(15)));
  hydration->finish();
  ccache->finish();
  publisher->note_run(past_run(status->figures(), config.run, clock.wall()));
  const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
  if (auto flushed = publisher->flush(std::max(left, milliseconds(1'000))); !flushed) {
    note(fmt::format("not everything was published: {}", flushed.error().message));
  } else if (tag != nullptr && publish::publishes(config.mode) && steady_clock::now() < until) {
    publisher->record(tag->used());
  }
  if (auto sealed = store->seal(); !sealed) {
    note(fmt::format("the local store could not be sealed: {}", sealed.error().message));
  }
  auto asked = requests.requests();
  status->observe([&](Observed& all) { all.top_misses = top_misses(asked, all.keys.compilations); });
  auto figures = status->figures();
  housekeeping->record();
  const bool tells = backends::keeps_reports(backend_url) && steady_clock::now() < until;
  if (!tells && config.runs.empty()) {
    return figures;
  }
  const auto run = record_of(figures, std::move(asked));
  if (tells) {
    tell_server(backend_url, {.clock = clock, .registry = registry, .variables = config.variables}, run);
  }
  if (const auto kept = config.runs.empty() ? Result<void>() : keep_run(config.runs, run); !kept) {
    log::warn("agent: no record of this run is kept error={}", kept.error().message);
  }
  return figures;
}

// What became of this run, and with what it was made: for `hearth doctor`, and for a server's page.
RunRecord Agent::State::record_of(const report::Figures& figures, cache::Requests asked) const {
  RunRecord record{.id = run_id(started),
                   .started_ms = static_cast<std::int64_t>(milliseconds_of(started)),
                   .ended_ms = static_cast<std::int64_t>(milliseconds_of(clock.wall())),
                   .figures = figures,
                   .activity = live->activity(),
                   .requests = std::move(asked)};
  status->observed([&](const Observed& observed) {
    record.statistics = observed.statistics;
    record.log = observed.log;
    record.keys = observed.keys;
  });
  if (config.surroundings) {
    record.surroundings = config.surroundings(record.statistics);
  }
  return record;
}

void Agent::State::end(std::string reason) {
  ending.change([&](Ending& state) {
    if (state.reason.empty()) {
      state.reason = std::move(reason);
    }
  });
}

Agent::Agent(std::unique_ptr<State> state) : state_(std::move(state)) {}

Agent::~Agent() {
  state_->live->close();
  if (state_->server) {
    // Whoever asked for the drain gets the figures before the socket goes.
    state_->server->drain(k_farewell);
  }
  state_->server.reset();  // handlers use what is destroyed next
}

Result<std::unique_ptr<Agent>> Agent::start(Config config) {
  auto state = std::make_unique<State>(std::move(config));
  AGENT_CHECK(state->open());
  // Served before it is warm, so that whoever waits sees how far it is; /readyz and the ready file tell when.
  AGENT_CHECK(state->serve());
  state->warm_up();
  state->status->set_phase(Phase::ready);
  state->ending.change([](Ending& all) { all.warm = true; });
  auto* const raw = state.get();
  state->housekeeping->start(
      {.last_activity = [raw] { return raw->server ? raw->server->last_activity() : steady_clock::now(); },
       .end = [raw](std::string reason) { raw->end(std::move(reason)); },
       .tick = [raw] { raw->live->sample(); }});
  AGENT_CHECK(write_ready_file(state->config, state->endpoint(), state->hydration->disk_cache()));
  return std::unique_ptr<Agent>(new Agent(std::move(state)));
}

std::string Agent::endpoint() const {
  return state_->endpoint();
}

const io::fs::path& Agent::ccache_folder() const {
  return state_->config.ccache_dir;
}

std::optional<sccache::DiskCache> Agent::disk_cache() const {
  return state_->hydration->disk_cache();
}

void Agent::watch_sccache(const io::fs::path& real, const io::fs::path& socket, const io::fs::path& state) {
  state_->housekeeping->watch({.real = real, .socket = socket, .state = state});
}

report::Figures Agent::drain(std::chrono::milliseconds deadline) {
  return state_->drain(deadline);
}

std::string Agent::record_id() const {
  return run_id(state_->started);
}

report::Figures Agent::figures() const {
  return state_->status->figures();
}

std::string Agent::wait(const std::stop_token& stop) {
  const auto never = steady_clock::now() + std::chrono::hours(24 * 365);
  state_->ending.wait_until(stop, never, [](const Ending& state) { return !state.reason.empty(); });
  return state_->ending.with(
      [](const Ending& state) { return state.reason.empty() ? std::string("stopped") : state.reason; });
}

}  // namespace agent::app
