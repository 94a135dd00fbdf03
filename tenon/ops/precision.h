// Half-precision inputs are widened for sums and exponentials, and the result is rounded once.
//
//   Value wide = widen(x);                   // f32 where x is f16 or bf16, else x
//   return cast(wide / reduce_sum(wide, {1}, true), x.dtype());
#pragma once

#include "tenon/ops/value_functions.h"

namespace tenon {

inline Value widen(Value x) {
  bool half = x.dtype() == DType::f16 || x.dtype() == DType::bf16;
  return half ? cast(x, DType::f32) : x;
}

/// Weights of an extremum: 1 / (number of elements that equal it) for those elements, else 0;
/// `total` sums over the reduced elements. In f32 for f16 and bf16, which cannot hold large counts.
template <class Total>
Value share_of_extremum(Value x, Value extremum, Total total) {
  Value hit = widen(cast(equal(x, extremum), x.dtype()));
  return hit / total(hit);
}

}  // namespace tenon
