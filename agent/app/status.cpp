#include "agent/app/status.hpp"

#include "agent/app/compilations.hpp"
#include "agent/app/run_trend.hpp"

namespace agent::app {

namespace {

constexpr double k_milliseconds = 1000;

std::optional<double> in_milliseconds(std::optional<double> seconds) {
  return seconds ? std::optional(*seconds * k_milliseconds) : std::nullopt;
}

void add_requests(report::Figures& figures, const metrics::Registry& registry) {
  figures.lookups_hit = registry.total("hearth_lookups_hit_total");
  figures.lookups_missed = registry.total("hearth_lookups_missed_total");
  for (const auto& [reason, count] : registry.by_label("hearth_lookups_missed_total", "reason")) {
    if (count > 0) {
      figures.miss_reasons[reason] = count;
    }
  }
  if (const auto* latency = registry.find_histogram("hearth_hit_seconds")) {
    figures.latency = {.mean = in_milliseconds(latency->mean()),
                       .p50 = in_milliseconds(latency->quantile(0.5)),
                       .p95 = in_milliseconds(latency->quantile(0.95)),
                       .p99 = in_milliseconds(latency->quantile(0.99))};
  }
  figures.bytes_read = registry.total("hearth_read_bytes_total");
  figures.bytes_written = registry.total("hearth_written_bytes_total");
  figures.stores = registry.total("hearth_stores_total");
  figures.backend_calls = registry.total("hearth_backend_calls_total");
  figures.breaker_openings = registry.total("hearth_backend_breaker_openings_total");
}

// In disk mode sccache asks its own folder: how often and how fast is not known here.
void add_filling(report::Figures& figures, std::uint64_t filled_bytes) {
  figures.latency = {};
  figures.lookups_hit.reset();
  figures.lookups_missed.reset();
  figures.miss_reasons.clear();
  figures.bytes_read = filled_bytes;
}

void add_publishing(report::Figures& figures, const publish::PublisherFigures& published) {
  figures.published = published.published;
  figures.pending = published.pending;
  for (const auto& [reason, count] : published.refused) {
    figures.refused[reason] = count;
  }
  figures.http_429 = published.rate_limited;
  figures.conflicts = published.conflicts;
  figures.retries = published.retries;
  figures.compacted_packs = published.compacted_packs;
  if (!published.last_error.empty()) {
    figures.notes.push_back("publishing: " + published.last_error);
  }
}

}  // namespace

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::starting:
      return "starting";
    case Phase::warming:
      return "warming";
    case Phase::ready:
      return "ready";
    case Phase::draining:
      return "draining";
  }
  return "unknown";
}

report::Figures Status::figures() const {
  const auto& config = *sources_.config;
  report::Figures figures;
  figures.tag = config.chain.own.tag;
  figures.scope = config.chain.own.scope;
  figures.backend = config.backend;
  figures.mode = publish::name_of(config.mode);
  figures.phase = name_of(phase());
  if (!config.address.empty()) {  // else other processes go before and after this one
    figures.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - sources_.started).count();
  }
  const auto publishing = sources_.publisher->figures();
  if (sources_.tag != nullptr) {
    const auto tag = sources_.tag->figures();
    figures.generation = std::max(tag.generation, publishing.generation);
    figures.tag_objects = tag.objects;
    figures.tag_bytes = tag.bytes;
  }
  add_requests(figures, *sources_.registry);
  add_publishing(figures, publishing);
  observed_.with([&](const Observed& observed) {
    if (observed.statistics) {
      add_compilations(figures, *observed.statistics);
    }
    if (observed.ccache) {
      add_ccache(figures, *observed.ccache);
    }
    if (observed.watches_sccache) {
      add_launcher_events(figures, observed.events, observed.sccache_mode);
    }
    if (observed.sccache_ended && observed.sccache_mode == SccacheMode::proxy) {
      add_recovered(figures, observed.statistics, observed.events.stops);
    }
    if (observed.sccache_mode == SccacheMode::disk) {
      add_filling(figures, observed.filled_bytes);
    }
    figures.preload_seconds = observed.preload_seconds;
    figures.tag_objects_before = observed.tag_objects;
    figures.earlier_runs = earlier_runs(observed.earlier_runs);
    figures.top_misses = observed.top_misses;
    figures.notes.insert(figures.notes.end(), observed.notes.begin(), observed.notes.end());
  });
  return figures;
}

}  // namespace agent::app
