#include "tenon/nn/layers.h"

#include <numeric>
#include <span>

#include "tenon/base/error.h"
#include "tenon/tensor/numpy.h"

namespace tenon::nn {

namespace {

std::vector<int64_t> or_ones(const std::vector<int64_t>& values, size_t count) {
  return values.empty() ? std::vector<int64_t>(count, 1) : values;
}

int64_t size_of_axis(const Tensor& x, int64_t axis, std::string_view layer,
                     const std::string& path) {
  const Dim& dim = x.dim(axis);
  if (dim.is_constant()) return dim.constant();
  throw make_error(ErrorCode::shape_mismatch,
                   "{}: the last dimension of the input is the symbol '{}'", layer, dim.to_string())
      .note("input {}  {}", x.type().to_string(), path)
      .note("hint: parameters need a number here");
}

void check_rank(const Tensor& x, size_t wanted, std::string_view layer, const std::string& path) {
  if (x.rank() == wanted) return;
  throw make_error(ErrorCode::shape_mismatch, "{}: the input has {} dimensions, not {}", layer,
                   x.rank(), wanted)
      .note("input {}  {}", x.type().to_string(), path);
}

void check_size(int64_t size, std::string_view what, std::string_view layer,
                const std::string& path) {
  if (size >= 1) return;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be at least 1 ({})", layer, what, size,
       path);
}

/// The product of dimensions as a tensor; each symbol is counted at run time.
Tensor count_of(std::span<const Dim> dims) {
  double known = 1;
  Tensor symbolic(1.0);
  for (const Dim& dim : dims) {
    if (dim.is_constant()) {
      known *= static_cast<double>(dim.constant());
    } else {
      symbolic = symbolic * sum(ones(Shape{dim}));
    }
  }
  return symbolic * known;
}

}  // namespace

Tensor dense(Scope s, const Tensor& x, int64_t units, const DenseOptions& options) {
  LabelScope label(s.path());
  check_size(units, "units", "dense", s.path());
  int64_t inputs = size_of_axis(x, -1, "dense", s.path());
  Tensor weight = s.parameter("weight", {inputs, units}, options.weight);
  auto last = static_cast<int64_t>(x.rank()) - 1;
  Tensor y = tenon::dot(x, weight, {last}, {0});
  if (!options.bias) return y;
  return y + s.parameter("bias", {units},
                         options.bias_initial ? options.bias_initial : bias_uniform(inputs));
}

Tensor conv(Scope s, const Tensor& x, const ConvOptions& options) {
  LabelScope label(s.path());
  check_size(options.filters, "filters", "conv", s.path());
  for (int64_t size : options.kernel) check_size(size, "kernel", "conv", s.path());
  size_t spatial = options.kernel.size();
  check_rank(x, spatial + 2, "conv", s.path());
  int64_t inputs = size_of_axis(x, -1, "conv", s.path());
  if (options.groups < 1 || inputs % options.groups != 0 || options.filters % options.groups != 0) {
    fail(ErrorCode::invalid_argument,
         "conv: {} input channels and {} filters do not divide into {} groups ({})", inputs,
         options.filters, options.groups, s.path());
  }
  std::vector<int64_t> stride = or_ones(options.stride, spatial);
  std::vector<int64_t> dilation = or_ones(options.dilation, spatial);
  std::vector<int64_t> low(spatial, 0);
  std::vector<int64_t> high(spatial, 0);
  if (!options.pad.empty()) {
    low = high = options.pad;
  } else if (options.padding == "same") {
    for (size_t i = 0; i < spatial; ++i) {
      int64_t reach = (options.kernel[i] - 1) * dilation[i] + 1;
      const Dim& dim = x.dim(static_cast<int64_t>(i) + 1);
      int64_t total = reach - stride[i];
      if (dim.is_constant() && dim.constant() % stride[i] != 0)
        total = reach - dim.constant() % stride[i];
      total = std::max<int64_t>(0, total);
      low[i] = total / 2;
      high[i] = total - total / 2;
    }
  } else if (options.padding != "valid") {
    fail(ErrorCode::invalid_argument, "conv: padding is \"same\" or \"valid\", not \"{}\" ({})",
         options.padding, s.path());
  }
  Shape shape;
  for (int64_t size : options.kernel) shape.push_back(size);
  shape.push_back(inputs / options.groups);
  shape.push_back(options.filters);
  Tensor weight = s.parameter("weight", shape, options.weight);
  Tensor y = convolution(x, weight, stride, low, high, dilation, Shape{options.groups});
  if (!options.bias) return y;
  int64_t fan_in = std::accumulate(options.kernel.begin(), options.kernel.end(),
                                   inputs / options.groups, std::multiplies<>());
  return y + s.parameter("bias", {options.filters}, bias_uniform(fan_in));
}

Tensor batch_norm(Scope s, const Tensor& x, const NormOptions& options) {
  LabelScope label(s.path());
  int64_t channels = size_of_axis(x, -1, "batch_norm", s.path());
  Tensor scale = s.parameter("weight", {channels}, ones());
  Tensor bias = s.parameter("bias", {channels}, zeros());
  Tensor mean = s.state("running_mean", {channels}, 0);
  Tensor variance = s.state("running_var", {channels}, 1);
  if (!s.training()) {
    return batch_norm_inference(x, scale, bias, mean, variance, -1, options.epsilon);
  }
  std::vector<Tensor> results = tenon::batch_norm(x, scale, bias, -1, options.epsilon);
  // Running averages take the unbiased variance.
  Tensor count = count_of({x.shape().begin(), x.shape().end() - 1});
  Tensor correction = count / maximum(count - 1.0, 1.0);
  double keep = 1 - options.momentum;
  s.set_state("running_mean", mean * keep + stop_gradient(results[1]) * options.momentum);
  s.set_state("running_var",
              variance * keep + stop_gradient(results[2]) * correction * options.momentum);
  return results[0];
}

Tensor layer_norm(Scope s, const Tensor& x, const NormOptions& options) {
  LabelScope label(s.path());
  int64_t size = size_of_axis(x, -1, "layer_norm", s.path());
  Tensor scale = s.parameter("weight", {size}, ones());
  Tensor bias = s.parameter("bias", {size}, zeros());
  return tenon::layer_norm(x, scale, bias, {-1}, options.epsilon);
}

Tensor embedding(Scope s, const Tensor& ids, int64_t tokens, int64_t depth,
                 const Initialiser& initial) {
  LabelScope label(s.path());
  check_size(tokens, "tokens", "embedding", s.path());
  check_size(depth, "depth", "embedding", s.path());
  return tenon::embedding(s.parameter("weight", {tokens, depth}, initial), ids);
}

Tensor dropout(Scope s, const Tensor& x, double rate) {
  if (rate < 0 || rate >= 1) {
    fail(ErrorCode::invalid_argument, "dropout: rate {} is not in [0, 1) ({})", rate, s.path());
  }
  if (!s.training() || rate == 0) return x;
  LabelScope label(s.path());
  return tenon::dropout(x, s.key(), rate);
}

namespace {

/// x [batch, time, inputs] by weight, [time, batch, …]: one product over all steps.
Tensor of_every_step(const Tensor& x, const Tensor& weight) {
  return tenon::dot(x.transpose({1, 0, 2}), weight, {2}, {0});
}

}  // namespace

RecurrentResult lstm(Scope s, const Tensor& x, int64_t hidden) {
  LabelScope label(s.path());
  check_rank(x, 3, "lstm", s.path());
  check_size(hidden, "hidden", "lstm", s.path());
  int64_t inputs = size_of_axis(x, -1, "lstm", s.path());
  Initialiser initial = bias_uniform(hidden);
  Tensor from_input = s.parameter("input.weight", {inputs, 4 * hidden}, initial);
  Tensor from_state = s.parameter("hidden.weight", {hidden, 4 * hidden}, initial);
  Tensor bias = s.parameter("bias", {4 * hidden}, initial);
  Tensor gates = of_every_step(x, from_input) + bias;
  Tensor start = zeros(Shape{x.dim(0), hidden}, x.dtype());
  std::vector<Tensor> results = tenon::lstm(gates, start, start, from_state);
  // Results are of every step: [time, batch, hidden].
  return {results[0].transpose({1, 0, 2}), results[0][-1], results[1][-1]};
}

RecurrentResult gru(Scope s, const Tensor& x, int64_t hidden) {
  LabelScope label(s.path());
  check_rank(x, 3, "gru", s.path());
  check_size(hidden, "hidden", "gru", s.path());
  int64_t inputs = size_of_axis(x, -1, "gru", s.path());
  Initialiser initial = bias_uniform(hidden);
  Tensor from_input = s.parameter("input.weight", {inputs, 3 * hidden}, initial);
  Tensor input_bias = s.parameter("input.bias", {3 * hidden}, initial);
  Tensor from_state = s.parameter("hidden.weight", {hidden, 3 * hidden}, initial);
  Tensor state_bias = s.parameter("hidden.bias", {3 * hidden}, initial);
  Tensor gates = of_every_step(x, from_input) + input_bias;
  Tensor start = zeros(Shape{x.dim(0), hidden}, x.dtype());
  Tensor h = tenon::gru(gates, start, from_state, state_bias);
  return {h.transpose({1, 0, 2}), h[-1], {}};
}

Tensor self_attention(Scope s, const Tensor& x, int64_t heads, const AttentionOptions& options) {
  LabelScope label(s.path());
  check_rank(x, 3, "self_attention", s.path());
  int64_t depth = size_of_axis(x, -1, "self_attention", s.path());
  check_size(heads, "heads", "self_attention", s.path());
  if (depth % heads != 0) {
    fail(ErrorCode::invalid_argument, "self_attention: depth {} does not divide into {} heads ({})",
         depth, heads, s.path());
  }
  Tensor qkv = dense(s / "qkv", x, 3 * depth, {.bias = options.bias});
  // Taken apart by axes, not by ranges of columns: loops over heads then read and write whole rows.
  Shape by_head{x.dim(0), x.dim(1), heads, depth / heads};
  Tensor parts = qkv.reshape(Shape{x.dim(0), x.dim(1), 3, heads, depth / heads});
  auto part = [&](int64_t which) {
    return parts.slice(2, which, which + 1).reshape(by_head).transpose({0, 2, 1, 3});
  };
  Tensor mixed = attention(part(0), part(1), part(2), {}, options.causal);
  return dense(s / "out", mixed.transpose({0, 2, 1, 3}).reshape(x.shape()), depth,
               {.bias = options.bias});
}

namespace {

/// The mean of what labels that are not negative have.
Tensor mean_of_counted(const Tensor& values, const Tensor& labels) {
  Tensor counted = (labels >= 0).cast(values.dtype());
  return sum(values * counted) / maximum(sum(counted), 1.0);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  return mean_of_counted(softmax_cross_entropy(logits, labels), labels);
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target) {
  // A last layer of one unit gives [batch, 1], where targets are often [batch].
  bool one = prediction.rank() == target.rank() + 1 && prediction.dim(-1) == Dim(1);
  return tenon::mean_squared_error(one ? prediction.reshape(target.shape()) : prediction, target);
}

Tensor accuracy(const Tensor& logits, const Tensor& labels) {
  Tensor predicted = argmax(logits, -1, labels.dtype());
  return mean_of_counted((predicted == labels).cast(DType::f32), labels);
}

}  // namespace tenon::nn
