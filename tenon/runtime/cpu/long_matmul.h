// Products by whichever kernel is faster, ours or the library's, and of an inner axis of any
// length. Private.
//
//   auto kernel = make_product(problem, why_not);      // as make_matmul
#pragma once

#include "tenon/runtime/cpu/matmul.h"

namespace tenon {

/// Kernels may add a whole inner axis up in one f32, which stops growing at 2^24 ones. Long axes
/// are cut into blocks, by the shape alone, whose products are added up in f64, in order. Where
/// results are few, threads do blocks side by side.
std::unique_ptr<OpKernel> make_product(const MatmulProblem& problem, std::string& why_not);

}  // namespace tenon
