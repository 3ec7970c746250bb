#include "agent/backends/metered.hpp"

#include <chrono>
#include <utility>

namespace agent::backends {

namespace {

// The figures of one operation.
class Meter final {
public:
  Meter(metrics::Registry& registry, std::string operation)
      : registry_(registry),
        operation_(std::move(operation)),
        calls_(registry.counter("hearth_backend_calls_total", "Calls to the object storage.",
                                {{"operation", operation_}})),
        rate_limited_(registry.counter("hearth_backend_rate_limited_total",
                                       "Answers of the object storage that asked to come back later.")),
        seconds_(registry.histogram("hearth_backend_call_seconds",
                                    "Time taken by calls to the object storage.",
                                    {{"operation", operation_}})) {}

  template <typename Call>
  auto count(Call call) const {
    const auto begin = std::chrono::steady_clock::now();
    auto answer = call();
    calls_.add();
    seconds_.observe(std::chrono::steady_clock::now() - begin);
    if (!answer && answer.error().code != Errc::conflict) {
      failed(answer.error());
    }
    return answer;
  }

private:
  void failed(const Error& error) const {
    if (error.code == Errc::transient && error.retry_after) {
      rate_limited_.add();
    }
    registry_
        .counter("hearth_backend_errors_total", "Calls to the object storage that failed.",
                 {{"operation", operation_}, {"code", std::string(name_of(error.code))}})
        .add();
  }

  metrics::Registry& registry_;
  std::string operation_;
  metrics::Counter& calls_;
  metrics::Counter& rate_limited_;
  metrics::Histogram& seconds_;
};

class Metered final : public ObjectStorage {
public:
  Metered(std::unique_ptr<ObjectStorage> inner, metrics::Registry& registry)
      : inner_(std::move(inner)),
        put_(registry, "put"),
        get_(registry, "get"),
        open_(registry, "open"),
        read_(registry, "read"),
        swap_(registry, "swap"),
        remove_(registry, "remove"),
        list_(registry, "list") {}

  Pace pace() const override { return inner_->pace(); }
  bool opens_in_place() const override { return inner_->opens_in_place(); }

  std::string describe() const override { return inner_->describe(); }

  Result<Put> put_if_absent(std::string_view name, const Source& source) override {
    return put_.count([&] { return inner_->put_if_absent(name, source); });
  }
  Result<std::optional<std::string>> get(std::string_view name, Range range) override {
    return get_.count([&] { return inner_->get(name, range); });
  }
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override {
    if (!inner_->opens_in_place()) {
      return inner_->open_in_place(name);  // it says so without asking anybody
    }
    return open_.count([&] { return inner_->open_in_place(name); });
  }
  Result<std::optional<Versioned>> read(std::string_view name) override {
    return read_.count([&] { return inner_->read(name); });
  }
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    return swap_.count([&] { return inner_->compare_and_swap(name, expected, content); });
  }
  Result<void> remove(std::string_view name) override {
    return remove_.count([&] { return inner_->remove(name); });
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override {
    return list_.count([&] { return inner_->list(prefix); });
  }
  // Nobody waits for these, and they may go to another service.
  Result<std::uint64_t> tidy(bool dry_run, const std::function<bool()>& go_on) override {
    return inner_->tidy(dry_run, go_on);
  }
  Result<std::optional<Usage>> usage() override { return inner_->usage(); }

private:
  std::unique_ptr<ObjectStorage> inner_;
  Meter put_;
  Meter get_;
  Meter open_;
  Meter read_;
  Meter swap_;
  Meter remove_;
  Meter list_;
};

}  // namespace

std::unique_ptr<ObjectStorage> metered(std::unique_ptr<ObjectStorage> inner, metrics::Registry& registry) {
  return std::make_unique<Metered>(std::move(inner), registry);
}

}  // namespace agent::backends
