#include "tenon/ops/registry.h"

#include <atomic>

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
  static constinit std::atomic<const OpRegistry*> known = nullptr;
  if (const OpRegistry* ops = known.load(std::memory_order_acquire)) return *ops;
  const ForkDelay delay;  // no child finds it half made
  static const OpRegistry& ops = *[] {
    auto* made = new OpRegistry;  // never destroyed: tensors in static storage may outlive any
                                  // order of destruction
    register_core_ops(*made);
    return made;
  }();
  known.store(&ops, std::memory_order_release);
  return ops;
}

}  // namespace tenon
