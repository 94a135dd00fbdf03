// Generated from the registry by `./dev generate`.
#include "tenon/tensor/functions.h"

#include <array>

#include "tenon/ops/known_op.h"

namespace tenon {

namespace {

std::vector<Tensor> with_rest(std::vector<Tensor> inputs, std::span<const Tensor> rest) {
  inputs.insert(inputs.end(), rest.begin(), rest.end());
  return inputs;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("add");
  return apply(op.get(), {a, b});
}

Tensor subtract(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("subtract");
  return apply(op.get(), {a, b});
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("multiply");
  return apply(op.get(), {a, b});
}

Tensor divide(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("divide");
  return apply(op.get(), {a, b});
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("fmod");
  return apply(op.get(), {a, b});
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("remainder");
  return apply(op.get(), {a, b});
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("maximum");
  return apply(op.get(), {a, b});
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("minimum");
  return apply(op.get(), {a, b});
}

Tensor power(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("power");
  return apply(op.get(), {a, b});
}

Tensor negate(const Tensor& x) {
  static constinit KnownOp op("negate");
  return apply(op.get(), {x});
}

Tensor abs(const Tensor& x) {
  static constinit KnownOp op("abs");
  return apply(op.get(), {x});
}

Tensor sign(const Tensor& x) {
  static constinit KnownOp op("sign");
  return apply(op.get(), {x});
}

Tensor floor(const Tensor& x) {
  static constinit KnownOp op("floor");
  return apply(op.get(), {x});
}

Tensor ceil(const Tensor& x) {
  static constinit KnownOp op("ceil");
  return apply(op.get(), {x});
}

Tensor round(const Tensor& x) {
  static constinit KnownOp op("round");
  return apply(op.get(), {x});
}

Tensor exp(const Tensor& x) {
  static constinit KnownOp op("exp");
  return apply(op.get(), {x});
}

Tensor expm1(const Tensor& x) {
  static constinit KnownOp op("expm1");
  return apply(op.get(), {x});
}

Tensor log(const Tensor& x) {
  static constinit KnownOp op("log");
  return apply(op.get(), {x});
}

Tensor log2(const Tensor& x) {
  static constinit KnownOp op("log2");
  return apply(op.get(), {x});
}

Tensor log10(const Tensor& x) {
  static constinit KnownOp op("log10");
  return apply(op.get(), {x});
}

Tensor log1p(const Tensor& x) {
  static constinit KnownOp op("log1p");
  return apply(op.get(), {x});
}

Tensor sqrt(const Tensor& x) {
  static constinit KnownOp op("sqrt");
  return apply(op.get(), {x});
}

Tensor rsqrt(const Tensor& x) {
  static constinit KnownOp op("rsqrt");
  return apply(op.get(), {x});
}

Tensor cbrt(const Tensor& x) {
  static constinit KnownOp op("cbrt");
  return apply(op.get(), {x});
}

Tensor sin(const Tensor& x) {
  static constinit KnownOp op("sin");
  return apply(op.get(), {x});
}

Tensor cos(const Tensor& x) {
  static constinit KnownOp op("cos");
  return apply(op.get(), {x});
}

Tensor tan(const Tensor& x) {
  static constinit KnownOp op("tan");
  return apply(op.get(), {x});
}

Tensor asin(const Tensor& x) {
  static constinit KnownOp op("asin");
  return apply(op.get(), {x});
}

Tensor acos(const Tensor& x) {
  static constinit KnownOp op("acos");
  return apply(op.get(), {x});
}

Tensor atan(const Tensor& x) {
  static constinit KnownOp op("atan");
  return apply(op.get(), {x});
}

Tensor atan2(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("atan2");
  return apply(op.get(), {a, b});
}

Tensor sinh(const Tensor& x) {
  static constinit KnownOp op("sinh");
  return apply(op.get(), {x});
}

Tensor cosh(const Tensor& x) {
  static constinit KnownOp op("cosh");
  return apply(op.get(), {x});
}

Tensor tanh(const Tensor& x) {
  static constinit KnownOp op("tanh");
  return apply(op.get(), {x});
}

Tensor logistic(const Tensor& x) {
  static constinit KnownOp op("logistic");
  return apply(op.get(), {x});
}

Tensor erf(const Tensor& x) {
  static constinit KnownOp op("erf");
  return apply(op.get(), {x});
}

Tensor erf_inv(const Tensor& x) {
  static constinit KnownOp op("erf_inv");
  return apply(op.get(), {x});
}

Tensor is_finite(const Tensor& x) {
  static constinit KnownOp op("is_finite");
  return apply(op.get(), {x});
}

Tensor is_nan(const Tensor& x) {
  static constinit KnownOp op("is_nan");
  return apply(op.get(), {x});
}

Tensor equal(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("equal");
  return apply(op.get(), {a, b});
}

Tensor not_equal(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("not_equal");
  return apply(op.get(), {a, b});
}

Tensor less(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("less");
  return apply(op.get(), {a, b});
}

Tensor less_equal(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("less_equal");
  return apply(op.get(), {a, b});
}

Tensor greater(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("greater");
  return apply(op.get(), {a, b});
}

Tensor greater_equal(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("greater_equal");
  return apply(op.get(), {a, b});
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("logical_and");
  return apply(op.get(), {a, b});
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("logical_or");
  return apply(op.get(), {a, b});
}

Tensor logical_xor(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("logical_xor");
  return apply(op.get(), {a, b});
}

Tensor logical_not(const Tensor& x) {
  static constinit KnownOp op("logical_not");
  return apply(op.get(), {x});
}

Tensor shift_left(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("shift_left");
  return apply(op.get(), {a, b});
}

Tensor shift_right_logical(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("shift_right_logical");
  return apply(op.get(), {a, b});
}

Tensor shift_right_arithmetic(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("shift_right_arithmetic");
  return apply(op.get(), {a, b});
}

Tensor select(const Tensor& predicate, const Tensor& on_true, const Tensor& on_false) {
  static constinit KnownOp op("select");
  return apply(op.get(), {predicate, on_true, on_false});
}

Tensor clamp(const Tensor& low, const Tensor& x, const Tensor& high) {
  static constinit KnownOp op("clamp");
  return apply(op.get(), {low, x, high});
}

Tensor cast(const Tensor& x, DType dtype) {
  static constinit KnownOp op("cast");
  return apply(op.get(), {x}, {{"dtype", dtype}});
}

Tensor bitcast(const Tensor& x, DType dtype) {
  static constinit KnownOp op("bitcast");
  return apply(op.get(), {x}, {{"dtype", dtype}});
}

Tensor quantize(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis) {
  static constinit KnownOp op("quantize");
  return apply(op.get(), {x, scale, zero_point}, {{"axis", axis}});
}

Tensor dequantize(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis) {
  static constinit KnownOp op("dequantize");
  return apply(op.get(), {x, scale, zero_point}, {{"axis", axis}});
}

Tensor exp2(const Tensor& x) {
  static constinit KnownOp op("exp2");
  return apply(op.get(), {x});
}

Tensor asinh(const Tensor& x) {
  static constinit KnownOp op("asinh");
  return apply(op.get(), {x});
}

Tensor acosh(const Tensor& x) {
  static constinit KnownOp op("acosh");
  return apply(op.get(), {x});
}

Tensor atanh(const Tensor& x) {
  static constinit KnownOp op("atanh");
  return apply(op.get(), {x});
}

Tensor xlogy(const Tensor& a, const Tensor& b) {
  static constinit KnownOp op("xlogy");
  return apply(op.get(), {a, b});
}

Tensor iota(DType dtype, const Shape& shape, int64_t axis) {
  static constinit KnownOp op("iota");
  return apply(op.get(), std::span<const Tensor>(),
               {{"dtype", dtype}, {"shape", shape}, {"axis", axis}});
}

Tensor broadcast(const Tensor& x, const Shape& shape, const Integers& dims) {
  static constinit KnownOp op("broadcast");
  return apply(op.get(), {x}, {{"shape", shape}, {"dims", dims}});
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  static constinit KnownOp op("reshape");
  return apply(op.get(), {x}, {{"shape", shape}});
}

Tensor transpose(const Tensor& x, const Integers& order) {
  static constinit KnownOp op("transpose");
  return apply(op.get(), {x}, {{"order", order}});
}

Tensor reverse(const Tensor& x, const Integers& axes) {
  static constinit KnownOp op("reverse");
  return apply(op.get(), {x}, {{"axes", axes}});
}

Tensor concatenate(std::span<const Tensor> parts, int64_t axis) {
  static constinit KnownOp op("concatenate");
  return apply(op.get(), parts, {{"axis", axis}});
}

Tensor slice(const Tensor& x, const Shape& start, const Shape& limit, const Integers& stride) {
  static constinit KnownOp op("slice");
  return apply(op.get(), {x}, {{"start", start}, {"limit", limit}, {"stride", stride}});
}

Tensor pad(const Tensor& x, const Tensor& value, const Shape& low, const Shape& high,
           const Integers& interior) {
  static constinit KnownOp op("pad");
  return apply(op.get(), {x, value}, {{"low", low}, {"high", high}, {"interior", interior}});
}

Tensor dynamic_slice(const Tensor& x, std::span<const Tensor> starts, const Shape& sizes) {
  static constinit KnownOp op("dynamic_slice");
  return apply(op.get(), with_rest({x}, starts), {{"sizes", sizes}});
}

Tensor dynamic_update_slice(const Tensor& x, const Tensor& update, std::span<const Tensor> starts) {
  static constinit KnownOp op("dynamic_update_slice");
  return apply(op.get(), with_rest({x, update}, starts));
}

Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis, int64_t batch_dims) {
  static constinit KnownOp op("gather");
  return apply(op.get(), {x, indices}, {{"axis", axis}, {"batch_dims", batch_dims}});
}

Tensor scatter(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis,
               int64_t batch_dims, const std::string& mode) {
  static constinit KnownOp op("scatter");
  return apply(op.get(), {x, indices, updates},
               {{"axis", axis}, {"batch_dims", batch_dims}, {"mode", mode}});
}

Tensor check_indices(const Tensor& indices, const Shape& size, int64_t low, int64_t axis,
                     const std::string& by, const std::string& of, bool from_end) {
  static constinit KnownOp op("check_indices");
  return apply(op.get(), {indices},
               {{"size", size},
                {"low", low},
                {"axis", axis},
                {"by", by},
                {"of", of},
                {"from_end", from_end}});
}

Tensor reduce_sum(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("reduce_sum");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_product(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("reduce_product");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_max(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("reduce_max");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_min(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("reduce_min");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_and(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("reduce_and");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_or(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("reduce_or");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor argmax(const Tensor& x, int64_t axis, DType dtype) {
  static constinit KnownOp op("argmax");
  return apply(op.get(), {x}, {{"axis", axis}, {"dtype", dtype}});
}

Tensor argmin(const Tensor& x, int64_t axis, DType dtype) {
  static constinit KnownOp op("argmin");
  return apply(op.get(), {x}, {{"axis", axis}, {"dtype", dtype}});
}

Tensor cumulative_sum(const Tensor& x, int64_t axis, bool reverse, bool exclusive) {
  static constinit KnownOp op("cumulative_sum");
  return apply(op.get(), {x}, {{"axis", axis}, {"reverse", reverse}, {"exclusive", exclusive}});
}

Tensor cumulative_product(const Tensor& x, int64_t axis, bool reverse, bool exclusive) {
  static constinit KnownOp op("cumulative_product");
  return apply(op.get(), {x}, {{"axis", axis}, {"reverse", reverse}, {"exclusive", exclusive}});
}

Tensor cumulative_max(const Tensor& x, int64_t axis, bool reverse) {
  static constinit KnownOp op("cumulative_max");
  return apply(op.get(), {x}, {{"axis", axis}, {"reverse", reverse}});
}

Tensor cumulative_min(const Tensor& x, int64_t axis, bool reverse) {
  static constinit KnownOp op("cumulative_min");
  return apply(op.get(), {x}, {{"axis", axis}, {"reverse", reverse}});
}

Tensor linear_recurrence(const Tensor& a, const Tensor& b, int64_t axis, bool reverse) {
  static constinit KnownOp op("linear_recurrence");
  return apply(op.get(), {a, b}, {{"axis", axis}, {"reverse", reverse}});
}

std::vector<Tensor> sort(const Tensor& keys, std::span<const Tensor> values, int64_t axis,
                         bool descending) {
  static constinit KnownOp op("sort");
  return apply_multi(op.get(), with_rest({keys}, values),
                     {{"axis", axis}, {"descending", descending}});
}

std::vector<Tensor> top_k(const Tensor& x, int64_t k) {
  static constinit KnownOp op("top_k");
  return apply_multi(op.get(), std::array{x}, {{"k", k}});
}

Tensor search_sorted(const Tensor& sorted, const Tensor& values, bool right, int64_t batch_dims,
                     DType dtype) {
  static constinit KnownOp op("search_sorted");
  return apply(op.get(), {sorted, values},
               {{"right", right}, {"batch_dims", batch_dims}, {"dtype", dtype}});
}

Tensor random_bits(const Tensor& key, const Shape& shape) {
  static constinit KnownOp op("random_bits");
  return apply(op.get(), {key}, {{"shape", shape}});
}

Tensor dropout(const Tensor& x, const Tensor& key, double rate) {
  static constinit KnownOp op("dropout");
  return apply(op.get(), {x, key}, {{"rate", rate}});
}

Tensor dot(const Tensor& lhs, const Tensor& rhs, const Integers& lhs_contract,
           const Integers& rhs_contract, const Integers& lhs_batch, const Integers& rhs_batch) {
  static constinit KnownOp op("dot");
  return apply(op.get(), {lhs, rhs},
               {{"lhs_contract", lhs_contract},
                {"rhs_contract", rhs_contract},
                {"lhs_batch", lhs_batch},
                {"rhs_batch", rhs_batch}});
}

Tensor convolution(const Tensor& x, const Tensor& filters, const Integers& strides,
                   const Integers& padding_low, const Integers& padding_high,
                   const Integers& dilation, const Shape& groups) {
  static constinit KnownOp op("convolution");
  return apply(op.get(), {x, filters},
               {{"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation},
                {"groups", groups}});
}

Tensor convolution_input_gradient(const Tensor& dy, const Tensor& filters, const Shape& input_shape,
                                  const Integers& strides, const Integers& padding_low,
                                  const Integers& padding_high, const Integers& dilation,
                                  const Shape& groups) {
  static constinit KnownOp op("convolution_input_gradient");
  return apply(op.get(), {dy, filters},
               {{"input_shape", input_shape},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation},
                {"groups", groups}});
}

Tensor convolution_filter_gradient(const Tensor& x, const Tensor& dy, const Integers& kernel_shape,
                                   const Integers& strides, const Integers& padding_low,
                                   const Integers& padding_high, const Integers& dilation,
                                   const Shape& groups) {
  static constinit KnownOp op("convolution_filter_gradient");
  return apply(op.get(), {x, dy},
               {{"kernel_shape", kernel_shape},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation},
                {"groups", groups}});
}

Tensor window_sum(const Tensor& x, const Integers& window, const Integers& strides,
                  const Integers& padding_low, const Integers& padding_high,
                  const Integers& dilation) {
  static constinit KnownOp op("window_sum");
  return apply(op.get(), {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_sum_transpose(const Tensor& dy, const Integers& window, const Shape& input_shape,
                            const Integers& strides, const Integers& padding_low,
                            const Integers& padding_high, const Integers& dilation) {
  static constinit KnownOp op("window_sum_transpose");
  return apply(op.get(), {dy},
               {{"window", window},
                {"input_shape", input_shape},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_max(const Tensor& x, const Integers& window, const Integers& strides,
                  const Integers& padding_low, const Integers& padding_high,
                  const Integers& dilation) {
  static constinit KnownOp op("window_max");
  return apply(op.get(), {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_find(const Tensor& x, const Tensor& value, const Integers& window,
                   const Integers& strides, const Integers& padding_low,
                   const Integers& padding_high, const Integers& dilation) {
  static constinit KnownOp op("window_find");
  return apply(op.get(), {x, value},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_take(const Tensor& t, const Tensor& place, const Integers& window,
                   const Integers& strides, const Integers& padding_low,
                   const Integers& padding_high, const Integers& dilation) {
  static constinit KnownOp op("window_take");
  return apply(op.get(), {t, place},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_place(const Tensor& dy, const Tensor& place, const Integers& window,
                    const Shape& input_shape, const Integers& strides, const Integers& padding_low,
                    const Integers& padding_high, const Integers& dilation) {
  static constinit KnownOp op("window_place");
  return apply(op.get(), {dy, place},
               {{"window", window},
                {"input_shape", input_shape},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor all_reduce(const Tensor& x, const std::string& axis_name, const std::string& kind,
                  const Shape& size) {
  static constinit KnownOp op("all_reduce");
  return apply(op.get(), {x}, {{"axis_name", axis_name}, {"kind", kind}, {"size", size}});
}

Tensor all_gather(const Tensor& x, const std::string& axis_name, int64_t axis, const Shape& size) {
  static constinit KnownOp op("all_gather");
  return apply(op.get(), {x}, {{"axis_name", axis_name}, {"axis", axis}, {"size", size}});
}

Tensor reduce_scatter(const Tensor& x, const std::string& axis_name, int64_t axis,
                      const Shape& size) {
  static constinit KnownOp op("reduce_scatter");
  return apply(op.get(), {x}, {{"axis_name", axis_name}, {"axis", axis}, {"size", size}});
}

Tensor all_to_all(const Tensor& x, const std::string& axis_name, int64_t split_axis,
                  int64_t concat_axis, const Shape& size) {
  static constinit KnownOp op("all_to_all");
  return apply(op.get(), {x},
               {{"axis_name", axis_name},
                {"split_axis", split_axis},
                {"concat_axis", concat_axis},
                {"size", size}});
}

Tensor collective_permute(const Tensor& x, const std::string& axis_name, int64_t shift,
                          const Integers& pairs, const Shape& size) {
  static constinit KnownOp op("collective_permute");
  return apply(op.get(), {x},
               {{"axis_name", axis_name}, {"shift", shift}, {"pairs", pairs}, {"size", size}});
}

Tensor axis_index(const std::string& axis_name, const Shape& size) {
  static constinit KnownOp op("axis_index");
  return apply(op.get(), std::span<const Tensor>(), {{"axis_name", axis_name}, {"size", size}});
}

Tensor stop_gradient(const Tensor& x) {
  static constinit KnownOp op("stop_gradient");
  return apply(op.get(), {x});
}

std::vector<Tensor> barrier(std::span<const Tensor> values) {
  static constinit KnownOp op("barrier");
  return apply_multi(op.get(), values);
}

Tensor relu(const Tensor& x) {
  static constinit KnownOp op("relu");
  return apply(op.get(), {x});
}

Tensor relu6(const Tensor& x) {
  static constinit KnownOp op("relu6");
  return apply(op.get(), {x});
}

Tensor leaky_relu(const Tensor& x, double slope) {
  static constinit KnownOp op("leaky_relu");
  return apply(op.get(), {x}, {{"slope", slope}});
}

Tensor elu(const Tensor& x, double alpha) {
  static constinit KnownOp op("elu");
  return apply(op.get(), {x}, {{"alpha", alpha}});
}

Tensor selu(const Tensor& x) {
  static constinit KnownOp op("selu");
  return apply(op.get(), {x});
}

Tensor softplus(const Tensor& x) {
  static constinit KnownOp op("softplus");
  return apply(op.get(), {x});
}

Tensor log_sigmoid(const Tensor& x) {
  static constinit KnownOp op("log_sigmoid");
  return apply(op.get(), {x});
}

Tensor softsign(const Tensor& x) {
  static constinit KnownOp op("softsign");
  return apply(op.get(), {x});
}

Tensor gelu(const Tensor& x) {
  static constinit KnownOp op("gelu");
  return apply(op.get(), {x});
}

Tensor gelu_tanh(const Tensor& x) {
  static constinit KnownOp op("gelu_tanh");
  return apply(op.get(), {x});
}

Tensor silu(const Tensor& x) {
  static constinit KnownOp op("silu");
  return apply(op.get(), {x});
}

Tensor mish(const Tensor& x) {
  static constinit KnownOp op("mish");
  return apply(op.get(), {x});
}

Tensor hard_sigmoid(const Tensor& x) {
  static constinit KnownOp op("hard_sigmoid");
  return apply(op.get(), {x});
}

Tensor hard_swish(const Tensor& x) {
  static constinit KnownOp op("hard_swish");
  return apply(op.get(), {x});
}

Tensor hard_tanh(const Tensor& x) {
  static constinit KnownOp op("hard_tanh");
  return apply(op.get(), {x});
}

Tensor softmax(const Tensor& x, int64_t axis) {
  static constinit KnownOp op("softmax");
  return apply(op.get(), {x}, {{"axis", axis}});
}

Tensor log_softmax(const Tensor& x, int64_t axis) {
  static constinit KnownOp op("log_softmax");
  return apply(op.get(), {x}, {{"axis", axis}});
}

Tensor log_sum_exp(const Tensor& x, const Integers& axes, bool keep) {
  static constinit KnownOp op("log_sum_exp");
  return apply(op.get(), {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor standardize(const Tensor& x, const Integers& axes, double epsilon) {
  static constinit KnownOp op("standardize");
  return apply(op.get(), {x}, {{"axes", axes}, {"epsilon", epsilon}});
}

Tensor layer_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, const Integers& axes,
                  double epsilon) {
  static constinit KnownOp op("layer_norm");
  return apply(op.get(), {x, scale, bias}, {{"axes", axes}, {"epsilon", epsilon}});
}

Tensor rms_norm(const Tensor& x, const Tensor& scale, const Integers& axes, double epsilon) {
  static constinit KnownOp op("rms_norm");
  return apply(op.get(), {x, scale}, {{"axes", axes}, {"epsilon", epsilon}});
}

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& scale, const Tensor& bias,
                  double epsilon) {
  static constinit KnownOp op("group_norm");
  return apply(op.get(), {x, scale, bias}, {{"groups", groups}, {"epsilon", epsilon}});
}

Tensor instance_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon) {
  static constinit KnownOp op("instance_norm");
  return apply(op.get(), {x, scale, bias}, {{"epsilon", epsilon}});
}

std::vector<Tensor> batch_norm(const Tensor& x, const Tensor& scale, const Tensor& bias,
                               int64_t axis, double epsilon) {
  static constinit KnownOp op("batch_norm");
  return apply_multi(op.get(), std::array{x, scale, bias}, {{"axis", axis}, {"epsilon", epsilon}});
}

Tensor batch_norm_inference(const Tensor& x, const Tensor& scale, const Tensor& bias,
                            const Tensor& mean, const Tensor& variance, int64_t axis,
                            double epsilon) {
  static constinit KnownOp op("batch_norm_inference");
  return apply(op.get(), {x, scale, bias, mean, variance}, {{"axis", axis}, {"epsilon", epsilon}});
}

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double label_smoothing) {
  static constinit KnownOp op("softmax_cross_entropy");
  return apply(op.get(), {logits, labels}, {{"label_smoothing", label_smoothing}});
}

Tensor softmax_cross_entropy_with_probabilities(const Tensor& logits, const Tensor& targets) {
  static constinit KnownOp op("softmax_cross_entropy_with_probabilities");
  return apply(op.get(), {logits, targets});
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets) {
  static constinit KnownOp op("binary_cross_entropy_with_logits");
  return apply(op.get(), {logits, targets});
}

Tensor squared_error(const Tensor& prediction, const Tensor& target) {
  static constinit KnownOp op("squared_error");
  return apply(op.get(), {prediction, target});
}

Tensor absolute_error(const Tensor& prediction, const Tensor& target) {
  static constinit KnownOp op("absolute_error");
  return apply(op.get(), {prediction, target});
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta) {
  static constinit KnownOp op("huber_loss");
  return apply(op.get(), {prediction, target}, {{"delta", delta}});
}

Tensor hinge_loss(const Tensor& prediction, const Tensor& target) {
  static constinit KnownOp op("hinge_loss");
  return apply(op.get(), {prediction, target});
}

Tensor kl_divergence(const Tensor& log_probability, const Tensor& target) {
  static constinit KnownOp op("kl_divergence");
  return apply(op.get(), {log_probability, target});
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target) {
  static constinit KnownOp op("mean_squared_error");
  return apply(op.get(), {prediction, target});
}

Tensor mean_absolute_error(const Tensor& prediction, const Tensor& target) {
  static constinit KnownOp op("mean_absolute_error");
  return apply(op.get(), {prediction, target});
}

Tensor max_pool(const Tensor& x, const Integers& window, const Integers& strides,
                const Integers& padding_low, const Integers& padding_high,
                const Integers& dilation) {
  static constinit KnownOp op("max_pool");
  return apply(op.get(), {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor average_pool(const Tensor& x, const Integers& window, const Integers& strides,
                    const Integers& padding_low, const Integers& padding_high,
                    const Integers& dilation, bool count_include_padding) {
  static constinit KnownOp op("average_pool");
  return apply(op.get(), {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation},
                {"count_include_padding", count_include_padding}});
}

Tensor adaptive_average_pool(const Tensor& x, const Integers& output) {
  static constinit KnownOp op("adaptive_average_pool");
  return apply(op.get(), {x}, {{"output", output}});
}

Tensor adaptive_max_pool(const Tensor& x, const Integers& output) {
  static constinit KnownOp op("adaptive_max_pool");
  return apply(op.get(), {x}, {{"output", output}});
}

Tensor global_average_pool(const Tensor& x, bool keep) {
  static constinit KnownOp op("global_average_pool");
  return apply(op.get(), {x}, {{"keep", keep}});
}

Tensor global_max_pool(const Tensor& x, bool keep) {
  static constinit KnownOp op("global_max_pool");
  return apply(op.get(), {x}, {{"keep", keep}});
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool causal,
                 double scale) {
  static constinit KnownOp op("attention");
  return apply(op.get(), {q, k, v, mask}, {{"causal", causal}, {"scale", scale}});
}

Tensor embedding(const Tensor& table, const Tensor& ids) {
  static constinit KnownOp op("embedding");
  return apply(op.get(), {table, ids});
}

Tensor one_hot(const Tensor& ids, const Shape& depth, DType dtype) {
  static constinit KnownOp op("one_hot");
  return apply(op.get(), {ids}, {{"depth", depth}, {"dtype", dtype}});
}

Tensor rotary_embedding(const Tensor& x, const Tensor& positions, double base) {
  static constinit KnownOp op("rotary_embedding");
  return apply(op.get(), {x, positions}, {{"base", base}});
}

std::vector<Tensor> lstm_cell(const Tensor& gates, const Tensor& c) {
  static constinit KnownOp op("lstm_cell");
  return apply_multi(op.get(), std::array{gates, c});
}

std::vector<Tensor> lstm(const Tensor& gates, const Tensor& h, const Tensor& c,
                         const Tensor& weights) {
  static constinit KnownOp op("lstm");
  return apply_multi(op.get(), std::array{gates, h, c, weights});
}

Tensor gru_cell(const Tensor& from_input, const Tensor& from_state, const Tensor& h) {
  static constinit KnownOp op("gru_cell");
  return apply(op.get(), {from_input, from_state, h});
}

Tensor gru(const Tensor& gates, const Tensor& h, const Tensor& weights, const Tensor& bias) {
  static constinit KnownOp op("gru");
  return apply(op.get(), {gates, h, weights, bias});
}

}  // namespace tenon
