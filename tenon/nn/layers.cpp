#include "tenon/nn/layers.h"

#include <numeric>
#include <span>

#include "tenon/base/error.h"
#include "tenon/nn/as_index.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"

namespace tenon::nn {

namespace {

/// A layer's path as errors show it.
std::string where(const std::string& path) { return path.empty() ? "the model itself" : path; }

std::vector<int64_t> or_ones(const std::vector<int64_t>& values, size_t count) {
  return values.empty() ? std::vector<int64_t>(count, 1) : values;
}

/// The size of the last axis, which parameters need as a number.
int64_t last_size(const Tensor& x, std::string_view layer, const std::string& path) {
  const Dim& dim = x.dim(-1);
  if (dim.is_constant()) return dim.constant();
  throw make_error(ErrorCode::shape_mismatch,
                   "{}: the last dimension of the input is the symbol '{}'", layer, dim.to_string())
      .note("input {}  {}", x.type().to_string(), where(path))
      .note("hint: parameters need a number here");
}

Error wrong_rank(const Tensor& x, size_t wanted, std::string_view layer, const std::string& path) {
  Error error = make_error(ErrorCode::shape_mismatch, "{}: the input has {} dimensions, not {}",
                           layer, x.rank(), wanted);
  error.note("input {}  {}", x.type().to_string(), where(path));
  if (x.rank() + 1 == wanted)
    error.note("hint: the first axis is the batch; inside vmap add one with expand_dims(x, 0)");
  return error;
}

void check_rank(const Tensor& x, size_t wanted, std::string_view layer, const std::string& path) {
  if (x.rank() != wanted) throw wrong_rank(x, wanted, layer, path);
}

void check_size(int64_t size, std::string_view what, std::string_view layer,
                const std::string& path) {
  if (size >= 1) return;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be at least 1 ({})", layer, what, size,
       where(path));
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
  int64_t inputs = last_size(x, "dense", s.path());
  Tensor weight = s.parameter("weight", {inputs, units}, options.weight);
  Tensor y = matmul(x, weight);
  if (!options.bias) return y;
  return y + s.parameter("bias", {units},
                         options.bias_initial ? options.bias_initial : bias_uniform(inputs));
}

namespace {

/// Zeros before and after one axis.
struct Margins {
  Dim low = 0, high = 0;
};

/// What leaves as many results as strides fit into the input, however far each reaches. A size that
/// is a symbol and may have any remainder gives margins that are symbolic.
Margins same_margins(const Dim& size, int64_t reach, int64_t stride, const std::string& path) {
  // The last stride begins `used` elements before the end.
  Dim used = size - Dim(stride) * Dim::floor_div(size - 1, stride);
  Dim total = Dim(reach) - used;
  if (total.is_constant()) {
    total = std::max<int64_t>(0, total.constant());
  } else if (reach == 1) {
    total = 0;
  } else if (reach < stride) {
    throw make_error(ErrorCode::shape_mismatch,
                     "conv: padding \"same\" for a kernel that reaches {} in strides of {} needs "
                     "numbers, not the size {}",
                     reach, stride, size.to_string())
        .note("hint: padding \"valid\", or pad the input by yourself ({})", where(path));
  }
  Dim low = Dim::floor_div(total, 2);
  return {low, total - low};
}

void check_conv_input(const Tensor& x, const ConvOptions& options, const std::string& path) {
  size_t spatial = options.kernel.size();
  if (x.rank() == spatial + 2) return;
  throw wrong_rank(x, spatial + 2, "conv", path)
      .note("a kernel of {} sizes takes [batch, {} spatial axes, channels]", spatial, spatial);
}

}  // namespace

Tensor conv(Scope s, const Tensor& input, const ConvOptions& options) {
  LabelScope label(s.path());
  check_size(options.filters, "filters", "conv", s.path());
  for (int64_t size : options.kernel) check_size(size, "kernel", "conv", s.path());
  Tensor x = input;
  size_t spatial = options.kernel.size();
  check_conv_input(x, options, s.path());
  int64_t inputs = last_size(x, "conv", s.path());
  if (options.groups < 1 || inputs % options.groups != 0 || options.filters % options.groups != 0) {
    fail(ErrorCode::invalid_argument,
         "conv: {} input channels and {} filters do not divide into {} groups ({})", inputs,
         options.filters, options.groups, where(s.path()));
  }
  std::vector<int64_t> stride = or_ones(options.stride, spatial);
  std::vector<int64_t> dilation = or_ones(options.dilation, spatial);
  std::vector<int64_t> low(spatial, 0);
  std::vector<int64_t> high(spatial, 0);
  if (!options.pad.empty()) {
    low = high = options.pad;
  } else if (options.padding == "same") {
    // The op's own padding is numbers; symbolic margins are padded before.
    Shape before(std::vector<Dim>(x.rank(), 0)), after = before;
    bool is_symbolic = false;
    for (size_t i = 0; i < spatial; ++i) {
      int64_t reach = (options.kernel[i] - 1) * dilation[i] + 1;
      Margins margins = same_margins(x.shape()[i + 1], reach, stride[i], s.path());
      if (margins.low.is_constant() && margins.high.is_constant()) {
        low[i] = margins.low.constant();
        high[i] = margins.high.constant();
      } else {
        is_symbolic = true;
        before[i + 1] = margins.low;
        after[i + 1] = margins.high;
      }
    }
    if (is_symbolic) x = ops::pad(x, full({}, 0, x.dtype()), before, after, Integers(x.rank(), 0));
  } else if (options.padding != "valid") {
    fail(ErrorCode::invalid_argument, "conv: padding is \"same\" or \"valid\", not \"{}\" ({})",
         options.padding, where(s.path()));
  }
  Shape shape;
  for (int64_t size : options.kernel) shape.push_back(size);
  shape.push_back(inputs / options.groups);
  shape.push_back(options.filters);
  Tensor weight = s.parameter("weight", shape, options.weight);
  DType dtype = promote(x.dtype(), weight.dtype());
  Tensor y = convolution(x.cast(dtype), weight.cast(dtype), stride, low, high, dilation,
                         Shape{options.groups});
  if (!options.bias) return y;
  int64_t fan_in = std::accumulate(options.kernel.begin(), options.kernel.end(),
                                   inputs / options.groups, std::multiplies<>());
  return y + s.parameter("bias", {options.filters}, bias_uniform(fan_in));
}

Tensor batch_norm(Scope s, const Tensor& x, const NormOptions& options) {
  LabelScope label(s.path());
  int64_t channels = last_size(x, "batch_norm", s.path());
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
  int64_t size = last_size(x, "layer_norm", s.path());
  Tensor scale = s.parameter("weight", {size}, ones());
  Tensor bias = s.parameter("bias", {size}, zeros());
  return tenon::layer_norm(x, scale, bias, {-1}, options.epsilon);
}

Tensor rms_norm(Scope s, const Tensor& x, double epsilon) {
  LabelScope label(s.path());
  int64_t size = last_size(x, "rms_norm", s.path());
  return tenon::rms_norm(x, s.parameter("weight", {size}, ones()), {-1}, epsilon);
}

Tensor group_norm(Scope s, const Tensor& x, int64_t groups, double epsilon) {
  LabelScope label(s.path());
  int64_t channels = last_size(x, "group_norm", s.path());
  Tensor scale = s.parameter("weight", {channels}, ones());
  Tensor bias = s.parameter("bias", {channels}, zeros());
  return tenon::group_norm(x, groups, scale, bias, epsilon);
}

Tensor embedding(Scope s, const Tensor& ids, int64_t tokens, int64_t depth,
                 const Initialiser& initial) {
  LabelScope label(s.path());
  check_size(tokens, "tokens", "embedding", s.path());
  check_size(depth, "depth", "embedding", s.path());
  return tenon::embedding(s.parameter("weight", {tokens, depth}, initial), as_index(ids));
}

Tensor dropout(Scope s, const Tensor& x, double rate) {
  if (!(rate >= 0 && rate <= 1)) {
    fail(ErrorCode::invalid_argument, "dropout: rate {} is not in [0, 1] ({})", rate,
         where(s.path()));
  }
  if (!s.training() || rate == 0) return x;
  LabelScope label(s.path());
  return tenon::dropout(x, s.key(), rate);
}

namespace {

/// x [batch, time, inputs] by weight, [time, batch, …]: one product over all steps.
Tensor of_every_step(const Tensor& x, const Tensor& weight) {
  return matmul(x.transpose({1, 0, 2}), weight);
}

}  // namespace

RecurrentResult lstm(Scope s, const Tensor& x, int64_t hidden) {
  LabelScope label(s.path());
  check_rank(x, 3, "lstm", s.path());
  check_size(hidden, "hidden", "lstm", s.path());
  int64_t inputs = last_size(x, "lstm", s.path());
  Initialiser initial = bias_uniform(hidden);
  Tensor from_input = s.parameter("input.weight", {inputs, 4 * hidden}, initial);
  Tensor from_state = s.parameter("hidden.weight", {hidden, 4 * hidden}, initial);
  Tensor bias = s.parameter("bias", {4 * hidden}, initial);
  Tensor gates = of_every_step(x, from_input) + bias;
  Tensor start = zeros(Shape{x.dim(0), hidden}, gates.dtype());
  std::vector<Tensor> results = tenon::lstm(gates, start, start, from_state.cast(gates.dtype()));
  // Results are of every step: [time, batch, hidden].
  return {results[0].transpose({1, 0, 2}), results[0][-1], results[1][-1]};
}

RecurrentResult gru(Scope s, const Tensor& x, int64_t hidden) {
  LabelScope label(s.path());
  check_rank(x, 3, "gru", s.path());
  check_size(hidden, "hidden", "gru", s.path());
  int64_t inputs = last_size(x, "gru", s.path());
  Initialiser initial = bias_uniform(hidden);
  Tensor from_input = s.parameter("input.weight", {inputs, 3 * hidden}, initial);
  Tensor input_bias = s.parameter("input.bias", {3 * hidden}, initial);
  Tensor from_state = s.parameter("hidden.weight", {hidden, 3 * hidden}, initial);
  Tensor state_bias = s.parameter("hidden.bias", {3 * hidden}, initial);
  Tensor gates = of_every_step(x, from_input) + input_bias;
  Tensor start = zeros(Shape{x.dim(0), hidden}, gates.dtype());
  Tensor h =
      tenon::gru(gates, start, from_state.cast(gates.dtype()), state_bias.cast(gates.dtype()));
  return {h.transpose({1, 0, 2}), h[-1], {}};
}

Tensor self_attention(Scope s, const Tensor& x, int64_t heads, const AttentionOptions& options) {
  LabelScope label(s.path());
  check_rank(x, 3, "self_attention", s.path());
  int64_t depth = last_size(x, "self_attention", s.path());
  check_size(heads, "heads", "self_attention", s.path());
  if (depth % heads != 0) {
    fail(ErrorCode::invalid_argument, "self_attention: depth {} does not divide into {} heads ({})",
         depth, heads, where(s.path()));
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

}  // namespace tenon::nn
