#include "agent/doctor/bundle.hpp"

#include <algorithm>
#include <array>

#include "agent/sccache/redaction.hpp"

namespace agent::doctor {

namespace {

constexpr int k_schema = 1;
constexpr std::size_t k_most_settings = 500;

io::Json lines_json(const std::vector<std::string>& lines) {
  io::JsonArray array;
  for (const auto& line : lines) {
    array.emplace_back(sccache::without_secrets(line));
  }
  return array;
}

io::Json settings_json(const Settings& settings) {
  io::JsonArray array;
  for (const auto& set : settings) {
    if (array.size() < k_most_settings) {
      array.emplace_back(set.shown());
    }
  }
  return array;
}

// Of CMake's cache what compilers and caches are told; the rest is paths of the machine.
Settings compiler_settings(const Settings& cache) {
  Settings kept;
  std::ranges::copy_if(cache, std::back_inserter(kept), [](const Setting& set) {
    constexpr std::array<std::string_view, 4> k_parts = {"COMPILER", "_FLAGS", "CMAKE_BUILD_TYPE",
                                                         "GENERATOR"};
    return std::ranges::any_of(k_parts, [&](std::string_view part) { return set.name.contains(part); });
  });
  return kept;
}

io::Json project_json(const Project& project) {
  return io::JsonObject{{"cargo", project.cargo},
                        {"cmake", project.cmake},
                        {"make", project.make},
                        {"cargo_config", settings_json(project.cargo_config)},
                        {"manifest", settings_json(project.manifest)},
                        {"cmake_cache", settings_json(compiler_settings(project.cmake_cache))},
                        {"workflows", settings_json(project.workflows)},
                        {"units", static_cast<std::uint64_t>(project.cargo_output.units)},
                        {"units_written", static_cast<std::uint64_t>(project.cargo_output.written)},
                        {"packages_before", static_cast<std::uint64_t>(project.cargo_output.packages_before)},
                        {"written", lines_json(project.written)},
                        {"rustc", project.rustc},
                        {"clock_macros", lines_json(project.clock_macros)},
                        {"path_macros", lines_json(project.path_macros)},
                        {"volatile_env", lines_json(project.volatile_env)}};
}

io::Json server_json(const LiveServer& server) {
  return io::JsonObject{{"asked", server.asked},
                        {"running", server.running},
                        {"address", server.address},
                        {"default_port_taken", server.default_port}};
}

app::RunRecord record_of(const Chart& chart) {
  app::RunRecord record;
  record.figures = chart.figures;
  record.statistics = chart.statistics;
  record.surroundings = chart.surroundings;
  record.requests = chart.requests;
  record.log = chart.log;
  return record;
}

}  // namespace

io::Json bundle_of(const Chart& chart, const Diagnosis& diagnosis) {
  io::JsonObject bundle{{"schema", k_schema},
                        {"diagnosis", to_json(diagnosis)},
                        {"run", app::to_json(record_of(chart))},
                        {"previous", chart.previous ? app::to_json(*chart.previous) : io::Json()},
                        {"server", server_json(chart.server)},
                        {"project", project_json(chart.project)}};
  if (const auto keys = overlap(chart)) {
    bundle.emplace("keys",
                   io::JsonObject{{"asked", keys->asked}, {"again", keys->again}, {"lost", keys->lost}});
  }
  return bundle;
}

}  // namespace agent::doctor
