// Winograd's algorithms F(4x4, 3x3) and F(2x2, 3x3) for convolutions with filters of 3x3 and stride
// 1, and for their gradients, on plain channels-last arrays.
//
//   std::string why_not;
//   auto kernel = make_winograd(problem, why_not);    // null where a direct sum is as fast
//   kernel->run(inputs, outputs, scratch);            // as a kernel of make_convolution
#pragma once

#include "tenon/runtime/cpu/convolution.h"

namespace tenon {

/// The result has the same bits with any number of threads.
std::unique_ptr<OpKernel> make_winograd(const ConvolutionProblem& problem, std::string& why_not);
/// Of the op `convolution` and of its two gradients.
std::unique_ptr<OpKernel> make_winograd_op(const KernelRequest& request, std::string& why_not);

/// With tiles of 2 or 4, whatever that costs; null without vectors of AVX2. The filter must be of
/// 3x3, with stride 1, no dilation and one group, in f32.
std::unique_ptr<OpKernel> make_winograd_of(const ConvolutionProblem& problem, int tile);

}  // namespace tenon
