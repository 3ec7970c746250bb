#include "agent/backends/breaker.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"

namespace agent::backends {

namespace {

// The calls of one kind.
class Circuit final {
public:
  Circuit(std::string name, const StorageServices& services, const BreakerOptions& options)
      : name_(std::move(name)),
        clock_(services.clock),
        options_(options),
        openings_(services.registry.counter(
            "hearth_backend_breaker_openings_total",
            "Times calls to the object storage were suspended after failures in a row.",
            {{"calls", name_}})) {}

  template <typename Call>
  auto run(Call call) -> decltype(call()) {
    if (auto refused = enter()) {
      return std::unexpected(*std::move(refused));
    }
    Passage passage(*this);
    auto answer = call();
    passage.end(answer ? nullptr : &answer.error());
    return answer;
  }

private:
  struct State {
    unsigned failures = 0;  // in a row
    unsigned openings = 0;  // in a row
    bool open = false;
    bool probing = false;
    Steady open_until{};
    std::string last_error;
  };

  // One call on its way. What it throws says nothing about the service, but ends a probe.
  class Passage final {
  public:
    explicit Passage(Circuit& circuit) : circuit_(circuit) {}
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;
    ~Passage() {
      if (!ended_) {
        circuit_.state_.with([](State& state) { state.probing = false; });
      }
    }
    void end(const Error* error) {
      ended_ = true;
      circuit_.leave(error);
    }

  private:
    Circuit& circuit_;
    bool ended_ = false;
  };

  // Why the call may not be made; empty where it may.
  std::optional<Error> enter() {
    const auto now = clock_.now();
    return state_.with([&](State& state) -> std::optional<Error> {
      if (!state.open) {
        return std::nullopt;
      }
      if (now >= state.open_until && !state.probing) {
        state.probing = true;
        return std::nullopt;
      }
      const auto left = std::max<Steady::duration>(state.open_until - now, std::chrono::seconds(0));
      return Error{.code = Errc::transient,
                   .message = fmt::format("{} suspended for {} after {} failures in a row, the last: {}",
                                          name_, human_duration(left), state.failures, state.last_error)};
    });
  }

  void leave(const Error* error) {
    const auto now = clock_.now();
    const bool opened = state_.with([&](State& state) {
      const bool was_probe = std::exchange(state.probing, false);
      if (error != nullptr && error->code == Errc::cancelled) {
        return false;
      }
      if (error == nullptr || error->code != Errc::transient) {
        state = State();
        return false;
      }
      ++state.failures;
      state.last_error = error->message;
      if (state.open ? !was_probe : state.failures < options_.failures) {
        return false;
      }
      const bool was_open = std::exchange(state.open, true);
      state.open_until = now + opening(state.openings++, *error);
      return !was_open;
    });
    if (opened) {
      openings_.add();
      log::warn("backend: {} suspended after {} failures in a row error={}", name_, options_.failures,
                error->message);
    }
  }

  std::chrono::milliseconds opening(unsigned openings_before, const Error& error) const {
    constexpr unsigned k_most_doublings = 10;
    const auto doubled = options_.open_for * (1U << std::min(openings_before, k_most_doublings));
    const auto asked =
        std::min(error.retry_after.value_or(std::chrono::milliseconds(0)), options_.retry_limit);
    return std::max<std::chrono::milliseconds>(
        std::min<std::chrono::milliseconds>(doubled, options_.open_limit), asked);
  }

  std::string name_;
  const Clock& clock_;
  BreakerOptions options_;
  metrics::Counter& openings_;
  Guarded<State> state_;
};

class WithBreaker final : public ObjectStorage {
public:
  WithBreaker(std::unique_ptr<ObjectStorage> inner, const StorageServices& services,
              const BreakerOptions& options)
      : inner_(std::move(inner)), reads_("reads", services, options), writes_("writes", services, options) {}

  Pace pace() const override { return inner_->pace(); }
  bool opens_in_place() const override { return inner_->opens_in_place(); }

  std::string describe() const override { return inner_->describe(); }

  Result<Put> put_if_absent(std::string_view name, const Source& source) override {
    return writes_.run([&] { return inner_->put_if_absent(name, source); });
  }
  Result<std::optional<std::string>> get(std::string_view name, Range range) override {
    return reads_.run([&] { return inner_->get(name, range); });
  }
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override {
    return reads_.run([&] { return inner_->open_in_place(name); });
  }
  Result<std::optional<Versioned>> read(std::string_view name) override {
    return reads_.run([&] { return inner_->read(name); });
  }
  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    return writes_.run([&] { return inner_->compare_and_swap(name, expected, content); });
  }
  Result<void> remove(std::string_view name) override {
    return writes_.run([&] { return inner_->remove(name); });
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override {
    return reads_.run([&] { return inner_->list(prefix); });
  }
  // Nobody waits for these, and they may go to another service.
  Result<std::uint64_t> tidy(bool dry_run, const std::function<bool()>& go_on) override {
    return inner_->tidy(dry_run, go_on);
  }
  Result<std::optional<Usage>> usage() override { return inner_->usage(); }

private:
  std::unique_ptr<ObjectStorage> inner_;
  Circuit reads_;
  Circuit writes_;
};

}  // namespace

std::unique_ptr<ObjectStorage> with_breaker(std::unique_ptr<ObjectStorage> inner,
                                            const StorageServices& services, BreakerOptions options) {
  return std::make_unique<WithBreaker>(std::move(inner), services, options);
}

}  // namespace agent::backends
