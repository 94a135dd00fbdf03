// Calls of user-defined functions on tensors; ops/custom_call.h describes the function's argument.
//
//   #include <algorithm>
//   register_custom_function("reversed", [](const CustomCall& call) {
//     std::ranges::reverse_copy(call.inputs[0].values<float>(), call.outputs[0].values<float>().begin());
//   });
//   Tensor x{1, 2, 3}, y = custom_call("reversed", {x}, x.type());
#pragma once

#include <string>
#include <vector>

#include "tenon/graph/type.h"
#include "tenon/ops/custom_call.h"
#include "tenon/tensor/tensor.h"

namespace tenon {

/// Records a call of the function registered as `target`, whose only result has the type `result`.
/// `config` is passed to the function. Not differentiable by itself: wrap it in custom_vjp. vmap
/// calls the function once per example.
Tensor custom_call(const std::string& target, const std::vector<Tensor>& inputs, Type result,
                   const std::string& config = "");
/// For functions with several results.
std::vector<Tensor> custom_call_multi(const std::string& target, const std::vector<Tensor>& inputs,
                                      std::vector<Type> results, const std::string& config = "");

}  // namespace tenon
