#include "agent/action/exports.hpp"

#include "agent/sccache/install.hpp"

namespace agent::action {

namespace {

// A tool that is given a compiler to call: leave it alone where it calls something else than sccache.
bool wraps_compilers(std::string_view name) {
  return name == "RUSTC_WRAPPER" || name.ends_with("_COMPILER_LAUNCHER");
}

}  // namespace

Exports exports_for(const JobFolder& job, const Inputs::Tools& tools, const io::Environment& current) {
  const auto folder = job.sccache();
  const auto installed = [](const fs::path& seen) {
    return sccache::Installation{
        .bin = seen / "bin", .socket = seen / sccache::k_socket, .real = seen / "bin" / sccache::k_real};
  };
  Exports exports{.variables = {}, .path = installed(folder.steps).bin.string(), .remarks = {}};
  for (const auto& [name, value] : sccache::step_environment(installed(folder.host))) {
    // An sccache that is not ours would start its own server on our socket.
    if (name == "SCCACHE_SERVER_UDS") {
      continue;
    }
    if (wraps_compilers(name) && !tools.sccache) {
      continue;
    }
    const auto chosen = io::variable_in(current, name);
    if (wraps_compilers(name) && !chosen.empty() && fs::path(chosen).filename() != sccache::k_launcher) {
      exports.remarks.push_back(
          fmt::format("{} is {} already and stays so: what it wraps is not cached", name, chosen));
      continue;
    }
    exports.variables.emplace_back(name, value);
  }
  if (tools.ccache) {
    exports.variables.emplace_back("CCACHE_DIR", job.ccache_cache().host.string());
  }
  return exports;
}

}  // namespace agent::action
