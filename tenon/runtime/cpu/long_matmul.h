// Products whose inner axis is so long that a sum in f32 would lose its digits. Private.
//
//   auto kernel = make_product(problem, why_not);      // as make_matmul, of an inner axis of any length
#pragma once

#include "tenon/runtime/cpu/matmul.h"

namespace tenon {

/// Library kernels may add a whole inner axis up in one f32, which stops growing at 2^24 ones. Long
/// axes are cut into blocks, by the shape alone, whose products are added up in f64, in order.
/// Where results are few, threads do blocks side by side.
std::unique_ptr<OpKernel> make_product(const MatmulProblem& problem, std::string& why_not);

}  // namespace tenon
