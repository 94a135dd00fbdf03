#include "tenon/ops/registry.h"

#include "tenon/base/fork_safe_mutex.h"

namespace tenon {

void register_core_ops(OpRegistry& ops) {
  using Family = void (*)(OpRegistry&);
  const Family families[] = {
      register_elementwise, register_compare, register_cast,          register_elementary,
      register_structure,   register_slice,   register_gather,        register_reduce,
      register_cumulative,  register_sort,    register_random,        register_dot,
      register_convolution, register_window,  register_collective,    register_custom_call,
      register_control,  // after the primitives that its samples call
      register_activations, register_softmax, register_normalisation, register_batch_norm,
      register_losses,      register_pooling, register_attention,     register_embedding,
      register_recurrent,
  };
  for (Family family : families) family(ops);
}

const OpRegistry& core_ops() {
  // Never destroyed: tensors in static storage may outlive any order of destruction.
  static constinit MadeOnce<const OpRegistry> ops;
  return ops.get([] {
    auto* made = new OpRegistry;
    register_core_ops(*made);
    return made;
  });
}

}  // namespace tenon
