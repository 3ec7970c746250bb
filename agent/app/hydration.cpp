#include "agent/app/hydration.hpp"

#include <utility>

#include "agent/core/log.hpp"
#include "agent/io/fd.hpp"

namespace agent::app {

Hydration::Hydration(FolderServices services)
    : services_(services), folder_(services, folders::sccache_folder(), services.config.sccache_dir) {}

void Hydration::note(std::string text) {
  log::warn("hydration: {}", text);
  services_.status.observe([&](Observed& observed) { observed.notes.push_back(std::move(text)); });
}

std::optional<ModeRecord> Hydration::recorded() const {
  if (services_.tag == nullptr || !services_.tag->find(k_mode_key)) {
    return std::nullopt;
  }
  const auto hit = services_.cache.find(k_mode_key);
  const auto text = hit ? io::read_slice(hit->slice, k_max_mode_record, k_mode_key)
                        : Result<std::string>(fail(Errc::not_found, "{} is gone", k_mode_key));
  auto record = text ? parse_mode_record(*text) : std::unexpected(text.error());
  if (!record) {
    log::warn("hydration: the tag's mode could not be read error={}", record.error().message);
    return std::nullopt;
  }
  return *std::move(record);
}

ModeFacts Hydration::facts(SccacheMode requested) const {
  ModeFacts facts{.requested = requested,
                  .recorded = recorded(),
                  .tag_is_empty = tag_was_empty_,
                  .checkout = checkout_digest(services_.config.checkout),
                  .room = true};
  if (services_.tag != nullptr && (facts.recorded || requested == SccacheMode::disk)) {
    const auto wanted =
        requested == SccacheMode::proxy ? k_proxy_namespace : folders::sccache_folder().name_space;
    std::uint64_t needed = 0;
    services_.tag->each([&](std::string_view key, const publish::TagEntry& entry) {
      needed += key.starts_with(wanted) && key != k_mode_key ? entry.size : 0;
    });
    facts.tag_has_mode = needed > 0;
    facts.room = needed <= folder_.free_bytes();
  }
  return facts;
}

void Hydration::begin() {
  const auto& config = services_.config;
  if (config.sccache_dir.empty() || config.mode == publish::Mode::off) {
    return;
  }
  tag_was_empty_ = services_.tag == nullptr || services_.tag->figures().objects == 0;
  if (config.leftover == Config::Leftover::removed) {
    folder_.forget();
  }
  auto choice = choose_mode(facts(folder_.is_filled() ? SccacheMode::disk : config.sccache_mode));
  if (!choice.note.empty()) {
    note(std::move(choice.note));
  }
  if (publishes(config.mode)) {
    record_ = std::move(choice.record);
  }
  if (choice.mode == SccacheMode::proxy) {
    put_record();
    return;
  }
  if (auto filled = folder_.fill(); !filled) {
    record_.reset();
    note(fmt::format("disk mode cannot be used: {}; sccache uses the agent", filled.error().message));
    return;
  }
  disk_ = sccache::DiskCache{.folder = config.sccache_dir, .size_bytes = folder_.budget_bytes()};
  services_.status.observe([&](Observed& observed) {
    observed.sccache_mode = SccacheMode::disk;
    observed.filled_bytes = folder_.filled_bytes();
  });
}

// Once, with the first object: a job that adds nothing changes nothing.
void Hydration::put_record() {
  const std::scoped_lock lock(mutex_);
  if (!record_) {
    return;
  }
  const auto text = to_text(*std::exchange(record_, std::nullopt));
  auto write = services_.cache.begin(k_mode_key, text.size());
  auto put = write ? write->write(io::bytes_of(text)) : std::unexpected(write.error());
  if (put) {
    put = std::move(*write).commit();
  }
  if (!put) {
    log::warn("hydration: the tag's mode could not be stored error={}", put.error().message);
  }
}

std::uint64_t Hydration::collect() {
  const auto collected = disk_ ? folder_.collect() : 0;
  if (collected > 0) {
    put_record();
  }
  return collected;
}

void Hydration::finish() {
  if (!disk_) {
    return;
  }
  if (folder_.finish() > 0 || !tag_was_empty_) {
    put_record();
  }
}

}  // namespace agent::app
