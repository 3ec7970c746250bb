#include "agent/report/figures.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "agent/report/amounts.hpp"

namespace agent::report {

namespace {

constexpr int k_schema = 1;

io::Json text_json(const std::string& text) {
  return text.empty() ? io::Json() : io::Json(text);
}

io::Json counts_json(const Counts& counts) {
  io::JsonObject object;
  for (const auto& [name, count] : counts) {
    object.emplace(name, count);
  }
  return object;
}

// Null where nothing was measured, which is not the same as nothing having happened.
template <typename Map, typename Write>
io::Json if_measured(bool measured, const Map& map, Write write) {
  return measured || !map.empty() ? write(map) : io::Json();
}

io::Json languages_json(const std::map<std::string, Language>& languages) {
  io::JsonObject object;
  for (const auto& [name, language] : languages) {
    const auto total = static_cast<double>(language.hits) + static_cast<double>(language.misses);
    const auto rate =
        total > 0 ? std::optional(100.0 * static_cast<double>(language.hits) / total) : std::nullopt;
    object.emplace(name,
                   io::JsonObject{{"hits", language.hits}, {"misses", language.misses}, {"hit_rate", rate}});
  }
  return object;
}

// As far as JSON numbers here can carry.
std::uint64_t sum_of(const Counts& counts) {
  constexpr auto k_most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return std::min(total_of(counts), k_most);
}

// Reads members of one object; the first that is of the wrong type is remembered.
class Reader {
public:
  explicit Reader(const io::Json& json) : json_(json) {}

  void read(std::string_view name, std::string& out) {
    const auto& value = json_[name];
    if (const auto* text = value.string()) {
      out = *text;
    } else if (!value.is_null()) {
      wrong(name, "text");
    }
  }

  void read(std::string_view name, std::optional<std::uint64_t>& out) {
    const auto& value = json_[name];
    out = value.count();
    if (!out && !value.is_null()) {
      wrong(name, "a count");
    }
  }

  void read(std::string_view name, std::optional<double>& out) {
    const auto& value = json_[name];
    out = value.number();
    if (!out && !value.is_null()) {
      wrong(name, "a number");
    }
  }

  void read(std::string_view name, Counts& out) {
    if (const auto* members = object(name)) {
      for (const auto& [key, value] : *members) {
        if (const auto count = value.count()) {
          out.emplace(key, *count);
        } else {
          wrong(name, "an object of counts");
        }
      }
    }
  }

  void read(std::string_view name, std::map<std::string, Language>& out) {
    if (const auto* members = object(name)) {
      for (const auto& [key, value] : *members) {
        const auto hits = value["hits"].count();
        const auto misses = value["misses"].count();
        if (hits && misses) {
          out.emplace(key, Language{.hits = *hits, .misses = *misses});
        } else {
          wrong(name, "an object of hits and misses");
        }
      }
    }
  }

  void read(std::string_view name, std::vector<std::string>& out) {
    const auto& value = json_[name];
    if (const auto* items = value.array()) {
      for (const auto& item : *items) {
        if (const auto* text = item.string()) {
          out.push_back(*text);
        } else {
          wrong(name, "a list of texts");
        }
      }
    } else if (!value.is_null()) {
      wrong(name, "a list of texts");
    }
  }

  Result<void> finish() const {
    if (problem_.empty()) {
      return {};
    }
    return fail(Errc::invalid, "figures: {}", problem_);
  }

private:
  const io::JsonObject* object(std::string_view name) {
    const auto& value = json_[name];
    if (!value.is_null() && !value.is_object()) {
      wrong(name, "an object");
    }
    return value.object();
  }

  void wrong(std::string_view name, std::string_view expected) {
    if (problem_.empty()) {
      problem_ = fmt::format("{} is not {}", name, expected);
    }
  }

  const io::Json& json_;
  std::string problem_;
};

io::Json earlier_json(const std::vector<EarlierRun>& runs) {
  io::JsonArray list;
  for (const auto& run : runs) {
    list.emplace_back(io::JsonObject{{"run", text_json(run.run)},
                                     {"ended_ms", run.ended_ms},
                                     {"hits", run.hits},
                                     {"misses", run.misses},
                                     {"seconds", run.seconds},
                                     {"saved_seconds_estimate", run.saved_seconds}});
  }
  return list;
}

io::Json misses_json(const std::vector<Miss>& misses) {
  io::JsonArray list;
  for (const auto& miss : misses) {
    list.emplace_back(
        io::JsonObject{{"name", text_json(miss.name)}, {"key", miss.key}, {"reason", miss.reason}});
  }
  return list;
}

Result<std::vector<EarlierRun>> earlier_from(const io::Json& json) {
  std::vector<EarlierRun> runs;
  if (const auto* list = json.array()) {
    for (const auto& one : *list) {
      EarlierRun run{.ended_ms = one["ended_ms"].count().value_or(0),
                     .hits = one["hits"].count().value_or(0),
                     .misses = one["misses"].count().value_or(0)};
      Reader reader(one);
      reader.read("run", run.run);
      reader.read("seconds", run.seconds);
      reader.read("saved_seconds_estimate", run.saved_seconds);
      AGENT_CHECK(reader.finish());
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

void read_agent_members(Reader& reader, Figures& figures) {
  reader.read("lookups_hit", figures.lookups_hit);
  reader.read("lookups_missed", figures.lookups_missed);
  reader.read("miss_reasons", figures.miss_reasons);
  reader.read("bytes_read", figures.bytes_read);
  reader.read("bytes_written", figures.bytes_written);
  reader.read("stores", figures.stores);
  reader.read("published", figures.published);
  reader.read("pending", figures.pending);
  reader.read("refused_reasons", figures.refused);
  reader.read("backend_calls", figures.backend_calls);
  reader.read("http_429", figures.http_429);
  reader.read("conflicts", figures.conflicts);
  reader.read("retries", figures.retries);
  reader.read("breaker_openings", figures.breaker_openings);
  reader.read("compacted_packs", figures.compacted_packs);
  reader.read("preload_seconds", figures.preload_seconds);
  reader.read("tag_objects", figures.tag_objects);
  reader.read("tag_bytes", figures.tag_bytes);
  reader.read("tag_objects_before", figures.tag_objects_before);
  reader.read("seconds", figures.seconds);
  reader.read("notes", figures.notes);

  std::optional<std::uint64_t> refused;
  reader.read("refused", refused);
  if (figures.refused.empty() && refused.value_or(0) > 0) {
    figures.refused.emplace("no reason recorded", *refused);
  }
}

void read_sccache_members(Reader& reader, Figures& figures) {
  reader.read("hit_rate", figures.hit_rate);
  reader.read("languages", figures.languages);
  reader.read("hits", figures.hits);
  reader.read("misses", figures.misses);
  reader.read("errors", figures.errors);
  reader.read("compile_requests", figures.compile_requests);
  reader.read("non_cacheable", figures.non_cacheable);
  reader.read("saved_seconds_estimate", figures.saved_seconds_estimate);
  reader.read("sccache_read_hit_ms", figures.sccache_read_hit_ms);
  reader.read("restarts", figures.restarts);
  reader.read("fallbacks", figures.fallbacks);
}

// As sccache and the launcher count compilations.
io::JsonObject compilations_json(const Figures& figures) {
  const bool counted = figures.hits.has_value() || figures.misses.has_value();
  return {{"hit_rate", figures.hit_rate},
          {"languages", if_measured(counted, figures.languages, languages_json)},
          {"hits", figures.hits},
          {"misses", figures.misses},
          {"errors", figures.errors},
          {"compile_requests", figures.compile_requests},
          {"non_cacheable", if_measured(counted, figures.non_cacheable, counts_json)},
          {"saved_seconds_estimate", figures.saved_seconds_estimate},
          {"sccache_read_hit_ms", figures.sccache_read_hit_ms},
          {"restarts", figures.restarts},
          {"fallbacks", counts_json(figures.fallbacks)}};
}

}  // namespace

io::Json to_json(const Figures& figures) {
  const auto refused = figures.stores.has_value() || !figures.refused.empty()
                           ? std::optional(sum_of(figures.refused))
                           : std::nullopt;
  const auto& latency = figures.latency;
  io::JsonObject json{
      {"schema", k_schema},
      {"tag", text_json(figures.tag)},
      {"scope", text_json(figures.scope)},
      {"generation", figures.generation},
      {"backend", text_json(figures.backend)},
      {"mode", text_json(figures.mode)},
      {"sccache_mode", text_json(figures.sccache_mode)},
      {"latency_ms",
       io::JsonObject{
           {"mean", latency.mean}, {"p50", latency.p50}, {"p95", latency.p95}, {"p99", latency.p99}}},
      {"lookups_hit", figures.lookups_hit},
      {"lookups_missed", figures.lookups_missed},
      {"miss_reasons", if_measured(figures.lookups_missed.has_value(), figures.miss_reasons, counts_json)},
      {"bytes_read", figures.bytes_read},
      {"bytes_written", figures.bytes_written},
      {"stores", figures.stores},
      {"published", figures.published},
      {"pending", figures.pending},
      {"refused", refused},
      {"refused_reasons", if_measured(refused.has_value(), figures.refused, counts_json)},
      {"backend_calls", figures.backend_calls},
      {"http_429", figures.http_429},
      {"conflicts", figures.conflicts},
      {"retries", figures.retries},
      {"breaker_openings", figures.breaker_openings},
      {"compacted_packs", figures.compacted_packs},
      {"preload_seconds", figures.preload_seconds},
      {"seconds", figures.seconds},
      {"earlier_runs", earlier_json(figures.earlier_runs)},
      {"top_misses", misses_json(figures.top_misses)},
      {"tag_objects", figures.tag_objects},
      {"tag_bytes", figures.tag_bytes},
      {"notes", io::JsonArray(figures.notes.begin(), figures.notes.end())},
  };
  json.merge(compilations_json(figures));
  if (!figures.phase.empty()) {
    json.emplace("phase", figures.phase);
  }
  if (figures.tag_objects_before) {
    json.emplace("tag_objects_before", figures.tag_objects_before);
  }
  if (!figures.verdicts.empty()) {
    io::JsonArray verdicts;
    for (const auto& verdict : figures.verdicts) {
      verdicts.push_back(to_json(verdict));
    }
    json.emplace("verdicts", std::move(verdicts));
  }
  return json;
}

Result<Figures> from_json(const io::Json& json) {
  if (!json.is_object()) {
    return fail(Errc::invalid, "figures: not a JSON object");
  }
  if (json["schema"].integer() != k_schema) {
    return fail(Errc::invalid, "figures: schema is {}, this program reads {}", json["schema"].dump(),
                k_schema);
  }
  Figures figures;
  Reader reader(json);
  reader.read("tag", figures.tag);
  reader.read("scope", figures.scope);
  reader.read("generation", figures.generation);
  reader.read("backend", figures.backend);
  reader.read("mode", figures.mode);
  reader.read("sccache_mode", figures.sccache_mode);
  reader.read("phase", figures.phase);
  read_sccache_members(reader, figures);
  read_agent_members(reader, figures);
  const auto& latency = json["latency_ms"];
  if (!latency.is_null() && !latency.is_object()) {
    return fail(Errc::invalid, "figures: latency_ms is not an object");
  }
  Reader latencies(latency);
  latencies.read("mean", figures.latency.mean);
  latencies.read("p50", figures.latency.p50);
  latencies.read("p95", figures.latency.p95);
  latencies.read("p99", figures.latency.p99);
  if (const auto* verdicts = json["verdicts"].array()) {
    for (const auto& verdict : *verdicts) {
      AGENT_TRY(figures.verdicts.emplace_back(), verdict_from(verdict));
    }
  }
  AGENT_TRY(figures.earlier_runs, earlier_from(json["earlier_runs"]));
  if (const auto* misses = json["top_misses"].array()) {
    for (const auto& miss : *misses) {
      figures.top_misses.push_back(
          {.name = miss.text("name"), .key = miss.text("key"), .reason = miss.text("reason")});
    }
  }
  AGENT_CHECK(reader.finish());
  AGENT_CHECK(latencies.finish());
  return figures;
}

}  // namespace agent::report
