// The local store: what a put, a find and an opening cost, and how much memory the index takes.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/fd.hpp"
#include "agent/store/index.hpp"
#include "agent/store/store.hpp"

namespace {

using namespace agent;

class Folder final {
public:
  Folder() {
    auto name = (std::filesystem::temp_directory_path() / "hearth-bench-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) != nullptr ? name : std::string{};
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

// As sccache names its objects: 78 bytes.
std::string key_of(std::uint64_t number) {
  const auto digits = fmt::format("{:064x}", number * 0x9E3779B97F4A7C15U);
  return fmt::format("sccache/{}/{}/{}/{}", digits[61], digits[62], digits[63], digits);
}

void put(store::Store& store, std::string_view key, std::string_view content) {
  auto incoming = store.reserve(content.size(), key.size());
  if (!incoming || !incoming->write(io::bytes_of(content)) || !std::move(*incoming).commit(key)) {
    std::abort();
  }
}

double resident_mib() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  statm >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

struct OpenStore {
  OpenStore() {
    auto opened =
        store::Store::open({.folder = folder.path(), .durability = io::Durability::cached}, registry);
    if (!opened) {
      std::abort();
    }
    store = std::move(*opened);
  }
  Folder folder;
  metrics::Registry registry;
  std::unique_ptr<store::Store> store;
};

std::unique_ptr<OpenStore> shared;

void begin(const benchmark::State&) {
  shared = std::make_unique<OpenStore>();
}

void begin_filled(const benchmark::State&) {
  shared = std::make_unique<OpenStore>();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    put(*shared->store, key_of(i), std::string(4096, 'x'));
  }
}

void end(const benchmark::State&) {
  shared.reset();
}

void Put(benchmark::State& state) {
  const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
  std::uint64_t number = static_cast<std::uint64_t>(state.thread_index()) << 40U;
  for (auto _ : state) {
    put(*shared->store, key_of(number++), content);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Put)
    ->Arg(4 << 10)
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Threads(1)
    ->Threads(4)
    ->MinTime(0.3)
    ->UseRealTime()
    ->Setup(begin)
    ->Teardown(end);

void Find(benchmark::State& state) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    keys.push_back(key_of(i));
  }
  std::size_t at = static_cast<std::size_t>(state.thread_index()) * 2500;
  for (auto _ : state) {
    auto found = shared->store->find(keys[at++ % keys.size()]);
    if (!found || !*found) {
      std::abort();
    }
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(Find)->Threads(1)->Threads(4)->UseRealTime()->Setup(begin_filled)->Teardown(end);

// Opens a store of 100,000 objects that was closed in order; counts what that adds to resident memory.
void Open100k(benchmark::State& state) {
  const Folder folder;
  metrics::Registry registry;
  const store::StoreOptions options{.folder = folder.path(), .durability = io::Durability::cached};
  {
    const auto filled = store::Store::open(options, registry);
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      put(**filled, key_of(i), std::string(2000, 'x'));
    }
  }
  const auto before = resident_mib();
  double after = 0;
  for (auto _ : state) {
    auto opened = store::Store::open(options, registry);
    state.PauseTiming();
    if (!opened || (*opened)->figures().objects != 100'000) {
      std::abort();
    }
    after = resident_mib();
    opened->reset();
    state.ResumeTiming();
  }
  state.counters["added_MiB"] = after - before;
}
BENCHMARK(Open100k)->Unit(benchmark::kMillisecond)->Iterations(5)->UseRealTime();

void IndexOfAMillion(benchmark::State& state) {
  store::Segment segment(1, "segment", io::Fd());
  const auto before = resident_mib();
  for (auto _ : state) {
    store::Index index;
    for (std::uint64_t i = 0; i < 1'000'000; ++i) {
      index.insert(key_of(i), {.segment = &segment, .offset = i, .size = 1}, store::Trust::checked,
                   store::Index::Pinned::no);
    }
    state.PauseTiming();
    state.counters["MiB"] = resident_mib() - before;
    state.ResumeTiming();
  }
}
BENCHMARK(IndexOfAMillion)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
