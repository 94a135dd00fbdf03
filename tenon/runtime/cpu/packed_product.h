// Matrix products of our own, for f32 on processors with AVX2: the right operand is packed into the
// order in which registers are filled, which serves small and middle-sized products better than a
// library's does.
//
//   std::string why_not;
//   auto kernel = make_packed_product(problem, why_not);   // null where the library is as fast
//   kernel->run(lhs_and_rhs, out, scratch);
#pragma once

#include "tenon/runtime/cpu/matmul.h"

namespace tenon {

/// The result has the same bits with any number of threads.
std::unique_ptr<OpKernel> make_packed_product(const MatmulProblem& problem, std::string& why_not);

/// Whatever it costs, for measurements and tests; null, with the reason, for strides that it does
/// not take.
std::unique_ptr<OpKernel> make_any_packed_product(const MatmulProblem& problem,
                                                  std::string& why_not);

}  // namespace tenon
