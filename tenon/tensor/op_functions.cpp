// Generated from the registry by `./dev generate`.
#include "tenon/tensor/op_functions.h"

#include <array>

#include "tenon/ops/known_op.h"
#include "tenon/tensor/apply.h"

namespace tenon::ops {

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

Tensor negate(const Tensor& x) {
  static constinit KnownOp op("negate");
  return apply(op.get(), {x});
}

Tensor logistic(const Tensor& x) {
  static constinit KnownOp op("logistic");
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

Tensor iota(DType dtype, const Shape& shape, int64_t axis) {
  static constinit KnownOp op("iota");
  return apply(op.get(), std::span<const Tensor>(),
               {{"dtype", dtype}, {"shape", shape}, {"axis", axis}});
}

Tensor broadcast(const Tensor& x, const Shape& shape, const Integers& dims) {
  static constinit KnownOp op("broadcast");
  return apply(op.get(), {x}, {{"shape", shape}, {"dims", dims}});
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

Tensor dot(const Tensor& lhs, const Tensor& rhs, const Integers& lhs_contract,
           const Integers& rhs_contract, const Integers& lhs_batch, const Integers& rhs_batch) {
  static constinit KnownOp op("dot");
  return apply(op.get(), {lhs, rhs},
               {{"lhs_contract", lhs_contract},
                {"rhs_contract", rhs_contract},
                {"lhs_batch", lhs_batch},
                {"rhs_batch", rhs_batch}});
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

std::vector<Tensor> barrier(std::span<const Tensor> values) {
  static constinit KnownOp op("barrier");
  return apply_multi(op.get(), values);
}

Tensor one_hot(const Tensor& ids, const Shape& depth, DType dtype) {
  static constinit KnownOp op("one_hot");
  return apply(op.get(), {ids}, {{"depth", depth}, {"dtype", dtype}});
}

}  // namespace tenon::ops
