// The view of a tag of a million objects in 500 packs: what reading it, refreshing it and looking something
// up cost, and how much memory it takes.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "agent/backends/disk_directory.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/publish/tag_head.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/store/pack_writer.hpp"

namespace {

using namespace agent;

constexpr std::uint64_t k_packs = 500;
constexpr std::uint64_t k_objects_per_pack = 2000;
constexpr std::uint64_t k_objects = k_packs * k_objects_per_pack;

// As sccache names its objects: 78 bytes.
std::string key_of(std::uint64_t number) {
  const auto digits = fmt::format("{:064x}", number * 0x9E3779B97F4A7C15U);
  return fmt::format("sccache/{}/{}/{}/{}", digits[61], digits[62], digits[63], digits);
}

template <typename T>
T require(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message);
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) {
    return *std::move(result);
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

// A tag whose packs have real footers; all objects of a pack share the same few bytes.
class Tag final {
public:
  Tag() {
    auto name = (std::filesystem::temp_directory_path() / "hearth-bench-XXXXXX").string();
    folder_ = ::mkdtemp(name.data()) != nullptr ? name : std::string{};
    storage_ = require(backends::DiskDirectory::open(folder_, clock_));
    std::vector<publish::PackRecord> packs;
    for (std::uint64_t i = 0; i < k_packs; ++i) {
      packs.push_back(write_pack(i * k_objects_per_pack, k_objects_per_pack));
    }
    move_pointer(packs);
  }
  Tag(const Tag&) = delete;
  Tag& operator=(const Tag&) = delete;
  ~Tag() { std::filesystem::remove_all(folder_); }

  backends::ObjectStorage& storage() { return *storage_; }
  publish::TagChain chain() const { return {.own = id_, .also = {}}; }

  void add_hundred_objects() {
    move_pointer({write_pack(next_, 100)});
    next_ += 100;
  }

private:
  publish::PackRecord write_pack(std::uint64_t first, std::uint64_t count) {
    std::vector<std::string> keys;
    for (std::uint64_t i = 0; i < count; ++i) {
      keys.push_back(key_of(first + i));
    }
    std::ranges::sort(keys);
    const std::string payload(4096, 'x');
    store::FooterBuilder builder;
    for (const auto& key : keys) {
      require(builder.add({.key = key,
                           .offset = store::k_record_header_bytes,
                           .size = 100,
                           .digest = io::sha256(io::bytes_of(payload).first(100)),
                           .crc32c = io::crc32c(io::bytes_of(payload).first(100))}));
    }
    const auto footer = require(std::move(builder).finish(payload.size(), require(store::random_nonce())));
    const auto digest = io::sha256(io::bytes_of(footer));
    const auto tail = store::encode_tail(
        {.footer_offset = payload.size(), .footer_size = footer.size(), .footer_digest = digest});
    const auto bytes = payload + footer + std::string(io::text_of(tail));
    require(storage_->put_if_absent(publish::pack_name(digest), std::string_view(bytes)));
    return {.digest = digest,
            .size_bytes = bytes.size(),
            .footer_offset = payload.size(),
            .footer_size = footer.size(),
            .live_bytes = 100 * count,
            .objects = static_cast<std::uint32_t>(count)};
  }

  void move_pointer(const std::vector<publish::PackRecord>& packs) {
    const auto head = require(publish::read_head(*storage_, id_));
    const auto manifest = publish::merged(
        head.manifest, packs, {.previous = head.digest, .generation = head.generation + 1, .now_ms = 1});
    const auto bytes = require(publish::encode(manifest));
    const publish::Pointer pointer{
        .id = id_, .generation = manifest.generation, .manifest = io::sha256(io::bytes_of(bytes))};
    require(storage_->put_if_absent(publish::manifest_name(pointer.manifest), std::string_view(bytes)));
    require(storage_->compare_and_swap(require(publish::pointer_name(id_)), head.version, encode(pointer)));
  }

  const publish::TagId id_{.repository = "local", .scope = "local", .tag = "bench"};
  SystemClock clock_;
  std::filesystem::path folder_;
  std::unique_ptr<backends::ObjectStorage> storage_;
  std::uint64_t next_ = k_objects;
};

Tag& shared_tag() {
  static Tag tag;
  return tag;
}

struct OpenView {
  OpenView() { require(view.refresh()); }
  metrics::Registry registry;
  publish::TagView view{shared_tag().storage(), shared_tag().chain(), registry};
};

void first_refresh(benchmark::State& state) {
  shared_tag();
  double mib = 0;
  for (auto _ : state) {
    const auto before = resident_mib();
    const auto open = std::make_unique<OpenView>();
    mib = resident_mib() - before;
    state.counters["objects"] = static_cast<double>(open->view.figures().objects);
  }
  state.counters["resident_MiB"] = mib;
}

void refresh_of_an_unchanged_tag(benchmark::State& state) {
  const auto open = std::make_unique<OpenView>();
  for (auto _ : state) {
    require(open->view.refresh());
  }
}

void refresh_after_a_hundred_objects(benchmark::State& state) {
  const auto open = std::make_unique<OpenView>();
  for (auto _ : state) {
    state.PauseTiming();
    shared_tag().add_hundred_objects();
    state.ResumeTiming();
    require(open->view.refresh());
  }
}

void find(benchmark::State& state) {
  const auto open = std::make_unique<OpenView>();
  const auto beyond = state.range(0) != 0 ? k_objects * 1000 : 0;
  std::uint64_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(open->view.find(key_of(beyond + i * 7919 % k_objects)));
    ++i;
  }
}

BENCHMARK(first_refresh)->Unit(benchmark::kMillisecond)->Iterations(3);
BENCHMARK(refresh_of_an_unchanged_tag)->Unit(benchmark::kMicrosecond);
BENCHMARK(refresh_after_a_hundred_objects)->Unit(benchmark::kMillisecond)->Iterations(10);
BENCHMARK(find)->ArgName("absent")->Arg(0)->Arg(1);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
