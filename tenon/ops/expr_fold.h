#pragma once

// One machine operation on constants, as every back end computes it:
//
//   const uint64_t operands[] = {bits_of(1.5f), bits_of(2.0f)};
//   uint64_t bits = fold(ExprOp::add, DType::f32, DType::f32, operands);

#include <cstdint>

#include "tenon/ops/expr.h"

namespace tenon::detail {

/// `result` is the node's dtype, `operand` that of its last operand (for `cast`, `bitcast` and
/// comparisons the two differ). Values sit in the low bits.
uint64_t fold(ExprOp op, DType result, DType operand, const uint64_t* operands);

uint64_t bits_from_double(DType dtype, double value);
uint64_t bits_from_integer(DType dtype, int64_t value);
double double_from_bits(DType dtype, uint64_t bits);
int64_t integer_from_bits(DType dtype, uint64_t bits);

}  // namespace tenon::detail
