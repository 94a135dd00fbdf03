// The precision of means, norms and quantiles. Private to tensor/.
#pragma once

#include "tenon/tensor/tensor.h"

namespace tenon {

/// x in f32 at least: sums of half precision would overflow, and a mean is rounded once.
inline Tensor precise(const Tensor& x) { return x.dtype() == DType::f64 ? x : x.cast(DType::f32); }

/// The result in the precision of x, if that is a floating dtype.
inline Tensor rounded_as(const Tensor& x, const Tensor& result) {
  return is_floating(x.dtype()) ? result.cast(x.dtype()) : result;
}

}  // namespace tenon
