// Our own matrix products, for f32 on processors with AVX2: the right operand is packed in the
// order in which registers are filled, which is faster than a library for small and medium-sized
// products.
//
//   std::string why_not;
//   auto kernel = make_packed_product(problem, why_not);   // null if the library is as fast
//   kernel->run(lhs_and_rhs, out, scratch);
#pragma once

#include "tenon/runtime/cpu/matmul.h"

namespace tenon {

/// The result has the same bits with any number of threads.
std::unique_ptr<OpKernel> make_packed_product(const MatmulProblem& problem, std::string& why_not);

/// Regardless of its cost, for measurements and tests; null, with the reason, for unsupported
/// strides.
std::unique_ptr<OpKernel> make_any_packed_product(const MatmulProblem& problem,
                                                  std::string& why_not);

}  // namespace tenon
