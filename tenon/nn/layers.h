// Layers: functions of a scope and tensors. Input sizes are inferred. Parameters are f32, and they
// promote with inputs as in arithmetic; to use another precision, cast the model's variables.
//
//   Tensor block(nn::Scope s, Tensor x) {            // x: f32[batch, 28, 28, 1]
//     x = relu(nn::conv(s / "conv", x, {.filters = 6, .kernel = {5, 5}, .padding = "same"}));
//     return nn::dense(s / "logits", flatten(x), 10);
//   }
#pragma once

#include <string>
#include <vector>

#include "tenon/nn/model_function.h"

namespace tenon::nn {

struct DenseOptions {
  bool bias = true;
  Initialiser weight = fan_in_uniform();
  Initialiser bias_initial = {};  // default: uniform in ±1/sqrt(inputs)
};
/// x [..., inputs] · weight [inputs, units] + bias.
Tensor dense(Scope s, const Tensor& x, int64_t units, const DenseOptions& options = {});

struct ConvOptions {
  int64_t filters = 1;
  std::vector<int64_t> kernel;         // one size per spatial axis
  std::vector<int64_t> stride = {};    // default 1
  std::vector<int64_t> dilation = {};  // default 1
  /// "valid": no padding; "same": the result has the size of the input divided by the stride. For
  /// explicit numbers use `pad`.
  std::string padding = "valid";
  std::vector<int64_t> pad = {};  // zeros on both sides of each axis, instead of `padding`
  int64_t groups = 1;
  bool bias = true;
  Initialiser weight = fan_in_uniform();
};
/// x [batch, spatial…, inputs]; weight [kernel…, inputs / groups, filters].
Tensor conv(Scope s, const Tensor& x, const ConvOptions& options);

struct NormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  // of running averages: the weight of each new batch
};
/// Ioffe and Szegedy 2015 over all axes but the last. Training uses the mean and variance of the
/// batch; evaluation uses the running averages, kept as state `running_mean` and `running_var`
/// (unbiased, as in PyTorch).
Tensor batch_norm(Scope s, const Tensor& x, const NormOptions& options = {});
/// Ba et al. 2016 over the last axis.
Tensor layer_norm(Scope s, const Tensor& x, const NormOptions& options = {});

/// Zhang and Sennrich 2019 over the last axis: no mean, no bias.
Tensor rms_norm(Scope s, const Tensor& x, double epsilon = 1e-6);
/// Wu and He 2018 on x [batch, …, channels]: over space and each of `groups` groups of channels.
Tensor group_norm(Scope s, const Tensor& x, int64_t groups, double epsilon = 1e-5);

/// Rows of a table [tokens, depth] by integer ids.
Tensor embedding(Scope s, const Tensor& ids, int64_t tokens, int64_t depth,
                 const Initialiser& initial = normal(1.0));

/// In training, zeroes elements with probability `rate`, in [0, 1], and scales the others by
/// 1 / (1 - rate).
Tensor dropout(Scope s, const Tensor& x, double rate);

struct RecurrentResult {
  Tensor outputs;  // [batch, time, hidden]
  Tensor h, c;     // [batch, hidden]; c is empty for a GRU
};
/// Hochreiter and Schmidhuber 1997 with forget gates; x [batch, time, inputs]. Gates in PyTorch's
/// order i, f, g, o.
RecurrentResult lstm(Scope s, const Tensor& x, int64_t hidden);
/// Cho et al. 2014 in PyTorch's form: the reset gate acts on the recurrent sum, after its bias.
/// Gates in the order r, z, n.
RecurrentResult gru(Scope s, const Tensor& x, int64_t hidden);

struct AttentionOptions {
  bool causal = false;
  bool bias = true;
};
/// Multi-head self-attention (Vaswani et al. 2017) on x [batch, time, depth]; one projection makes
/// q, k and v.
Tensor self_attention(Scope s, const Tensor& x, int64_t heads,
                      const AttentionOptions& options = {});

}  // namespace tenon::nn
