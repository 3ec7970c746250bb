#include "agent/backends/github_urls.hpp"

namespace agent::backends {

namespace {

constexpr std::chrono::minutes k_kept{50};  // GitHub's signatures are good for about an hour at most
constexpr std::chrono::minutes k_longest_look_up{2};

}  // namespace

Result<std::optional<std::string>> SignedUrls::get(std::string_view name, const LookUp& look_up) {
  const std::string key(name);
  const auto now = clock_.now();
  // One thread becomes the one that looks up; the others wait for it, and take over where it failed.
  std::optional<std::string> kept;
  bool mine = false;
  known_.wait_until(std::stop_token{}, std::chrono::steady_clock::now() + k_longest_look_up,
                    [&](auto& known) {
                      auto [at, inserted] = known.try_emplace(key, Known{.url = {}, .since = now});
                      if (!inserted && !at->second.url.empty() && now - at->second.since > k_kept) {
                        at->second = {.url = {}, .since = now};
                        inserted = true;
                      }
                      mine = inserted;
                      if (!inserted && !at->second.url.empty()) {
                        kept = at->second.url;
                      }
                      return inserted || kept.has_value();
                    });
  if (kept) {
    return kept;
  }
  auto found = look_up();
  if (mine) {
    known_.change([&](auto& known) {
      if (found && *found) {
        known.insert_or_assign(key, Known{.url = **found, .since = now});
      } else {
        known.erase(key);
      }
    });
  }
  return found;
}

void SignedUrls::drop(std::string_view name, std::string_view url) {
  known_.with([&](auto& known) {
    const auto found = known.find(name);
    if (found != known.end() && found->second.url == url) {
      known.erase(found);
    }
  });
}

void SignedUrls::drop(std::string_view name) {
  known_.with([&](auto& known) {
    const auto found = known.find(name);
    if (found != known.end() && !found->second.url.empty()) {
      known.erase(found);
    }
  });
}

}  // namespace agent::backends
