// Ops as functions on tensors. Generated from the registry by `./dev generate`: change the op's
// statement in tenon/ops, not this file. numpy.h has what is spelled as in NumPy, op_functions.h
// what is for those who build on single ops.
//
//   given: Tensor x, scale, offset;
//   Tensor y = layer_norm(gelu(x), scale, offset);
//   Tensor z = softmax(y) * exp(x);
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon {

// elementwise.cpp

/// a - b * truncate(a / b), exactly: with the sign of a, as C's fmod and %. x % 0 is x for
/// integers. ONNX's Mod with fmod = 1.
Tensor fmod(const Tensor& a, const Tensor& b);

/// a - b * floor(a / b): with the sign of b, as in Python and NumPy; x % 0 is x for integers. fmod
/// plus b where the signs differ, rounded once. ONNX's Mod with fmod = 0.
Tensor remainder(const Tensor& a, const Tensor& b);

/// The larger of a and b; NaN if either is. Of bools: whether either is true.
Tensor maximum(const Tensor& a, const Tensor& b);

/// The smaller of a and b; NaN if either is. Of bools: whether each is true.
Tensor minimum(const Tensor& a, const Tensor& b);

/// a to the power b; NaN for a negative a and a b that is no integer. Integers wrap; with a
/// negative b they are 1 / a^-b, truncated toward zero as division is.
Tensor power(const Tensor& a, const Tensor& b);

/// The absolute value; the most negative integer is unchanged.
Tensor abs(const Tensor& x);

/// -1, 0 or 1; NaN for NaN.
Tensor sign(const Tensor& x);

/// The largest integer that is not above x; integers are unchanged.
Tensor floor(const Tensor& x);

/// The smallest integer that is not below x; integers are unchanged.
Tensor ceil(const Tensor& x);

/// The nearest integer; halves go to the even one. Integers are unchanged.
Tensor round(const Tensor& x);

/// e to the power x.
Tensor exp(const Tensor& x);

/// exp(x) - 1, exact near zero.
Tensor expm1(const Tensor& x);

/// The natural logarithm.
Tensor log(const Tensor& x);

/// The logarithm to base 2.
Tensor log2(const Tensor& x);

/// The logarithm to base 10.
Tensor log10(const Tensor& x);

/// log(1 + x), exact near zero.
Tensor log1p(const Tensor& x);

/// The square root.
Tensor sqrt(const Tensor& x);

/// 1 / sqrt(x).
Tensor rsqrt(const Tensor& x);

/// The cube root, of negative numbers too.
Tensor cbrt(const Tensor& x);

/// Sine, in radians; NaN for an f64 beyond 2^50, which is not reduced.
Tensor sin(const Tensor& x);

/// Cosine, in radians; NaN for an f64 beyond 2^50, which is not reduced.
Tensor cos(const Tensor& x);

/// Tangent, in radians; NaN for an f64 beyond 2^50, which is not reduced.
Tensor tan(const Tensor& x);

/// Inverse sine, in [-pi/2, pi/2].
Tensor asin(const Tensor& x);

/// Inverse cosine, in [0, pi].
Tensor acos(const Tensor& x);

/// Inverse tangent, in [-pi/2, pi/2].
Tensor atan(const Tensor& x);

/// The angle of the point (b, a), in [-pi, pi].
Tensor atan2(const Tensor& a, const Tensor& b);

/// Hyperbolic sine.
Tensor sinh(const Tensor& x);

/// Hyperbolic cosine.
Tensor cosh(const Tensor& x);

/// Hyperbolic tangent.
Tensor tanh(const Tensor& x);

/// The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
Tensor erf(const Tensor& x);

/// The distribution function of the standard normal distribution, (1 + erf(x / sqrt(2))) / 2, exact
/// in its lower tail, too.
Tensor normal_cdf(const Tensor& x);

/// The inverse of erf: turns uniform numbers in (-1, 1) into normal ones.
Tensor erf_inv(const Tensor& x);

/// Whether x is neither infinite nor NaN.
Tensor is_finite(const Tensor& x);

/// Whether x is not a number.
Tensor is_nan(const Tensor& x);

// cast.cpp

/// The same bits read as another dtype of the same size.
/// `dtype`: dtype of the result.
Tensor bitcast(const Tensor& x, DType dtype);

/// round(x / scale) + zero_point, limited to the range of zero_point's dtype.
/// `axis`: the axis of scale and zero_point.
Tensor quantize(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis = 0);

/// (x - zero_point) * scale.
/// `axis`: the axis of scale and zero_point.
Tensor dequantize(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis = 0);

// elementary.cpp

/// 2 to the power of x.
Tensor exp2(const Tensor& x);

/// Inverse hyperbolic sine.
Tensor asinh(const Tensor& x);

/// Inverse hyperbolic cosine, not negative; NaN below 1.
Tensor acosh(const Tensor& x);

/// Inverse hyperbolic tangent; infinite at -1 and 1, NaN beyond.
Tensor atanh(const Tensor& x);

/// x log(y), and 0 where x is 0 unless y is NaN. There the derivative by x is log(y), or 0 where y
/// is not positive, as in PyTorch.
Tensor xlogy(const Tensor& a, const Tensor& b);

// structure.cpp

/// The same elements, in row-major order, in another shape.
/// `shape`: of the result; one dimension may be -1: what is left.
Tensor reshape(const Tensor& x, const Shape& shape);

/// Permutes axes: output axis i is input axis order[i].
/// `order`: the input's axes in their new order.
Tensor transpose(const Tensor& x, const Integers& order);

// reduce.cpp

/// The first index of the largest element along an axis; of the first NaN.
/// `axis`: the axis to search.
/// `dtype`: of the index: i32 or i64; i64 where i32 cannot hold every position.
Tensor argmax(const Tensor& x, int64_t axis, DType dtype = DType::i32);

/// The first index of the smallest element along an axis; of the first NaN.
/// `axis`: the axis to search.
/// `dtype`: of the index: i32 or i64; i64 where i32 cannot hold every position.
Tensor argmin(const Tensor& x, int64_t axis, DType dtype = DType::i32);

// sort.cpp

/// The k largest elements of the last axis, the largest first, and their positions (i64). Of equal
/// elements the earlier comes first; NaN is the largest.
/// `k`: how many elements.
std::vector<Tensor> top_k(const Tensor& x, int64_t k);

// random.cpp

/// Sets elements to 0 with probability rate and divides the others by 1 - rate, so that the mean
/// stays (Srivastava et al. 2014). Equal keys drop the same elements.
/// `rate`: probability of 0, in [0, 1].
Tensor dropout(const Tensor& x, const Tensor& key, double rate);

// convolution.cpp

/// Convolution (correlation) of images [batch, spatial…, in] with filters [spatial…, in /
/// groups, out], 1 to 3 spatial axes.
/// `strides`: step of the kernel; default 1.
/// `padding_low`: zeros before each spatial axis; default 0.
/// `padding_high`: zeros after each spatial axis; default 0.
/// `dilation`: distance of neighbours in the kernel; default 1.
/// `groups`: channels are split into this many separate convolutions.
Tensor convolution(const Tensor& x, const Tensor& filters, const Integers& strides = {},
                   const Integers& padding_low = {}, const Integers& padding_high = {},
                   const Integers& dilation = {}, const Shape& groups = Shape{1});

// collective.cpp

/// Combines x over all participants; each gets the result. Participants that share the maximum or
/// minimum share its derivative evenly.
/// `axis_name`: the mapped axis whose participants take part.
/// `kind`: sum, mean, max or min.
/// `size`: how many participate, as a shape of one dimension; a vmap of that name fills it in.
Tensor all_reduce(const Tensor& x, const std::string& axis_name, const std::string& kind = "sum",
                  const Shape& size = Shape{});

/// Joins x of all participants along one axis, in their order; each gets the whole.
/// `axis_name`: the mapped axis whose participants take part.
/// `axis`: of x along which the parts are joined.
/// `size`: how many participate, as a shape of one dimension; a vmap of that name fills it in.
Tensor all_gather(const Tensor& x, const std::string& axis_name, int64_t axis = 0,
                  const Shape& size = Shape{});

/// Sums x over all participants; each gets its part of the sum along one axis.
/// `axis_name`: the mapped axis whose participants take part.
/// `axis`: the axis of x to distribute.
/// `size`: how many participate, as a shape of one dimension; a vmap of that name fills it in.
Tensor reduce_scatter(const Tensor& x, const std::string& axis_name, int64_t axis = 0,
                      const Shape& size = Shape{});

/// Cuts x along split_axis into a part for each participant, and joins the parts received along
/// concat_axis, in the order of their senders.
/// `axis_name`: the mapped axis whose participants take part.
/// `split_axis`: the axis of x to split.
/// `concat_axis`: the axis to join the parts along.
/// `size`: how many participate, as a shape of one dimension; a vmap of that name fills it in.
Tensor all_to_all(const Tensor& x, const std::string& axis_name, int64_t split_axis,
                  int64_t concat_axis, const Shape& size = Shape{});

/// Sends x from participant to participant: by `shift` places round the ring, or as `pairs` say.
/// Who receives nothing gets zeros.
/// `axis_name`: the mapped axis whose participants take part.
/// `shift`: participant i sends to i + shift, modulo the size.
/// `pairs`: source, target, source, target …, in place of the shift.
/// `size`: how many participate, as a shape of one dimension; a vmap of that name fills it in.
Tensor collective_permute(const Tensor& x, const std::string& axis_name, int64_t shift = 0,
                          const Integers& pairs = {}, const Shape& size = Shape{});

/// The participant's number along the axis: 0, 1, 2 …
/// `axis_name`: the mapped axis whose participants take part.
/// `size`: how many participate, as a shape of one dimension; a vmap of that name fills it in.
Tensor axis_index(const std::string& axis_name, const Shape& size = Shape{});

// control.cpp

/// x itself, taken as a constant by derivatives.
Tensor stop_gradient(const Tensor& x);

// activations.cpp

/// max(x, 0).
Tensor relu(const Tensor& x);

/// min(max(x, 0), 6).
Tensor relu6(const Tensor& x);

/// x where x > 0, else slope * x.
/// `slope`: slope for negative x.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);

/// x where x > 0, else alpha * (exp(x) - 1).
/// `alpha`: limit for very negative x is -alpha.
Tensor elu(const Tensor& x, double alpha = 1.0);

/// The self-normalising ELU: 1.0507 * (x where x > 0, else 1.6733 * (exp(x) - 1)).
Tensor selu(const Tensor& x);

/// log(1 + exp(x)), without overflow.
Tensor softplus(const Tensor& x);

/// log(1 / (1 + exp(-x))), without underflow.
Tensor log_sigmoid(const Tensor& x);

/// x / (1 + |x|).
Tensor softsign(const Tensor& x);

/// x times the normal distribution function at x (exact; not by tanh).
Tensor gelu(const Tensor& x);

/// GELU by the approximation with tanh that GPT-2 uses.
Tensor gelu_tanh(const Tensor& x);

/// x * logistic(x), also known as swish; 0 for minus infinity.
Tensor silu(const Tensor& x);

/// x * tanh(softplus(x)).
Tensor mish(const Tensor& x);

/// x / 6 + 1/2, clipped to [0, 1]: min(max(x + 3, 0), 6) / 6.
Tensor hard_sigmoid(const Tensor& x);

/// x * hard_sigmoid(x).
Tensor hard_swish(const Tensor& x);

/// x clipped to [-1, 1].
Tensor hard_tanh(const Tensor& x);

// softmax.cpp

/// exp(x) divided by its sum along an axis, without overflow.
/// `axis`: the axis that sums to 1.
Tensor softmax(const Tensor& x, int64_t axis = -1);

/// The logarithm of softmax, exact where softmax underflows.
/// `axis`: the axis whose exponentials sum to 1.
Tensor log_softmax(const Tensor& x, int64_t axis = -1);

/// log(sum(exp(x))) over some axes, without overflow.
/// `axes`: the axes summed over.
/// `keep`: keep the axes with size 1.
Tensor log_sum_exp(const Tensor& x, const Integers& axes = {-1}, bool keep = false);

// normalisation.cpp

/// (x - mean) / sqrt(variance + epsilon) with mean and variance over some axes; x / sqrt(mean
/// square + epsilon) where it is not centred.
/// `axes`: axes of the statistics.
/// `epsilon`: added to the variance.
/// `centred`: whether the mean is subtracted.
Tensor standardize(const Tensor& x, const Integers& axes = {-1}, double epsilon = 1e-05,
                   bool centred = true);

/// standardize over some axes, then times scale plus bias (Ba et al. 2016).
/// `axes`: axes of the statistics.
/// `epsilon`: added to the variance.
Tensor layer_norm(const Tensor& x, const Tensor& scale = {}, const Tensor& bias = {},
                  const Integers& axes = {-1}, double epsilon = 1e-05);

/// x divided by its root mean square over some axes, times scale (Zhang and Sennrich 2019).
/// `axes`: axes of the mean.
/// `epsilon`: added to the mean square.
Tensor rms_norm(const Tensor& x, const Tensor& scale = {}, const Integers& axes = {-1},
                double epsilon = 1e-06);

/// standardize over space and groups of channels of [batch, …, channels], then times scale plus
/// bias by channel (Wu and He 2018).
/// `groups`: number of groups of channels.
/// `epsilon`: added to the variance.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& scale = {},
                  const Tensor& bias = {}, double epsilon = 1e-05);

/// standardize over the space of [batch, …, channels], then times scale plus bias by channel
/// (Ulyanov et al. 2016).
/// `epsilon`: added to the variance.
Tensor instance_norm(const Tensor& x, const Tensor& scale = {}, const Tensor& bias = {},
                     double epsilon = 1e-05);

// batch_norm.cpp

/// Batch normalisation in training: standardizes each channel over all other axes, then times scale
/// plus bias. Returns y, and the mean and the (biased) variance of each channel for the running
/// averages (Ioffe and Szegedy 2015).
/// `axis`: the channel axis.
/// `epsilon`: added to the variance.
std::vector<Tensor> batch_norm(const Tensor& x, const Tensor& scale, const Tensor& bias,
                               int64_t axis = -1, double epsilon = 1e-05);

/// Batch normalisation with given mean and variance: one multiply and one add per element.
/// `axis`: the channel axis.
/// `epsilon`: added to the variance.
Tensor batch_norm_inference(const Tensor& x, const Tensor& scale, const Tensor& bias,
                            const Tensor& mean, const Tensor& variance, int64_t axis = -1,
                            double epsilon = 1e-05);

// losses.cpp

/// Cross entropy of integer labels under softmax(logits), one loss per row: log(sum(exp(logits))) -
/// logits[label]. Rows with a negative label have loss 0 and no gradient.
/// `label_smoothing`: share of the target spread evenly over all classes.
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels,
                             double label_smoothing = 0.0);

/// Cross entropy of target probabilities under softmax(logits), one loss per row: -sum(targets *
/// log_softmax(logits)), where a target of 0 times a logarithm of -inf is 0.
Tensor softmax_cross_entropy_with_probabilities(const Tensor& logits, const Tensor& targets);

/// -(target * log(p) + (1 - target) * log(1 - p)) with p = logistic(logit), without overflow; one
/// loss per element.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets);

/// (prediction - target)^2, one loss per element.
Tensor squared_error(const Tensor& prediction, const Tensor& target);

/// |prediction - target|, one loss per element.
Tensor absolute_error(const Tensor& prediction, const Tensor& target);

/// Half the squared error up to delta, linear beyond (Huber 1964); one loss per element.
/// `delta`: where the loss becomes linear.
Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta = 1.0);

/// max(0, 1 - target * prediction) with targets -1 and 1; one loss per element.
Tensor hinge_loss(const Tensor& prediction, const Tensor& target);

/// target * (log(target) - log_probability), one term per element; 0 where the target is 0. Its sum
/// over classes is the Kullback-Leibler divergence.
Tensor kl_divergence(const Tensor& log_probability, const Tensor& target);

/// The mean of (prediction - target)^2 over all elements.
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target);

/// The mean of |prediction - target| over all elements.
Tensor mean_absolute_error(const Tensor& prediction, const Tensor& target);

// pooling.cpp

/// The largest element in each window of the spatial axes.
/// `window`: size of the window.
/// `strides`: step of the window; default its size.
/// `padding_low`: before each axis; default 0.
/// `padding_high`: after each axis; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor max_pool(const Tensor& x, const Integers& window, const Integers& strides = {},
                const Integers& padding_low = {}, const Integers& padding_high = {},
                const Integers& dilation = {});

/// The mean of each window of the spatial axes.
/// `window`: size of the window.
/// `strides`: step of the window; default its size.
/// `padding_low`: before each axis; default 0.
/// `padding_high`: after each axis; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
/// `count_include_padding`: whether the padding counts as zeros, or not at all.
Tensor average_pool(const Tensor& x, const Integers& window, const Integers& strides = {},
                    const Integers& padding_low = {}, const Integers& padding_high = {},
                    const Integers& dilation = {}, bool count_include_padding = true);

/// The mean of as many equal windows as the result has positions, whatever the input's size.
/// `output`: spatial dimensions of the result.
Tensor adaptive_average_pool(const Tensor& x, const Integers& output);

/// The maximum of as many equal windows as the result has positions, whatever the input's size.
/// `output`: spatial dimensions of the result.
Tensor adaptive_max_pool(const Tensor& x, const Integers& output);

/// The mean over all spatial axes: [batch, channels].
/// `keep`: keep the spatial axes with size 1.
Tensor global_average_pool(const Tensor& x, bool keep = false);

/// The maximum over all spatial axes: [batch, channels].
/// `keep`: keep the spatial axes with size 1.
Tensor global_max_pool(const Tensor& x, bool keep = false);

// attention.cpp

/// softmax(q · k * scale + mask) · v over [batch, heads, time, depth] (Vaswani et al. 2017). A
/// bool mask says what may be looked at; a floating one is added. With causal, the last query sees
/// the last key and each one before it one key less. A query that may look at nothing gives 0.
/// `causal`: hide later keys.
/// `scale`: of the scores; 0: 1 / sqrt(depth).
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask = {},
                 bool causal = false, double scale = 0.0);

// embedding.cpp

/// Rows of a table [tokens, depth] by their numbers: ids' shape, then depth. A number out of range
/// gives zeros.
Tensor embedding(const Tensor& table, const Tensor& ids);

/// Turns the pairs (x[i], x[i + depth / 2]) of [..., time, depth] by angles position * base^(-2 i /
/// depth) (Su et al. 2021).
/// `base`: wavelengths grow up to this times 2 pi.
Tensor rotary_embedding(const Tensor& x, const Tensor& positions, double base = 10000.0);

// recurrent.cpp

/// One step of an LSTM from the sums that enter its gates, [batch, 4 * hidden] in the order i, f,
/// g, o, and the cell state c. Returns the next h and c.
std::vector<Tensor> lstm_cell(const Tensor& gates, const Tensor& c);

/// An LSTM over [time, batch, …]. gates: what the gates (i, f, g, o) get from the inputs, dot(x,
/// w_input) + bias, [time, batch, 4 * hidden]; h, c: the first states; weights: from h to the
/// gates, [hidden, 4 * hidden]. Returns h, c and the activated gates of every step.
std::vector<Tensor> lstm(const Tensor& gates, const Tensor& h, const Tensor& c,
                         const Tensor& weights);

/// One step of a GRU from the sums that enter its gates, [batch, 3 * hidden] in the order r, z, n:
/// from the inputs and from the state, biases included. Returns the next h.
Tensor gru_cell(const Tensor& from_input, const Tensor& from_state, const Tensor& h);

/// A GRU over [time, batch, …]. gates: what the gates (r, z, n) get from the inputs, dot(x,
/// w_input) + bias, [time, batch, 3 * hidden]; h: the first state; weights and bias: from h to the
/// gates, [hidden, 3 * hidden] and [3 * hidden]. Returns h of every step.
Tensor gru(const Tensor& gates, const Tensor& h, const Tensor& weights, const Tensor& bias);

}  // namespace tenon
