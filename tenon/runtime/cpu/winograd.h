// Winograd's algorithms F(4x4, 3x3) and F(2x2, 3x3) for convolutions with filters of 3x3 and stride
// 1, and for their gradients, on plain channels-last arrays.
//
//   ConvolutionProblem p{.batch = 64, .input = {32, 32}, .output = {32, 32}, .kernel = {3, 3}, …};
//   std::string why_not;
//   auto kernel = make_winograd(p, why_not);    // null where a direct sum is as fast
#pragma once

#include "tenon/runtime/cpu/convolution.h"

namespace tenon {

/// Operands are those of make_convolution. The result has the same bits with any number of threads.
std::unique_ptr<OpKernel> make_winograd(const ConvolutionProblem& problem, std::string& why_not);

/// With tiles of 2 or 4 whatever it costs, for measurements and tests. The problem must be one of
/// 3x3 filters with stride 1, without dilation and groups, in f32.
std::unique_ptr<OpKernel> make_winograd_of(const ConvolutionProblem& problem, int tile);

/// The tile that costs least, 4 or 2, or 0 and why a direct sum costs less.
int winograd_tile(const ConvolutionProblem& problem, std::string& why_not);

}  // namespace tenon
