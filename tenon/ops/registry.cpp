#include "tenon/ops/registry.h"

#include <mutex>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"

namespace tenon {

namespace {

using Families = std::vector<std::function<void(OpRegistry&)>>;

/// Of extensions, until core_ops() are made of them.
struct OpenFamilies {
  std::mutex mutex;
  bool closed = false;
  Families families;
};

/// Never destroyed, as what is made of them.
OpenFamilies& open_families() {
  static constinit MadeOnce<OpenFamilies> open;
  return open.get([] { return new OpenFamilies; });
}

Families close_families() {
  OpenFamilies& open = open_families();
  const std::scoped_lock lock(open.mutex);
  open.closed = true;
  return std::move(open.families);
}

}  // namespace

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
  for (const auto& [op, name] : kCoreOpNames) ops.get(name);  // throws where one is not stated
}

const OpRegistry& core_ops() {
  // Never destroyed: tensors in static storage may outlive any order of destruction.
  static constinit MadeOnce<const OpRegistry> ops;
  return ops.get([] {
    auto* made = new OpRegistry;
    register_core_ops(*made);
    for (const auto& family : close_families()) family(*made);
    return made;
  });
}

void extend_core_ops(std::function<void(OpRegistry&)> family, const std::function<void()>& then) {
  OpenFamilies& open = open_families();
  const std::scoped_lock lock(open.mutex);
  if (open.closed) {
    throw make_error(ErrorCode::invalid_argument, "ops have already been used")
        .note("load extensions first, at the start of main");
  }
  then();
  open.families.push_back(std::move(family));
}

}  // namespace tenon
