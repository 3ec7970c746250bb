#include "agent/fronts/front.hpp"

namespace agent::fronts {

std::vector<std::unique_ptr<Front>> make_fronts(const FrontServices& services) {
  std::vector<std::unique_ptr<Front>> fronts;
#define FRONT(name) fronts.push_back(make_##name(services));
#include "agent/fronts/builtin.def"
#undef FRONT
  return fronts;
}

}  // namespace agent::fronts
