// Matrix products by a library, with any strides of the operands.
//
//   MatmulProblem p{.dtype = DType::f32, .m = 128, .n = 512, .k = 784};
//   p.lhs = {.row = 784, .column = 1}, p.rhs = {.row = 512, .column = 1}, p.out = {.row = 512};
//   std::string why_not;
//   auto kernel = make_matmul(p, why_not);        // null if the library would be slow
//   kernel->run(lhs_and_rhs, out, scratch);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/dtype.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

/// Steps in elements from one entry to the next.
struct MatrixStrides {
  int64_t row = 0;
  int64_t column = 1;
  std::vector<int64_t> batch;  // one per batch dimension; 0 repeats the matrix
  /// The same in every run: a kernel with its own layout takes it packed
  /// (OpKernel::packing).
  bool is_known = false;
};

/// out[b, i, j] = sum over l of lhs[b, i, l] * rhs[b, l, j].
struct MatmulProblem {
  DType dtype = DType::f32;
  std::vector<int64_t> batch;
  int64_t m = 1, n = 1, k = 1;
  MatrixStrides lhs, rhs, out;
};

/// Multiplications and additions.
inline double operations_of(const MatmulProblem& p) {
  return 2.0 * static_cast<double>(element_count(p.batch)) * static_cast<double>(p.m) *
         static_cast<double>(p.n) * static_cast<double>(p.k);
}

/// Inputs are lhs and rhs; one output. The result has the same bits with any
/// number of threads. Null, with the reason, if our own kernel would be faster.
std::unique_ptr<OpKernel> make_matmul(const MatmulProblem& problem, std::string& why_not);

}  // namespace tenon
