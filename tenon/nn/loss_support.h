// What losses share. Private to nn.
#pragma once

#include <utility>

#include "tenon/nn/as_index.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"

namespace tenon::nn {

/// In what losses are computed.
inline Tensor widened(const Tensor& x) {
  return x.cast(x.dtype() == DType::f64 ? DType::f64 : DType::f32);
}

/// A prediction and a target of one shape and dtype, wide. A last layer of one unit gives
/// [batch, 1], where targets are often [batch].
inline std::pair<Tensor, Tensor> paired(const Tensor& prediction, const Tensor& target) {
  Tensor p = widened(prediction);
  if (p.rank() == target.rank() + 1 && p.dim(-1) == Dim(1)) p = p.reshape(target.shape());
  return {p, target.cast(p.dtype())};
}

/// How many there are of the first `axes` axes of x, as a number for its loss.
inline Tensor count_of(const Tensor& x, size_t axes) {
  Dim count = 1;
  for (size_t i = 0; i < axes; ++i) count = count * x.dim(static_cast<int64_t>(i));
  return dim_value(count, DType::f32);
}

/// a / b, and 0 where b is 0, for derivatives, too.
inline Tensor divided_or_zero(const Tensor& a, const Tensor& b) {
  Tensor is_zero = b == 0;
  return where(is_zero, 0, a / where(is_zero, 1, b));
}

/// The mean of what labels that are not negative have, in f32 (f64 for f64).
inline Tensor mean_of_counted(const Tensor& values, const Tensor& labels) {
  Tensor wide = widened(values);
  Tensor counted = (labels >= 0).cast(wide.dtype());
  return (sum(wide * counted) / maximum(sum(counted), 1.0)).cast(values.dtype());
}

/// All axes of x but the first.
inline Axes all_but_first(const Tensor& x) {
  Integers axes;
  for (size_t i = 1; i < x.rank(); ++i) axes.push_back(static_cast<int64_t>(i));
  return axes;
}

}  // namespace tenon::nn
