// What the rules of optimisers share. Private to nn.
#pragma once

#include "tenon/base/error.h"
#include "tenon/nn/optimizer.h"
#include "tenon/tensor/numpy.h"

namespace tenon::nn {

/// Error out_of_range for an option that does not lie in [low, high).
inline void check_option(const char* optimizer, const char* option, double value, double low,
                         double high) {
  if (value >= low && value < high) return;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be at least {} and less than {}", optimizer,
       option, value, low, high);
}

/// The square root, for derivatives of whole steps: of a mean square that is 0 it is constant.
inline Tensor root(const Tensor& square) {
  Tensor is_zero = square == 0;
  return where(is_zero, 0, sqrt(where(is_zero, 1, square)));
}

/// The numbers of a gradient's running means after a step of Adam, without their bias.
struct Moments {
  Tensor mean, square;        // as slots keep them
  Tensor correct1, correct2;  // mean / correct1 has no bias
};
Moments next_moments(const std::vector<Tensor>& slots, const Tensor& gradient, const Tensor& step,
                     double beta1, double beta2);

}  // namespace tenon::nn
