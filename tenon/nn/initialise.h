// Initial values of parameters.
//
//   #include "tenon/nn/layers.h"
//   given: extern nn::Scope s; Tensor x;
//   nn::dense(s, x, 64, {.weight = nn::he_normal()});
#pragma once

#include <functional>

#include "tenon/base/random.h"
#include "tenon/graph/literal.h"

namespace tenon::nn {

/// Fills a parameter. Weights are [inputs, outputs], filters [spatial…, inputs, outputs]: the last
/// axis is the outputs.
using Initialiser = std::function<void(RandomKey, Literal&)>;

Initialiser zeros();
Initialiser ones();
Initialiser constant(double value);
Initialiser uniform(double bound);
Initialiser normal(double deviation);
/// Uniform in ±1/sqrt(fan_in): PyTorch's default for linear and convolution layers.
Initialiser fan_in_uniform();
/// Glorot and Bengio 2010, eq. 16: ±sqrt(6 / (fan_in + fan_out)).
Initialiser glorot_uniform();
/// He et al. 2015, eq. 10: standard deviation sqrt(2 / fan_in).
Initialiser he_normal();
/// Uniform in ±1/sqrt(fan_in) for a bias, whose shape does not determine fan_in.
/// Like the three above, error shape_mismatch if there are no inputs.
Initialiser bias_uniform(int64_t fan_in);

}  // namespace tenon::nn
