// Generated from the registry by `./dev generate`.
#include "tenon/tensor/functions.h"

#include <array>

#include "tenon/ops/registry.h"

namespace tenon {

namespace {

std::vector<Tensor> with_rest(std::vector<Tensor> inputs, std::span<const Tensor> rest) {
  inputs.insert(inputs.end(), rest.begin(), rest.end());
  return inputs;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("add");
  return apply(op, {a, b});
}

Tensor subtract(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("subtract");
  return apply(op, {a, b});
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("multiply");
  return apply(op, {a, b});
}

Tensor divide(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("divide");
  return apply(op, {a, b});
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("fmod");
  return apply(op, {a, b});
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("remainder");
  return apply(op, {a, b});
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("maximum");
  return apply(op, {a, b});
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("minimum");
  return apply(op, {a, b});
}

Tensor power(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("power");
  return apply(op, {a, b});
}

Tensor negate(const Tensor& x) {
  static const OpDef& op = core_ops().get("negate");
  return apply(op, {x});
}

Tensor abs(const Tensor& x) {
  static const OpDef& op = core_ops().get("abs");
  return apply(op, {x});
}

Tensor sign(const Tensor& x) {
  static const OpDef& op = core_ops().get("sign");
  return apply(op, {x});
}

Tensor floor(const Tensor& x) {
  static const OpDef& op = core_ops().get("floor");
  return apply(op, {x});
}

Tensor ceil(const Tensor& x) {
  static const OpDef& op = core_ops().get("ceil");
  return apply(op, {x});
}

Tensor round(const Tensor& x) {
  static const OpDef& op = core_ops().get("round");
  return apply(op, {x});
}

Tensor exp(const Tensor& x) {
  static const OpDef& op = core_ops().get("exp");
  return apply(op, {x});
}

Tensor expm1(const Tensor& x) {
  static const OpDef& op = core_ops().get("expm1");
  return apply(op, {x});
}

Tensor log(const Tensor& x) {
  static const OpDef& op = core_ops().get("log");
  return apply(op, {x});
}

Tensor log2(const Tensor& x) {
  static const OpDef& op = core_ops().get("log2");
  return apply(op, {x});
}

Tensor log10(const Tensor& x) {
  static const OpDef& op = core_ops().get("log10");
  return apply(op, {x});
}

Tensor log1p(const Tensor& x) {
  static const OpDef& op = core_ops().get("log1p");
  return apply(op, {x});
}

Tensor sqrt(const Tensor& x) {
  static const OpDef& op = core_ops().get("sqrt");
  return apply(op, {x});
}

Tensor rsqrt(const Tensor& x) {
  static const OpDef& op = core_ops().get("rsqrt");
  return apply(op, {x});
}

Tensor cbrt(const Tensor& x) {
  static const OpDef& op = core_ops().get("cbrt");
  return apply(op, {x});
}

Tensor sin(const Tensor& x) {
  static const OpDef& op = core_ops().get("sin");
  return apply(op, {x});
}

Tensor cos(const Tensor& x) {
  static const OpDef& op = core_ops().get("cos");
  return apply(op, {x});
}

Tensor tan(const Tensor& x) {
  static const OpDef& op = core_ops().get("tan");
  return apply(op, {x});
}

Tensor asin(const Tensor& x) {
  static const OpDef& op = core_ops().get("asin");
  return apply(op, {x});
}

Tensor acos(const Tensor& x) {
  static const OpDef& op = core_ops().get("acos");
  return apply(op, {x});
}

Tensor atan(const Tensor& x) {
  static const OpDef& op = core_ops().get("atan");
  return apply(op, {x});
}

Tensor atan2(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("atan2");
  return apply(op, {a, b});
}

Tensor sinh(const Tensor& x) {
  static const OpDef& op = core_ops().get("sinh");
  return apply(op, {x});
}

Tensor cosh(const Tensor& x) {
  static const OpDef& op = core_ops().get("cosh");
  return apply(op, {x});
}

Tensor tanh(const Tensor& x) {
  static const OpDef& op = core_ops().get("tanh");
  return apply(op, {x});
}

Tensor logistic(const Tensor& x) {
  static const OpDef& op = core_ops().get("logistic");
  return apply(op, {x});
}

Tensor erf(const Tensor& x) {
  static const OpDef& op = core_ops().get("erf");
  return apply(op, {x});
}

Tensor erf_inv(const Tensor& x) {
  static const OpDef& op = core_ops().get("erf_inv");
  return apply(op, {x});
}

Tensor is_finite(const Tensor& x) {
  static const OpDef& op = core_ops().get("is_finite");
  return apply(op, {x});
}

Tensor is_nan(const Tensor& x) {
  static const OpDef& op = core_ops().get("is_nan");
  return apply(op, {x});
}

Tensor equal(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("equal");
  return apply(op, {a, b});
}

Tensor not_equal(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("not_equal");
  return apply(op, {a, b});
}

Tensor less(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("less");
  return apply(op, {a, b});
}

Tensor less_equal(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("less_equal");
  return apply(op, {a, b});
}

Tensor greater(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("greater");
  return apply(op, {a, b});
}

Tensor greater_equal(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("greater_equal");
  return apply(op, {a, b});
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("logical_and");
  return apply(op, {a, b});
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("logical_or");
  return apply(op, {a, b});
}

Tensor logical_xor(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("logical_xor");
  return apply(op, {a, b});
}

Tensor logical_not(const Tensor& x) {
  static const OpDef& op = core_ops().get("logical_not");
  return apply(op, {x});
}

Tensor shift_left(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("shift_left");
  return apply(op, {a, b});
}

Tensor shift_right_logical(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("shift_right_logical");
  return apply(op, {a, b});
}

Tensor shift_right_arithmetic(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("shift_right_arithmetic");
  return apply(op, {a, b});
}

Tensor select(const Tensor& predicate, const Tensor& on_true, const Tensor& on_false) {
  static const OpDef& op = core_ops().get("select");
  return apply(op, {predicate, on_true, on_false});
}

Tensor clamp(const Tensor& low, const Tensor& x, const Tensor& high) {
  static const OpDef& op = core_ops().get("clamp");
  return apply(op, {low, x, high});
}

Tensor cast(const Tensor& x, DType dtype) {
  static const OpDef& op = core_ops().get("cast");
  return apply(op, {x}, {{"dtype", dtype}});
}

Tensor bitcast(const Tensor& x, DType dtype) {
  static const OpDef& op = core_ops().get("bitcast");
  return apply(op, {x}, {{"dtype", dtype}});
}

Tensor quantize(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis) {
  static const OpDef& op = core_ops().get("quantize");
  return apply(op, {x, scale, zero_point}, {{"axis", axis}});
}

Tensor dequantize(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis) {
  static const OpDef& op = core_ops().get("dequantize");
  return apply(op, {x, scale, zero_point}, {{"axis", axis}});
}

Tensor exp2(const Tensor& x) {
  static const OpDef& op = core_ops().get("exp2");
  return apply(op, {x});
}

Tensor asinh(const Tensor& x) {
  static const OpDef& op = core_ops().get("asinh");
  return apply(op, {x});
}

Tensor acosh(const Tensor& x) {
  static const OpDef& op = core_ops().get("acosh");
  return apply(op, {x});
}

Tensor atanh(const Tensor& x) {
  static const OpDef& op = core_ops().get("atanh");
  return apply(op, {x});
}

Tensor xlogy(const Tensor& a, const Tensor& b) {
  static const OpDef& op = core_ops().get("xlogy");
  return apply(op, {a, b});
}

Tensor iota(DType dtype, const Shape& shape, int64_t axis) {
  static const OpDef& op = core_ops().get("iota");
  return apply(op, std::span<const Tensor>(), {{"dtype", dtype}, {"shape", shape}, {"axis", axis}});
}

Tensor broadcast(const Tensor& x, const Shape& shape, const Integers& dims) {
  static const OpDef& op = core_ops().get("broadcast");
  return apply(op, {x}, {{"shape", shape}, {"dims", dims}});
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  static const OpDef& op = core_ops().get("reshape");
  return apply(op, {x}, {{"shape", shape}});
}

Tensor transpose(const Tensor& x, const Integers& order) {
  static const OpDef& op = core_ops().get("transpose");
  return apply(op, {x}, {{"order", order}});
}

Tensor reverse(const Tensor& x, const Integers& axes) {
  static const OpDef& op = core_ops().get("reverse");
  return apply(op, {x}, {{"axes", axes}});
}

Tensor concatenate(std::span<const Tensor> parts, int64_t axis) {
  static const OpDef& op = core_ops().get("concatenate");
  return apply(op, parts, {{"axis", axis}});
}

Tensor slice(const Tensor& x, const Shape& start, const Shape& limit, const Integers& stride) {
  static const OpDef& op = core_ops().get("slice");
  return apply(op, {x}, {{"start", start}, {"limit", limit}, {"stride", stride}});
}

Tensor pad(const Tensor& x, const Tensor& value, const Shape& low, const Shape& high,
           const Integers& interior) {
  static const OpDef& op = core_ops().get("pad");
  return apply(op, {x, value}, {{"low", low}, {"high", high}, {"interior", interior}});
}

Tensor dynamic_slice(const Tensor& x, std::span<const Tensor> starts, const Shape& sizes) {
  static const OpDef& op = core_ops().get("dynamic_slice");
  return apply(op, with_rest({x}, starts), {{"sizes", sizes}});
}

Tensor dynamic_update_slice(const Tensor& x, const Tensor& update, std::span<const Tensor> starts) {
  static const OpDef& op = core_ops().get("dynamic_update_slice");
  return apply(op, with_rest({x, update}, starts));
}

Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis, int64_t batch_dims) {
  static const OpDef& op = core_ops().get("gather");
  return apply(op, {x, indices}, {{"axis", axis}, {"batch_dims", batch_dims}});
}

Tensor scatter(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis,
               int64_t batch_dims, const std::string& mode) {
  static const OpDef& op = core_ops().get("scatter");
  return apply(op, {x, indices, updates},
               {{"axis", axis}, {"batch_dims", batch_dims}, {"mode", mode}});
}

Tensor check_indices(const Tensor& indices, const Shape& size, int64_t low, int64_t axis,
                     const std::string& by, const std::string& of) {
  static const OpDef& op = core_ops().get("check_indices");
  return apply(op, {indices},
               {{"size", size}, {"low", low}, {"axis", axis}, {"by", by}, {"of", of}});
}

Tensor reduce_sum(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("reduce_sum");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_product(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("reduce_product");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_max(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("reduce_max");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_min(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("reduce_min");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_and(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("reduce_and");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor reduce_or(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("reduce_or");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor argmax(const Tensor& x, int64_t axis, DType dtype) {
  static const OpDef& op = core_ops().get("argmax");
  return apply(op, {x}, {{"axis", axis}, {"dtype", dtype}});
}

Tensor argmin(const Tensor& x, int64_t axis, DType dtype) {
  static const OpDef& op = core_ops().get("argmin");
  return apply(op, {x}, {{"axis", axis}, {"dtype", dtype}});
}

Tensor cumulative_sum(const Tensor& x, int64_t axis, bool reverse, bool exclusive) {
  static const OpDef& op = core_ops().get("cumulative_sum");
  return apply(op, {x}, {{"axis", axis}, {"reverse", reverse}, {"exclusive", exclusive}});
}

Tensor cumulative_product(const Tensor& x, int64_t axis, bool reverse, bool exclusive) {
  static const OpDef& op = core_ops().get("cumulative_product");
  return apply(op, {x}, {{"axis", axis}, {"reverse", reverse}, {"exclusive", exclusive}});
}

Tensor cumulative_max(const Tensor& x, int64_t axis, bool reverse) {
  static const OpDef& op = core_ops().get("cumulative_max");
  return apply(op, {x}, {{"axis", axis}, {"reverse", reverse}});
}

Tensor cumulative_min(const Tensor& x, int64_t axis, bool reverse) {
  static const OpDef& op = core_ops().get("cumulative_min");
  return apply(op, {x}, {{"axis", axis}, {"reverse", reverse}});
}

Tensor linear_recurrence(const Tensor& a, const Tensor& b, int64_t axis, bool reverse) {
  static const OpDef& op = core_ops().get("linear_recurrence");
  return apply(op, {a, b}, {{"axis", axis}, {"reverse", reverse}});
}

std::vector<Tensor> sort(const Tensor& keys, std::span<const Tensor> values, int64_t axis,
                         bool descending) {
  static const OpDef& op = core_ops().get("sort");
  return apply_multi(op, with_rest({keys}, values), {{"axis", axis}, {"descending", descending}});
}

std::vector<Tensor> top_k(const Tensor& x, int64_t k) {
  static const OpDef& op = core_ops().get("top_k");
  return apply_multi(op, std::array{x}, {{"k", k}});
}

Tensor search_sorted(const Tensor& sorted, const Tensor& values, bool right, int64_t batch_dims,
                     DType dtype) {
  static const OpDef& op = core_ops().get("search_sorted");
  return apply(op, {sorted, values},
               {{"right", right}, {"batch_dims", batch_dims}, {"dtype", dtype}});
}

Tensor random_bits(const Tensor& key, const Shape& shape) {
  static const OpDef& op = core_ops().get("random_bits");
  return apply(op, {key}, {{"shape", shape}});
}

Tensor dropout(const Tensor& x, const Tensor& key, double rate) {
  static const OpDef& op = core_ops().get("dropout");
  return apply(op, {x, key}, {{"rate", rate}});
}

Tensor dot(const Tensor& lhs, const Tensor& rhs, const Integers& lhs_contract,
           const Integers& rhs_contract, const Integers& lhs_batch, const Integers& rhs_batch) {
  static const OpDef& op = core_ops().get("dot");
  return apply(op, {lhs, rhs},
               {{"lhs_contract", lhs_contract},
                {"rhs_contract", rhs_contract},
                {"lhs_batch", lhs_batch},
                {"rhs_batch", rhs_batch}});
}

Tensor convolution(const Tensor& x, const Tensor& filters, const Integers& strides,
                   const Integers& padding_low, const Integers& padding_high,
                   const Integers& dilation, const Shape& groups) {
  static const OpDef& op = core_ops().get("convolution");
  return apply(op, {x, filters},
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
  static const OpDef& op = core_ops().get("convolution_input_gradient");
  return apply(op, {dy, filters},
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
  static const OpDef& op = core_ops().get("convolution_filter_gradient");
  return apply(op, {x, dy},
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
  static const OpDef& op = core_ops().get("window_sum");
  return apply(op, {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_sum_transpose(const Tensor& dy, const Integers& window, const Shape& input_shape,
                            const Integers& strides, const Integers& padding_low,
                            const Integers& padding_high, const Integers& dilation) {
  static const OpDef& op = core_ops().get("window_sum_transpose");
  return apply(op, {dy},
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
  static const OpDef& op = core_ops().get("window_max");
  return apply(op, {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_find(const Tensor& x, const Tensor& value, const Integers& window,
                   const Integers& strides, const Integers& padding_low,
                   const Integers& padding_high, const Integers& dilation) {
  static const OpDef& op = core_ops().get("window_find");
  return apply(op, {x, value},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_take(const Tensor& t, const Tensor& place, const Integers& window,
                   const Integers& strides, const Integers& padding_low,
                   const Integers& padding_high, const Integers& dilation) {
  static const OpDef& op = core_ops().get("window_take");
  return apply(op, {t, place},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor window_place(const Tensor& dy, const Tensor& place, const Integers& window,
                    const Shape& input_shape, const Integers& strides, const Integers& padding_low,
                    const Integers& padding_high, const Integers& dilation) {
  static const OpDef& op = core_ops().get("window_place");
  return apply(op, {dy, place},
               {{"window", window},
                {"input_shape", input_shape},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor all_reduce(const Tensor& x, const std::string& axis_name, const std::string& kind,
                  const Shape& size) {
  static const OpDef& op = core_ops().get("all_reduce");
  return apply(op, {x}, {{"axis_name", axis_name}, {"kind", kind}, {"size", size}});
}

Tensor all_gather(const Tensor& x, const std::string& axis_name, int64_t axis, const Shape& size) {
  static const OpDef& op = core_ops().get("all_gather");
  return apply(op, {x}, {{"axis_name", axis_name}, {"axis", axis}, {"size", size}});
}

Tensor reduce_scatter(const Tensor& x, const std::string& axis_name, int64_t axis,
                      const Shape& size) {
  static const OpDef& op = core_ops().get("reduce_scatter");
  return apply(op, {x}, {{"axis_name", axis_name}, {"axis", axis}, {"size", size}});
}

Tensor all_to_all(const Tensor& x, const std::string& axis_name, int64_t split_axis,
                  int64_t concat_axis, const Shape& size) {
  static const OpDef& op = core_ops().get("all_to_all");
  return apply(op, {x},
               {{"axis_name", axis_name},
                {"split_axis", split_axis},
                {"concat_axis", concat_axis},
                {"size", size}});
}

Tensor collective_permute(const Tensor& x, const std::string& axis_name, int64_t shift,
                          const Integers& pairs, const Shape& size) {
  static const OpDef& op = core_ops().get("collective_permute");
  return apply(op, {x},
               {{"axis_name", axis_name}, {"shift", shift}, {"pairs", pairs}, {"size", size}});
}

Tensor axis_index(const std::string& axis_name, const Shape& size) {
  static const OpDef& op = core_ops().get("axis_index");
  return apply(op, std::span<const Tensor>(), {{"axis_name", axis_name}, {"size", size}});
}

Tensor stop_gradient(const Tensor& x) {
  static const OpDef& op = core_ops().get("stop_gradient");
  return apply(op, {x});
}

std::vector<Tensor> barrier(std::span<const Tensor> values) {
  static const OpDef& op = core_ops().get("barrier");
  return apply_multi(op, values);
}

Tensor relu(const Tensor& x) {
  static const OpDef& op = core_ops().get("relu");
  return apply(op, {x});
}

Tensor relu6(const Tensor& x) {
  static const OpDef& op = core_ops().get("relu6");
  return apply(op, {x});
}

Tensor leaky_relu(const Tensor& x, double slope) {
  static const OpDef& op = core_ops().get("leaky_relu");
  return apply(op, {x}, {{"slope", slope}});
}

Tensor elu(const Tensor& x, double alpha) {
  static const OpDef& op = core_ops().get("elu");
  return apply(op, {x}, {{"alpha", alpha}});
}

Tensor selu(const Tensor& x) {
  static const OpDef& op = core_ops().get("selu");
  return apply(op, {x});
}

Tensor softplus(const Tensor& x) {
  static const OpDef& op = core_ops().get("softplus");
  return apply(op, {x});
}

Tensor log_sigmoid(const Tensor& x) {
  static const OpDef& op = core_ops().get("log_sigmoid");
  return apply(op, {x});
}

Tensor softsign(const Tensor& x) {
  static const OpDef& op = core_ops().get("softsign");
  return apply(op, {x});
}

Tensor gelu(const Tensor& x) {
  static const OpDef& op = core_ops().get("gelu");
  return apply(op, {x});
}

Tensor gelu_tanh(const Tensor& x) {
  static const OpDef& op = core_ops().get("gelu_tanh");
  return apply(op, {x});
}

Tensor silu(const Tensor& x) {
  static const OpDef& op = core_ops().get("silu");
  return apply(op, {x});
}

Tensor mish(const Tensor& x) {
  static const OpDef& op = core_ops().get("mish");
  return apply(op, {x});
}

Tensor hard_sigmoid(const Tensor& x) {
  static const OpDef& op = core_ops().get("hard_sigmoid");
  return apply(op, {x});
}

Tensor hard_swish(const Tensor& x) {
  static const OpDef& op = core_ops().get("hard_swish");
  return apply(op, {x});
}

Tensor hard_tanh(const Tensor& x) {
  static const OpDef& op = core_ops().get("hard_tanh");
  return apply(op, {x});
}

Tensor softmax(const Tensor& x, int64_t axis) {
  static const OpDef& op = core_ops().get("softmax");
  return apply(op, {x}, {{"axis", axis}});
}

Tensor log_softmax(const Tensor& x, int64_t axis) {
  static const OpDef& op = core_ops().get("log_softmax");
  return apply(op, {x}, {{"axis", axis}});
}

Tensor log_sum_exp(const Tensor& x, const Integers& axes, bool keep) {
  static const OpDef& op = core_ops().get("log_sum_exp");
  return apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}

Tensor standardize(const Tensor& x, const Integers& axes, double epsilon) {
  static const OpDef& op = core_ops().get("standardize");
  return apply(op, {x}, {{"axes", axes}, {"epsilon", epsilon}});
}

Tensor layer_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, const Integers& axes,
                  double epsilon) {
  static const OpDef& op = core_ops().get("layer_norm");
  return apply(op, {x, scale, bias}, {{"axes", axes}, {"epsilon", epsilon}});
}

Tensor rms_norm(const Tensor& x, const Tensor& scale, const Integers& axes, double epsilon) {
  static const OpDef& op = core_ops().get("rms_norm");
  return apply(op, {x, scale}, {{"axes", axes}, {"epsilon", epsilon}});
}

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& scale, const Tensor& bias,
                  double epsilon) {
  static const OpDef& op = core_ops().get("group_norm");
  return apply(op, {x, scale, bias}, {{"groups", groups}, {"epsilon", epsilon}});
}

Tensor instance_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon) {
  static const OpDef& op = core_ops().get("instance_norm");
  return apply(op, {x, scale, bias}, {{"epsilon", epsilon}});
}

std::vector<Tensor> batch_norm(const Tensor& x, const Tensor& scale, const Tensor& bias,
                               int64_t axis, double epsilon) {
  static const OpDef& op = core_ops().get("batch_norm");
  return apply_multi(op, std::array{x, scale, bias}, {{"axis", axis}, {"epsilon", epsilon}});
}

Tensor batch_norm_inference(const Tensor& x, const Tensor& scale, const Tensor& bias,
                            const Tensor& mean, const Tensor& variance, int64_t axis,
                            double epsilon) {
  static const OpDef& op = core_ops().get("batch_norm_inference");
  return apply(op, {x, scale, bias, mean, variance}, {{"axis", axis}, {"epsilon", epsilon}});
}

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double label_smoothing) {
  static const OpDef& op = core_ops().get("softmax_cross_entropy");
  return apply(op, {logits, labels}, {{"label_smoothing", label_smoothing}});
}

Tensor softmax_cross_entropy_with_probabilities(const Tensor& logits, const Tensor& targets) {
  static const OpDef& op = core_ops().get("softmax_cross_entropy_with_probabilities");
  return apply(op, {logits, targets});
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets) {
  static const OpDef& op = core_ops().get("binary_cross_entropy_with_logits");
  return apply(op, {logits, targets});
}

Tensor squared_error(const Tensor& prediction, const Tensor& target) {
  static const OpDef& op = core_ops().get("squared_error");
  return apply(op, {prediction, target});
}

Tensor absolute_error(const Tensor& prediction, const Tensor& target) {
  static const OpDef& op = core_ops().get("absolute_error");
  return apply(op, {prediction, target});
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta) {
  static const OpDef& op = core_ops().get("huber_loss");
  return apply(op, {prediction, target}, {{"delta", delta}});
}

Tensor hinge_loss(const Tensor& prediction, const Tensor& target) {
  static const OpDef& op = core_ops().get("hinge_loss");
  return apply(op, {prediction, target});
}

Tensor kl_divergence(const Tensor& log_probability, const Tensor& target) {
  static const OpDef& op = core_ops().get("kl_divergence");
  return apply(op, {log_probability, target});
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target) {
  static const OpDef& op = core_ops().get("mean_squared_error");
  return apply(op, {prediction, target});
}

Tensor mean_absolute_error(const Tensor& prediction, const Tensor& target) {
  static const OpDef& op = core_ops().get("mean_absolute_error");
  return apply(op, {prediction, target});
}

Tensor max_pool(const Tensor& x, const Integers& window, const Integers& strides,
                const Integers& padding_low, const Integers& padding_high,
                const Integers& dilation) {
  static const OpDef& op = core_ops().get("max_pool");
  return apply(op, {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation}});
}

Tensor average_pool(const Tensor& x, const Integers& window, const Integers& strides,
                    const Integers& padding_low, const Integers& padding_high,
                    const Integers& dilation, bool count_include_padding) {
  static const OpDef& op = core_ops().get("average_pool");
  return apply(op, {x},
               {{"window", window},
                {"strides", strides},
                {"padding_low", padding_low},
                {"padding_high", padding_high},
                {"dilation", dilation},
                {"count_include_padding", count_include_padding}});
}

Tensor adaptive_average_pool(const Tensor& x, const Integers& output) {
  static const OpDef& op = core_ops().get("adaptive_average_pool");
  return apply(op, {x}, {{"output", output}});
}

Tensor adaptive_max_pool(const Tensor& x, const Integers& output) {
  static const OpDef& op = core_ops().get("adaptive_max_pool");
  return apply(op, {x}, {{"output", output}});
}

Tensor global_average_pool(const Tensor& x, bool keep) {
  static const OpDef& op = core_ops().get("global_average_pool");
  return apply(op, {x}, {{"keep", keep}});
}

Tensor global_max_pool(const Tensor& x, bool keep) {
  static const OpDef& op = core_ops().get("global_max_pool");
  return apply(op, {x}, {{"keep", keep}});
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool causal,
                 double scale) {
  static const OpDef& op = core_ops().get("attention");
  return apply(op, {q, k, v, mask}, {{"causal", causal}, {"scale", scale}});
}

Tensor embedding(const Tensor& table, const Tensor& ids) {
  static const OpDef& op = core_ops().get("embedding");
  return apply(op, {table, ids});
}

Tensor one_hot(const Tensor& ids, const Shape& depth, DType dtype) {
  static const OpDef& op = core_ops().get("one_hot");
  return apply(op, {ids}, {{"depth", depth}, {"dtype", dtype}});
}

Tensor rotary_embedding(const Tensor& x, const Tensor& positions, double base) {
  static const OpDef& op = core_ops().get("rotary_embedding");
  return apply(op, {x, positions}, {{"base", base}});
}

std::vector<Tensor> lstm_cell(const Tensor& gates, const Tensor& c) {
  static const OpDef& op = core_ops().get("lstm_cell");
  return apply_multi(op, std::array{gates, c});
}

std::vector<Tensor> lstm(const Tensor& gates, const Tensor& h, const Tensor& c,
                         const Tensor& weights) {
  static const OpDef& op = core_ops().get("lstm");
  return apply_multi(op, std::array{gates, h, c, weights});
}

Tensor gru_cell(const Tensor& from_input, const Tensor& from_state, const Tensor& h) {
  static const OpDef& op = core_ops().get("gru_cell");
  return apply(op, {from_input, from_state, h});
}

Tensor gru(const Tensor& gates, const Tensor& h, const Tensor& weights, const Tensor& bias) {
  static const OpDef& op = core_ops().get("gru");
  return apply(op, {gates, h, weights, bias});
}

}  // namespace tenon
