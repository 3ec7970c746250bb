#include "agent/backends/github_immutable.hpp"

#include <algorithm>
#include <utility>

#include "agent/backends/github_blobs.hpp"

namespace agent::backends {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t k_one_download_bytes = std::uint64_t{64} << 20U;
constexpr unsigned k_most_aliases = 5;

// The name itself, or one of its aliases.
bool stands_for(std::string_view key, std::string_view name) {
  return key.starts_with(name) && (key.size() == name.size() || key[name.size()] == k_alias_mark);
}

}  // namespace

Result<std::optional<std::string>> ImmutableEntries::url_of(std::string_view name) {
  return urls_.get(name, [&]() -> Result<std::optional<std::string>> {
    AGENT_TRY(auto found, cache_.find(name));
    if (!found || !stands_for(found->key, name)) {
      return std::optional<std::string>{};
    }
    return std::optional(std::move(found->url));
  });
}

// A signature that has expired is asked for once more; an entry that is gone is gone.
Result<std::optional<Piece>> ImmutableEntries::download(std::string_view name, Range range) {
  constexpr int k_tries = 2;
  for (int i = 0; i < k_tries; ++i) {
    AGENT_TRY(const auto url, url_of(name));
    if (!url) {
      break;
    }
    AGENT_TRY(auto piece, cache_.download(*url, range));
    if (piece) {
      return piece;
    }
    urls_.drop(name, *url);
  }
  return std::optional<Piece>{};
}

Result<std::optional<std::string>> ImmutableEntries::get(std::string_view name, Range range) {
  if (range.size == 0) {
    AGENT_TRY(const auto url, url_of(name));
    return url ? std::optional(std::string{}) : std::nullopt;
  }
  std::string bytes;
  while (bytes.size() < range.size) {
    const auto want = std::min(range.size - bytes.size(), k_one_download_bytes);
    AGENT_TRY(auto piece, download(name, {.offset = range.offset + bytes.size(), .size = want}));
    if (!piece) {
      return std::optional<std::string>{};
    }
    const bool all = range.offset <= piece->total && range.size <= piece->total - range.offset;
    if (!all) {
      return fail(Errc::corrupt, "get {}: it has {} bytes and ends before the range does", name,
                  piece->total);
    }
    if (piece->bytes.empty()) {
      return fail(Errc::transient, "get {}: the answer is empty", name);
    }
    if (bytes.empty()) {
      bytes = std::move(piece->bytes);
    } else {
      bytes += piece->bytes;
    }
  }
  return std::optional(std::move(bytes));
}

Result<std::optional<std::string>> ImmutableEntries::read(std::string_view name, std::uint64_t limit_bytes) {
  AGENT_TRY(auto piece, download(name, {.offset = 0, .size = limit_bytes}));
  if (!piece) {
    return std::optional<std::string>{};
  }
  if (piece->total > limit_bytes) {
    return fail(Errc::corrupt, "read {}: {} bytes are more than a small object has", name, piece->total);
  }
  if (piece->bytes.size() != piece->total) {
    return fail(Errc::transient, "read {}: {} of {} bytes came", name, piece->bytes.size(), piece->total);
  }
  return std::optional(std::move(piece->bytes));
}

void ImmutableEntries::forget(std::string_view name) {
  urls_.drop(name);
  left_.with([&](auto& all) { all.erase(std::string(name)); });
}

ImmutableEntries::Left ImmutableEntries::take_left(std::string_view name) {
  return left_.with([&](auto& all) {
    auto node = all.extract(std::string(name));
    return node.empty() ? Left{} : std::move(node.mapped());
  });
}

// Waits until somebody's upload of this name is visible. False: it does not come.
Result<bool> ImmutableEntries::appears(std::string_view name, bool at_once) {
  constexpr int k_first_part = 100;
  constexpr int k_longest_part = 8;
  const auto patience = at_once ? milliseconds(0) : options_.patience;
  const auto begin = clock_.now();
  auto wait = std::max(patience / k_first_part, milliseconds(1));
  while (true) {
    const bool last = clock_.now() - begin >= patience;
    AGENT_TRY(const auto url, url_of(name));
    if (url || last) {
      return url.has_value();
    }
    const auto left = std::chrono::ceil<milliseconds>(begin + patience - clock_.now());
    options_.pause(std::clamp(left, milliseconds(1), wait));
    wait = std::min(wait * 2, std::max(patience / k_longest_part, milliseconds(1)));
  }
}

Result<std::optional<Reservation>> ImmutableEntries::reserve(std::string_view name, const std::string& key) {
  auto reservation = cache_.reserve(key);
  if (!reservation && reservation.error().code == Errc::transient) {
    left_.with([&](auto& all) { all[std::string(name)].unknown = true; });
  }
  return reservation;
}

Result<void> ImmutableEntries::fill(std::string_view name, const Reservation& reservation,
                                    const Source& source) {
  auto done = cache_.upload(reservation, source);
  if (done) {
    done = cache_.finalise(reservation, size_of(source));
  }
  if (done) {
    return {};
  }
  if (done.error().code != Errc::denied) {
    if (const auto visible = appears(name, true); visible && *visible) {
      return {};  // the answer was lost, or an earlier one was
    }
    if (done.error().code != Errc::not_found) {
      left_.with([&](auto& all) { all[std::string(name)].reservation = reservation; });
    }
  }
  return done;
}

Result<Put> ImmutableEntries::put(std::string_view name, const Source& source) {
  auto left = take_left(name);
  bool refused = false;  // a place to upload to was
  if (left.reservation) {
    AGENT_TRY(const bool visible, appears(name, true));
    if (visible) {
      return Put::created;
    }
    if (fill(name, *left.reservation, source)) {
      return Put::created;
    }
    // It may have expired: the next alias is as good.
    take_left(name);
    left.unknown = true;
  }
  for (unsigned alias = 0; alias <= k_most_aliases; ++alias) {
    const auto key = alias == 0 ? std::string(name) : fmt::format("{}{}{}", name, k_alias_mark, alias);
    AGENT_TRY(const auto reservation, reserve(name, key));
    if (reservation) {
      const auto filled = fill(name, *reservation, source);
      if (filled) {
        return Put::created;
      }
      if (filled.error().code != Errc::not_found) {
        return std::unexpected(filled.error());
      }
      if (std::exchange(refused, true)) {
        return fail(Errc::transient, "{}", filled.error().message);
      }
      continue;
    }
    AGENT_TRY(const bool visible, appears(name, left.unknown));
    if (visible) {
      return Put::existed;
    }
  }
  return fail(Errc::transient, "put {}: it is reserved under {} keys and its bytes never came", name,
              k_most_aliases + 1);
}

}  // namespace agent::backends
