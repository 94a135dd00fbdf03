// Products by the faster kernel, ours or the library's, with an inner axis of any
// length. Private.
//
//   auto kernel = make_product(problem, why_not);      // as make_matmul
#pragma once

#include "tenon/runtime/cpu/matmul.h"

namespace tenon {

/// Kernels may sum a whole inner axis in one f32, which stops growing at 2^24 ones. So long axes
/// are split into blocks, by the shape alone, whose products are summed in f64, in order. If there
/// are few results, threads compute blocks in parallel.
std::unique_ptr<OpKernel> make_product(const MatmulProblem& problem, std::string& why_not);

}  // namespace tenon
