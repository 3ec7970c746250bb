// Which compilation of one recorded run is that of another: the same name and output, else the same name in
// the same order. Pure; safe from any thread.
#pragma once

#include <utility>
#include <vector>

#include "agent/sccache/key_log.hpp"

namespace agent::doctor {

using Compilations = std::vector<sccache::KeyedCompilation>;

struct Pairing {
  struct Pair {
    const sccache::KeyedCompilation* then;
    const sccache::KeyedCompilation* now;
  };
  std::vector<Pair> pairs;  // in the order of the later run
  std::vector<const sccache::KeyedCompilation*> appeared;
  std::vector<const sccache::KeyedCompilation*> vanished;
};

// Both outlive what is returned.
Pairing pair_up(const Compilations& then, const Compilations& now);

}  // namespace agent::doctor
