// A process's status, the kernel's account of memory, and a .cargo/config.toml, moon's execution plan:
// setting jobs twice gives what setting them once does.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/io/host.hpp"
#include "agent/plan/cargo_jobs.hpp"
#include "agent/plan/moon_plan.hpp"
#include "agent/plan/sampler.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)agent::plan::parse_status(text);
  (void)agent::io::parse_meminfo(text);
  (void)agent::io::parse_memory_pressure(text);
  const auto once = agent::plan::with_cargo_jobs(text, 4);
  if (once) {
    const auto twice = agent::plan::with_cargo_jobs(*once, 4);
    if (!twice || *twice != *once) {
      std::abort();
    }
  }
  if (const auto moon = agent::plan::with_moon_concurrency(text, 4)) {
    const auto twice = agent::plan::with_moon_concurrency(*moon, 4);
    if (!twice || *twice != *moon) {
      std::abort();
    }
  }
  return 0;
}
