// Compilations that sccache cannot cache, by its own words. Source of the reasons: mozilla/sccache 0.16.0,
// src/compiler; read 2026-11.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/doctor/diagnosis.hpp"
#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

// Below it what cannot be cached is as it should be: a few programs, proc macros, configure checks.
constexpr double k_much = 0.5;

constexpr std::uint64_t k_few_crates = 3;  // a program and a build script are as it should be

constexpr std::string_view k_multiarch = "multiple different -arch, and SCCACHE_CACHE_MULTIARCH not set";

struct Share {
  std::uint64_t count = 0;
  std::uint64_t total = 0;
  double part() const { return total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total); }
};

template <typename Is>
Share share_of(const Chart& chart, Is is) {
  const auto ceiling = ceiling_of(chart);
  Share share{.total = ceiling.total};
  for (const auto& [reason, count] : ceiling.reasons) {
    share.count += is(reason) ? count : 0;
  }
  return share;
}

std::string detail(const Chart& chart, std::string_view reason) {
  for (const auto& line : chart.log) {
    if (line.topic == sccache::LogTopic::not_cached && line.text.contains(reason)) {
      return line.text;
    }
  }
  return {};
}

Finding much_of(const Chart& chart, const Share& share, What what, std::string_view reason) {
  if (share.count == 0 || share.part() < k_much) {
    return std::nullopt;
  }
  what.evidence.insert(what.evidence.begin(),
                       fmt::format("{} of {}: {}", share.count, report::counted(share.total, "compilation"),
                                   report::ranked_text(ceiling_of(chart).reasons, 5)));
  if (auto line = detail(chart, reason); !line.empty()) {
    what.evidence.push_back(std::move(line));
  }
  return found(Certainty::certain, share.part() * 0.9, std::move(what));
}

Finding crate_type(const Chart& chart) {
  const auto share = share_of(chart, [](const std::string& reason) { return reason == "crate-type"; });
  if (share.count < k_few_crates) {
    return std::nullopt;
  }
  return much_of(
      chart, share,
      {.title = "Most crates are programs, proc macros or dynamic libraries, which sccache cannot cache",
       .fix = "# Move code from the program into a library crate beside it, and keep `dylib` and\n"
              "# `cdylib` for releases:\n[lib]\ncrate-type = [\"rlib\"]"},
      "crate-type");
}

bool is_flag(const std::string& reason) {
  return reason.starts_with('-') && reason != "-" && reason != "-E" && reason != "--sysroot" &&
         reason != "-o";
}

Finding flag(const Chart& chart) {
  const auto share = share_of(chart, is_flag);
  const auto ceiling = ceiling_of(chart);
  std::string name;
  std::uint64_t most = 0;
  for (const auto& [reason, count] : ceiling.reasons) {
    if (is_flag(reason) && count > most) {
      name = reason;
      most = count;
    }
  }
  return much_of(chart, share,
                 {.title = fmt::format("The flag {} makes compilations uncacheable", name),
                  .fix = fmt::format("grep -rn -e '{}' CMakeLists.txt Makefile* meson.build build.ninja .   "
                                     "# then leave it out of cached builds",
                                     name)},
                 name);
}

Finding preprocessing(const Chart& chart) {
  const auto share = share_of(chart, [](const std::string& reason) { return reason == "-E"; });
  return much_of(
      chart, share,
      {.title = "Mostly preprocessing, which sccache does not cache",
       .fix = "# ccache, distcc or a dependency scan in front of sccache: let the compiler do both at "
              "once\nunset CCACHE_PREFIX"},
      "-E");
}

Finding many_inputs(const Chart& chart) {
  const auto share =
      share_of(chart, [](const std::string& reason) { return reason == "multiple input files"; });
  return much_of(
      chart, share,
      {.title = "Several sources in one call of the compiler, which sccache cannot cache",
       .fix = "# One source per call:\nfor f in *.c; do sccache cc -c \"$f\" -o \"${f%.c}.o\"; done"},
      "multiple input files");
}

Finding many_architectures(const Chart& chart) {
  const auto share = share_of(chart, [](const std::string& reason) { return reason == k_multiarch; });
  return much_of(
      chart, share,
      {.title = "One call compiles for several architectures, which sccache leaves alone unless told",
       .fix = "export SCCACHE_CACHE_MULTIARCH=1\nsccache --stop-server   # the next one reads it"},
      k_multiarch);
}

Finding response_file(const Chart& chart) {
  const auto share = share_of(chart, [](const std::string& reason) { return reason == "@"; });
  return much_of(chart, share,
                 {.title = "Arguments come in a response file that sccache cannot read",
                  .fix = "set(CMAKE_C_USE_RESPONSE_FILE_FOR_INCLUDES OFF)\n"
                         "set(CMAKE_CXX_USE_RESPONSE_FILE_FOR_INCLUDES OFF)"},
                 "@");
}

Finding unsupported_compiler(const Chart& chart) {
  const auto at = chart.figures.fallbacks.find("unsupported-compiler");
  if (at == chart.figures.fallbacks.end() || at->second == 0) {
    return std::nullopt;
  }
  const auto total = static_cast<double>(at->second + chart.requests_seen());
  return found(
      Certainty::certain, static_cast<double>(at->second) / total,
      {.title = "sccache does not know this compiler",
       .evidence = {fmt::format("fallback unsupported-compiler: {} ran without the cache",
                                report::counted(at->second, "compilation"))},
       .fix = "# It knows gcc, clang, msvc, nvcc, rustc by what they print for --version and -E -xc:\n"
              "sccache $CC -c probe.c -o probe.o"});
}

// Whatever else sccache gives as a reason.
Finding not_cacheable(const Chart& chart) {
  const auto share = share_of(chart, [](const std::string& reason) {
    return !is_flag(reason) && reason != "crate-type" && reason != "-E" && reason != "@" &&
           reason != "multiple input files" && reason != k_multiarch && reason != "incremental";
  });
  return much_of(
      chart, share,
      {.title = "Most compilations are of a form that sccache cannot cache",
       .fix = "SCCACHE_LOG=sccache::compiler=debug   # on the server: names each call and the reason"},
      "CannotCache");
}

constexpr std::array<Rule, 8> k_rules = {{{"crate-type", crate_type},
                                          {"uncacheable-flag", flag},
                                          {"preprocessing", preprocessing},
                                          {"many-inputs", many_inputs},
                                          {"many-architectures", many_architectures},
                                          {"response-file", response_file},
                                          {"unsupported-compiler", unsupported_compiler},
                                          {"not-cacheable", not_cacheable}}};

}  // namespace

std::span<const Rule> cacheable_rules() {
  return k_rules;
}

}  // namespace agent::doctor
