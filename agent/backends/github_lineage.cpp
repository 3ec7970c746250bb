#include "agent/backends/github_lineage.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::backends {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t k_most_content_bytes = std::uint64_t{16} << 20U;

}  // namespace

Lineages::Seen Lineages::seen(std::string_view name) const {
  return seen_.with([&](const auto& lines) {
    const auto found = lines.find(name);
    return found != lines.end() ? found->second : Seen{};
  });
}

void Lineages::see(std::string_view name, std::uint64_t number) {
  const auto now = clock_.now();
  seen_.with([&](auto& lines) {
    auto& line = lines[std::string(name)];
    line.highest = std::max(line.highest, number);
    line.visible = std::max(line.visible, number);
    line.looked = now;
  });
}

// What is gone is not looked for, but its numbers are not given again: somebody may still know them.
void Lineages::forget(std::string_view name) {
  seen_.with([&](auto& lines) {
    auto& line = lines[std::string(name)];
    line.visible = 0;
    line.fresh.reset();
    line.made.reset();
  });
}

template <typename T>
std::optional<T> Lineages::take(std::string_view name, std::optional<T> Seen::* kept) {
  const auto now = clock_.now();
  return seen_.with([&](auto& lines) -> std::optional<T> {
    const auto found = lines.find(name);
    if (found == lines.end()) {
      return std::nullopt;
    }
    auto taken = std::exchange(found->second.*kept, std::nullopt);
    return found->second.fresh_until > now ? std::move(taken) : std::nullopt;
  });
}

void Lineages::lost_to(std::string_view name, std::uint64_t number, FoundEntry entry) {
  see(name, number);
  const auto until = clock_.now() + k_fresh_lineage;
  seen_.with([&](auto& lines) {
    auto& line = lines[std::string(name)];
    line.made.reset();
    if (line.highest == number) {
      line.fresh = std::move(entry);
      line.fresh_until = until;
    }
  });
}

// The newest by the service's clock is nearly always the highest. Where it is not, this process may know
// better, and asks for what it knows.
Result<std::optional<FoundEntry>> Lineages::newest(std::string_view name) {
  if (auto fresh = take(name, &Seen::fresh)) {
    return fresh;
  }
  const auto known = seen(name);
  const auto prefix = std::string(name) + "/";
  const auto key = known.highest > 0 ? generation_key(name, known.highest + 1) : prefix;
  AGENT_TRY(auto found, cache_.find(key, key == prefix ? std::string_view{} : prefix));
  const auto number = found ? generation_of(name, found->key) : std::nullopt;
  if (number.value_or(0) < known.visible) {
    AGENT_TRY(auto better, exactly(generation_key(name, known.visible)));
    if (better) {
      return better;
    }
    seen_.with([&](auto& lines) { lines[std::string(name)].visible = number.value_or(0); });
  }
  return number ? std::move(found) : std::nullopt;
}

Result<std::optional<FoundEntry>> Lineages::exactly(const std::string& key) {
  AGENT_TRY(auto found, cache_.find(key));
  return found && found->key == key ? std::move(found) : std::nullopt;
}

Result<std::optional<Generation>> Lineages::fetch(const FoundEntry& entry) {
  constexpr auto k_most = k_most_content_bytes + k_generation_header_bytes;
  AGENT_TRY(const auto piece, cache_.download(entry.url, {.offset = 0, .size = k_most}));
  if (!piece) {
    return std::optional<Generation>{};
  }
  if (piece->total > k_most) {
    return fail(Errc::corrupt, "{}: {} bytes are more than a pointer has", entry.key, piece->total);
  }
  if (piece->bytes.size() != piece->total) {
    return fail(Errc::transient, "{}: {} of {} bytes came", entry.key, piece->bytes.size(), piece->total);
  }
  auto generation = parse_generation(piece->bytes);
  if (!generation) {
    return with_context(entry.key, std::move(generation).error());
  }
  return std::optional(*std::move(generation));
}

// Generations that were passed over and are there after all: their writers ended before they could see that.
// What is in them is handed to the next writer.
Result<void> Lineages::gather_skipped(std::string_view name, const Generation& head, Versioned& into,
                                      GenerationToken& token) {
  for (const auto number : head.skipped) {
    if (number + k_most_skipped <= head.number) {
      continue;  // so long ago that whoever reserved it takes it for passed over whatever he reads
    }
    AGENT_TRY(const auto entry, exactly(generation_key(name, number)));
    auto generation = entry ? fetch(*entry) : std::optional<Generation>{};
    AGENT_CHECK(generation);
    if (*generation) {
      into.also.push_back(std::move((*generation)->content));
    } else {
      token.skipped.push_back(number);
    }
  }
  return {};
}

Result<std::optional<Versioned>> Lineages::read(std::string_view name) {
  if (auto made = take(name, &Seen::made)) {
    return made;
  }
  constexpr int k_tries = 3;  // an entry can be evicted between finding and fetching it
  for (int i = 0; i < k_tries; ++i) {
    AGENT_TRY(const auto entry, newest(name));
    if (!entry) {
      return std::optional<Versioned>{};
    }
    AGENT_TRY(auto head, fetch(*entry));
    if (!head) {
      continue;
    }
    if (generation_of(name, entry->key) != head->number) {
      return fail(Errc::corrupt, "{}: holds generation {}", entry->key, head->number);
    }
    see(name, head->number);
    if (const auto unsettled = take_held(entry->key)) {
      const auto settled = settle(name, *head, *unsettled);
      if (!settled && settled.error().code != Errc::conflict) {
        return std::unexpected(settled.error());
      }
      continue;
    }
    GenerationToken token{.line = line_of(name),
                          .head = head->number,
                          .next = std::max(head->number, seen(name).highest) + 1,
                          .digest = head->digest,
                          .skipped = {}};
    Versioned object;
    AGENT_CHECK(gather_skipped(name, *head, object, token));
    object.content = std::move(head->content);
    object.version = encode_token(token);
    return std::optional(std::move(object));
  }
  return fail(Errc::transient, "read {}: what was found is gone", name);
}

}  // namespace agent::backends
