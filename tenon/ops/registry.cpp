#include "tenon/ops/registry.h"

namespace tenon {

void register_core_ops(OpRegistry& ops) {
  using Family = void (*)(OpRegistry&);
  for (Family family : std::initializer_list<Family>{}) family(ops);
}

const OpRegistry& core_ops() {
  static const OpRegistry& ops = *[] {
    auto* made = new OpRegistry;  // never destroyed: tensors in static storage may outlive any
                                  // order of destruction
    register_core_ops(*made);
    return made;
  }();
  return ops;
}

}  // namespace tenon
