// Maps calls of dot and of the convolutions to calls of a library.
#pragma once

#include "tenon/runtime/cpu/convolution.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

/// Claims calls in f32, and in bf16 if this CPU multiplies it, in a build that has the library.
bool claims_library(const Graph& graph, const Node& node);

std::unique_ptr<OpKernel> make_dot(const KernelRequest& request, std::string& why_not);
/// Of the op `convolution` and of its two gradients.
std::unique_ptr<OpKernel> make_convolution_op(const KernelRequest& request, std::string& why_not);

/// The problem of such a call; none of its operands is empty.
ConvolutionProblem convolution_problem(const KernelRequest& request);

/// Writes zeros: the sum of no products.
std::unique_ptr<OpKernel> make_zeros(const ConcreteType& output);

}  // namespace tenon
