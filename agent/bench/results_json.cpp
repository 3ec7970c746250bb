// Results as JSON and back.
#include <fmt/format.h>

#include <array>

#include "agent/bench/results.hpp"

namespace agent::bench {

namespace {

using io::Json;
using io::JsonArray;
using io::JsonObject;

constexpr std::uint64_t k_schema = 1;

struct NamedPhase {
  std::string_view name;
  Phase phase;
};
constexpr std::array<NamedPhase, 3> k_phases{
    {{"cold", &Round::cold}, {"warm", &Round::warm}, {"parallel", &Round::parallel}}};

struct NamedCount {
  std::string_view name;
  std::optional<std::uint64_t> Build::* member;
};
constexpr std::array<NamedCount, 8> k_counts{{{"hits", &Build::hits},
                                              {"misses", &Build::misses},
                                              {"rust_hits", &Build::rust_hits},
                                              {"rust_misses", &Build::rust_misses},
                                              {"http_429", &Build::http_429},
                                              {"conflicts", &Build::conflicts},
                                              {"stored", &Build::stored},
                                              {"published", &Build::published}}};

// By Spread.
constexpr std::array<std::string_view, 3> k_spreads{"none", "range", "interval_95"};

Json to_json(const Build& build) {
  JsonObject json{{"seconds", build.seconds}, {"read_hit_ms", build.read_hit_ms}};
  for (const auto& [name, member] : k_counts) {
    json.emplace(name, build.*member);
  }
  return json;
}

Json to_json(const Round& round) {
  JsonObject json;
  for (const auto& [name, phase] : k_phases) {
    const auto& build = round.*phase;
    json.emplace(name, build ? to_json(*build) : Json());
  }
  return json;
}

Json ratio_json(const Leg& leg, const Leg& base, Phase phase) {
  const auto ratio = ratio_of(leg, base, phase);
  if (!ratio) {
    return {};
  }
  return JsonObject{{"ratio", ratio->ratio},
                    {"low", ratio->low},
                    {"high", ratio->high},
                    {"spread", k_spreads.at(static_cast<std::size_t>(ratio->spread))},
                    {"pairs", static_cast<std::uint64_t>(ratio->pairs)}};
}

Json to_json(const Leg& leg, const Leg& base) {
  const auto figures = figures_of(leg);
  JsonArray rounds;
  for (const auto& round : leg.rounds) {
    rounds.push_back(to_json(round));
  }
  JsonObject json{{"name", leg.name},
                  {"how", leg.how},
                  {"session", leg.session},
                  {"asks_backend", leg.asks_backend},
                  {"rounds", std::move(rounds)},
                  {"cold_seconds", figures.cold_seconds},
                  {"warm_seconds", figures.warm_seconds},
                  {"parallel_seconds", figures.parallel_seconds},
                  {"warm_over_cold", figures.warm_over_cold},
                  {"cold_hit_rate", figures.cold_hit_rate},
                  {"warm_hit_rate", figures.warm_hit_rate},
                  {"rust_hit_rate", figures.rust_hit_rate},
                  {"read_hit_ms", figures.read_hit_ms},
                  {"http_429", figures.http_429},
                  {"conflicts", figures.conflicts}};
  if (&leg != &base) {
    json.emplace("against", JsonObject{{"leg", base.name},
                                       {"cold", ratio_json(leg, base, &Round::cold)},
                                       {"warm", ratio_json(leg, base, &Round::warm)}});
  }
  return json;
}

std::unexpected<Error> not_results(std::string_view what, std::string_view member) {
  return fail(Errc::invalid, "{}: {} is missing or of another type: these are no results of hearth bench",
              what, member);
}

Result<Build> read_build(const Json& json, std::string_view what) {
  const auto seconds = json["seconds"].number();
  if (!seconds || !(*seconds >= 0)) {
    return not_results(what, "seconds");
  }
  Build build{.seconds = *seconds};
  build.read_hit_ms = json["read_hit_ms"].number();
  for (const auto& [name, member] : k_counts) {
    build.*member = json[name].count();
  }
  return build;
}

Result<Round> read_round(const Json& json, std::string_view what) {
  Round round;
  for (const auto& [name, phase] : k_phases) {
    if (const auto& build = json[name]; !build.is_null()) {
      AGENT_TRY(round.*phase, read_build(build, what));
    }
  }
  return round;
}

Result<Leg> read_leg(const Json& json, std::string_view what) {
  Leg leg{.name = json.text("name"), .how = json.text("how"), .rounds = {}};
  const auto* const rounds = json["rounds"].array();
  if (leg.name.empty() || rounds == nullptr) {
    return not_results(what, "a leg's name or rounds");
  }
  for (const auto& round : *rounds) {
    AGENT_TRY(auto read, read_round(round, what));
    leg.rounds.push_back(std::move(read));
  }
  leg.session = json["session"].count().value_or(0);
  // Earlier results do not say it; a way with a backend counts what that answered.
  leg.asks_backend = json["asks_backend"].boolean().value_or(figures_of(leg).http_429.has_value());
  return leg;
}

}  // namespace

Json to_json(const Results& results) {
  JsonArray legs;
  for (const auto& leg : results.legs) {
    legs.push_back(to_json(leg, results.legs.front()));
  }
  JsonArray notes(results.notes.begin(), results.notes.end());
  return JsonObject{{"schema", k_schema},
                    {"project", results.project},
                    {"build", results.build},
                    {"started", results.started},
                    {"tag", results.tag},
                    {"tags", results.run_scoped ? "run-scoped" : "stable"},
                    {"jobs", results.jobs},
                    {"machine", JsonObject{{"cores", results.cores}, {"memory_bytes", results.memory_bytes}}},
                    {"legs", std::move(legs)},
                    {"notes", std::move(notes)}};
}

Result<Results> from_json(const Json& json, std::string_view what) {
  if (json["schema"].count() != k_schema) {
    return fail(Errc::invalid, "{}: not results of hearth bench of schema {}", what, k_schema);
  }
  const auto* const legs = json["legs"].array();
  if (legs == nullptr || legs->empty()) {
    return not_results(what, "legs");
  }
  Results results{.project = json.text("project"),
                  .build = json.text("build"),
                  .started = json.text("started"),
                  .tag = json.text("tag"),
                  .run_scoped = json.text("tags") == "run-scoped",
                  .jobs = json["jobs"].count().value_or(1),
                  .cores = json["machine"]["cores"].count().value_or(0),
                  .memory_bytes = json["machine"]["memory_bytes"].count().value_or(0),
                  .legs = {},
                  .notes = {}};
  for (const auto& leg : *legs) {
    AGENT_TRY(auto read, read_leg(leg, what));
    results.legs.push_back(std::move(read));
  }
  if (const auto* const notes = json["notes"].array()) {
    for (const auto& note : *notes) {
      if (const auto* const text = note.string()) {
        results.notes.push_back(*text);
      }
    }
  }
  return results;
}

}  // namespace agent::bench
