// Calls of ops on tensors. The functions of functions.h are built on this, and it calls the ops of
// other libraries.
//
//   Tensor x{1.0, 2.0};
//   Tensor y = apply("tanh", {x});
//   Tensor z = apply("reduce_sum", {y}, {{"axes", Integers{0}}});
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "tenon/graph/attributes.h"
#include "tenon/tensor/tensor.h"

namespace tenon {

struct OpDef;

/// Records a call of an op: promotes dtypes and broadcasts elementwise operands, and checks types.
/// Nothing is computed.
Tensor apply(const OpDef& op, std::span<const Tensor> inputs, Attributes attributes = {});
Tensor apply(const OpDef& op, std::initializer_list<Tensor> inputs, Attributes attributes = {});
Tensor apply(const OpDef& op, std::vector<Tensor> inputs, Attributes attributes = {});
/// One of the core ops by its name.
Tensor apply(std::string_view op, std::initializer_list<Tensor> inputs, Attributes attributes = {});
/// For ops with several results.
std::vector<Tensor> apply_multi(const OpDef& op, std::span<const Tensor> inputs,
                                Attributes attributes = {});

}  // namespace tenon
