#include "agent/fronts/front.hpp"

namespace agent::fronts {

#define FRONT(name) std::unique_ptr<Front> make_##name(const FrontServices& services);
#include "agent/fronts/builtin.def"
#undef FRONT

std::vector<std::unique_ptr<Front>> make_fronts(const FrontServices& services) {
  std::vector<std::unique_ptr<Front>> fronts;
#define FRONT(name) fronts.push_back(make_##name(services));
#include "agent/fronts/builtin.def"
#undef FRONT
  return fronts;
}

}  // namespace agent::fronts
