#include "agent/doctor/pairing.hpp"

#include <deque>
#include <functional>
#include <map>
#include <string>

namespace agent::doctor {

namespace {

using Compilation = sccache::KeyedCompilation;

std::string by_output(const Compilation& one) {
  return one.name + "\n" + std::string(one.output());
}

std::string by_name(const Compilation& one) {
  return one.name;
}

// Those that have no partner yet find one by what `identity` says of them.
void find_partners(const std::function<std::string(const Compilation&)>& identity, const Compilations& then,
                   const Compilations& now, std::vector<const Compilation*>& partners,
                   std::vector<bool>& taken) {
  std::map<std::string, std::deque<std::size_t>> free;
  for (std::size_t i = 0; i < then.size(); ++i) {
    if (!taken[i]) {
      free[identity(then[i])].push_back(i);
    }
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    const auto found = partners[i] == nullptr ? free.find(identity(now[i])) : free.end();
    if (found != free.end() && !found->second.empty()) {
      partners[i] = &then[found->second.front()];
      taken[found->second.front()] = true;
      found->second.pop_front();
    }
  }
}

}  // namespace

Pairing pair_up(const Compilations& then, const Compilations& now) {
  std::vector<const Compilation*> partners(now.size());
  std::vector<bool> taken(then.size());
  find_partners(by_output, then, now, partners, taken);
  find_partners(by_name, then, now, partners, taken);
  Pairing pairing;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (partners[i] != nullptr) {
      pairing.pairs.push_back({.then = partners[i], .now = &now[i]});
    } else {
      pairing.appeared.push_back(&now[i]);
    }
  }
  for (std::size_t i = 0; i < then.size(); ++i) {
    if (!taken[i]) {
      pairing.vanished.push_back(&then[i]);
    }
  }
  return pairing;
}

}  // namespace agent::doctor
