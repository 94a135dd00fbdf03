// Calls of ops by name, for layers.
//
//   Tensor y = call("relu", {x});
#pragma once

#include "tenon/ops/registry.h"
#include "tenon/tensor/tensor.h"

namespace tenon {

inline Tensor call(std::string_view op, std::initializer_list<Tensor> inputs,
                   Attributes attributes = {}) {
  return apply(core_ops().get(op), inputs, std::move(attributes));
}

}  // namespace tenon
