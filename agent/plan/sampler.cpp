#include "agent/plan/sampler.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/host.hpp"

namespace agent::plan {

namespace {

namespace fs = io::fs;
using namespace std::chrono_literals;

constexpr auto k_interval = 20ms;
constexpr std::size_t k_file_limit = std::size_t{64} * 1024;
constexpr std::size_t k_most_processes = 100'000;

// "   1234 kB" as bytes.
std::uint64_t kib_of(std::string_view value) {
  value = trimmed(value);
  std::uint64_t kib = 0;
  std::from_chars(value.data(), value.data() + value.size(), kib);
  constexpr std::uint64_t k_kib = 1024;
  return kib * k_kib;
}

std::optional<int> pid_of(std::string_view name) {
  int pid = 0;
  const auto* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, pid);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(pid) : std::nullopt;
}

// Everything that descends from `root`, by pid; what ended meanwhile is left out.
Processes family_of(int root) {
  Processes all;
  std::error_code error;
  for (auto entry = fs::directory_iterator("/proc", error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const auto pid = pid_of(entry->path().filename().string());
    if (!pid || all.size() >= k_most_processes) {
      continue;
    }
    const auto text = io::read_file(entry->path() / "status", k_file_limit);
    if (auto status = text ? parse_status(*text) : std::nullopt) {
      all.emplace(*pid, *std::move(status));
    }
  }
  std::set<int> family{root};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [pid, status] : all) {
      grew |= family.contains(status.parent) && family.insert(pid).second;
    }
  }
  std::erase_if(all, [&](const auto& one) { return !family.contains(one.first); });
  return all;
}

void take_sample(Measured& measured, std::vector<std::uint64_t>& course, int root) {
  std::uint64_t together = 0;
  const auto family = family_of(root);
  for (const auto& [pid, status] : family) {
    together += status.anonymous_bytes;
    if (is_compiler(status.name)) {
      measured.compiler_bytes = std::max(measured.compiler_bytes, status.peak_bytes);
    }
  }
  course.push_back(together);
  measured.peak_bytes = std::max(measured.peak_bytes, together);
  measured.most_compilers = std::max(measured.most_compilers, compilations_in(family));
  ++measured.samples;
}

bool is_below_a_compiler(const Processes& processes, const ProcessStatus& status) {
  auto above = processes.find(status.parent);
  // What is read while it changes may go in a circle, with numbers that were given anew.
  for (std::size_t steps = 0; above != processes.end() && steps < processes.size(); ++steps) {
    if (is_compiler(above->second.name)) {
      return true;
    }
    above = processes.find(above->second.parent);
  }
  return false;
}

// Started by nobody but the driver of one compilation: gcc, g++, x86_64-linux-gnu-g++-12, …
bool is_step_of_a_driver(std::string_view name) {
  return name == "cc1" || name == "cc1plus" || name == "collect2";
}

double children_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  constexpr double k_micro = 1e-6;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + (k_micro * static_cast<double>(time.tv_usec));
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::optional<ProcessStatus> parse_status(std::string_view text) {
  ProcessStatus status;
  bool has_parent = false;
  for (const auto line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (name == "Name") {
      status.name = std::string(value);
    } else if (name == "PPid") {
      const auto parent = pid_of(value);
      has_parent = parent.has_value();
      status.parent = parent.value_or(0);
    } else if (name == "VmHWM") {
      status.peak_bytes = kib_of(value);
    } else if (name == "RssAnon" || name == "RssShmem") {
      status.anonymous_bytes += kib_of(value);
    }
  }
  return has_parent && !status.name.empty() ? std::optional(std::move(status)) : std::nullopt;
}

bool is_compiler(std::string_view name) {
  constexpr std::array<std::string_view, 14> k_names{"rustc",    "cc1",      "cc1plus",  "clang",  "clang++",
                                                     "clang-14", "clang-19", "ld",       "ld.lld", "lld",
                                                     "mold",     "lto1",     "collect2", "as"};
  return std::ranges::find(k_names, name) != k_names.end();
}

unsigned compilations_in(const Processes& processes) {
  std::vector<const ProcessStatus*> compilers;
  std::set<int> drivers;
  for (const auto& [pid, status] : processes) {
    if (is_compiler(status.name) && !is_below_a_compiler(processes, status)) {
      compilers.push_back(&status);
      if (is_step_of_a_driver(status.name)) {
        drivers.insert(status.parent);
      }
    }
  }
  // An assembler runs beside cc1 (-pipe), but make starts some too.
  const auto others =
      std::ranges::count_if(compilers, [&](const auto* one) { return !drivers.contains(one->parent); });
  return static_cast<unsigned>(drivers.size() + static_cast<std::size_t>(others));
}

Result<Measured> measure(const io::Command& command, const std::stop_token& stop) {
  const auto cpu_before = children_cpu_seconds();
  const auto pressure_before = io::memory_pressure();
  const auto begin = std::chrono::steady_clock::now();
  AGENT_TRY(const auto child, io::Child::start(command));
  const std::stop_callback forward(stop, [&] { child.signal(SIGTERM); });
  Measured measured;
  std::vector<std::uint64_t> course;
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::jthread sampling([&] {
    std::unique_lock lock(mutex);
    do {
      lock.unlock();
      take_sample(measured, course, child.pid());
      lock.lock();
    } while (!ended.wait_for(lock, k_interval, [&] { return done; }));
  });
  const int code = child.wait();
  measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  {
    const std::scoped_lock lock(mutex);
    done = true;
  }
  ended.notify_one();
  sampling.join();
  measured.stretches = stretches_of(course);
  measured.cpu_seconds = children_cpu_seconds() - cpu_before;
  if (const auto after = io::memory_pressure(); pressure_before && after) {
    measured.memory_stalled = after->all_stalled_seconds - pressure_before->all_stalled_seconds;
  }
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "plan: interrupted");
  }
  if (code != 0) {
    return fail(Errc::io, "plan: the build ended with exit code {}", code);
  }
  return measured;
}

}  // namespace agent::plan
