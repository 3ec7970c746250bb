#include "agent/app/top_misses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace agent::app {

namespace {

// 0: no miss. Who has an object and cannot give it has something to mend; absence is what a change of sources
// looks like.
int weight_of(std::string_view outcome) {
  using cache::Outcome;
  for (const auto no_miss : {Outcome::hit, Outcome::stored, Outcome::off}) {
    if (outcome == cache::name_of(no_miss)) {
      return 0;
    }
  }
  return outcome == cache::name_of(Outcome::absent) ? 1 : 2;
}

}  // namespace

std::vector<report::Miss> top_misses(const cache::Requests& requests,
                                     const std::vector<sccache::KeyedCompilation>& compilations) {
  std::map<std::uint64_t, std::string> names;
  for (const auto& compilation : compilations) {
    names.emplace(compilation.key, compilation.name);
  }
  struct Ranked {
    int weight;
    report::Miss miss;
  };
  std::vector<Ranked> found;
  for (const auto& [outcome, keys] : requests.keys) {
    const auto weight = weight_of(outcome);
    for (const auto key : weight > 0 ? keys : std::vector<std::uint64_t>{}) {
      const auto name = names.find(key);
      found.push_back({.weight = weight,
                       .miss = {.name = name == names.end() ? std::string() : name->second,
                                .key = fmt::format("{:016x}", key),
                                .reason = outcome}});
    }
  }
  const auto rank = [](const Ranked& one) {
    return std::tuple(-one.weight, one.miss.name.empty(), std::string_view(one.miss.name),
                      std::string_view(one.miss.key));
  };
  const auto shown = std::min(found.size(), k_most_top_misses);
  std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(shown), {}, rank);
  std::vector<report::Miss> misses;
  for (auto& one : std::span(found).first(shown)) {
    misses.push_back(std::move(one.miss));
  }
  return misses;
}

}  // namespace agent::app
