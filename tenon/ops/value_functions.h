// Functions on the values of a graph under construction; rules and decompositions are written with
// them.
//
//   Value softmax_rows(Value x) {
//     Value e = exp(x - reduce_max(x, {1}, true));
//     return e / reduce_sum(e, {1}, true);
//   }
#pragma once

#include <span>
#include <vector>

#include "tenon/graph/build.h"

namespace tenon {

// Elementwise. Shapes broadcast as in NumPy; numbers take the value's dtype.
Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator-(Value x);
Value operator+(Value a, double b);
Value operator-(Value a, double b);
Value operator*(Value a, double b);
Value operator/(Value a, double b);
Value operator+(double a, Value b);
Value operator-(double a, Value b);
Value operator*(double a, Value b);
Value operator/(double a, Value b);

Value abs(Value x);
Value sign(Value x);
Value floor(Value x);
Value exp(Value x);
Value expm1(Value x);
Value log(Value x);
Value log1p(Value x);
Value sqrt(Value x);
Value rsqrt(Value x);
Value sin(Value x);
Value cos(Value x);
Value tanh(Value x);
Value logistic(Value x);
Value erf(Value x);
Value logical_not(Value x);
Value power(Value a, Value b);
Value remainder(Value a, Value b);
Value maximum(Value a, Value b);
Value minimum(Value a, Value b);
Value maximum(Value a, double b);
Value minimum(Value a, double b);
Value logical_and(Value a, Value b);
Value logical_or(Value a, Value b);
Value logical_xor(Value a, Value b);
Value shift_left(Value a, Value b);
Value shift_right_logical(Value a, Value b);
Value equal(Value a, Value b);
Value not_equal(Value a, Value b);
Value less(Value a, Value b);
Value less_equal(Value a, Value b);
Value greater(Value a, Value b);
Value greater_equal(Value a, Value b);
Value equal(Value a, double b);
Value less(Value a, double b);
Value greater(Value a, double b);
Value greater_equal(Value a, double b);
Value select(Value predicate, Value on_true, Value on_false);
Value select(Value predicate, Value on_true, double on_false);
Value select(Value predicate, double on_true, Value on_false);
Value cast(Value x, DType dtype);
Value stop_gradient(Value x);
/// An identity that is neither merged with an equal one nor moved; one result per value.
std::vector<Value> barrier(std::span<const Value> values);

// Structure. Axes count from the start, or from the end when negative.
Value iota(Build& build, DType dtype, const Shape& shape, int64_t axis);
/// A dimension, which may be symbolic, as a scalar.
Value dim_value(Build& build, const Dim& dim, DType dtype);
/// Output axis dims[i] is input axis i; the other output axes repeat.
Value broadcast(Value x, const Shape& shape, const Integers& dims);
Value reshape(Value x, const Shape& shape);
Value transpose(Value x, const Integers& order);
Value move_axis(Value x, int64_t from, int64_t to);
Value expand_dims(Value x, int64_t axis);
Value squeeze(Value x, int64_t axis);
/// Element start + i * stride along each axis; limits may be symbolic.
Value slice(Value x, const Shape& start, const Shape& limit, const Integers& stride = {});
Value slice_axis(Value x, int64_t axis, const Dim& start, const Dim& limit);
/// `low` and `high` may be negative (crop); `interior` elements go between neighbours.
Value pad(Value x, Value value, const Shape& low, const Shape& high, const Integers& interior = {});
Value concatenate(std::span<const Value> values, int64_t axis);
Value reverse(Value x, const Integers& axes);
/// Start indices are i32 or i64 scalars, clamped so that the slice is inside.
Value dynamic_slice(Value x, std::span<const Value> start, const Shape& sizes);
Value dynamic_update_slice(Value x, Value update, std::span<const Value> start);

// Gather and scatter along one axis; indices out of range read zero and are not written.
/// out[b…, a…, i…, c…] = x[b…, a…, indices[b…, i…], c…], where the first `batch_dims` axes b are
/// shared and axis comes after a….
Value gather(Value x, Value indices, int64_t axis, int64_t batch_dims = 0);
/// The same positions written: mode is "add", "set", "max" or "min"; `updates` is shaped as
/// gather's result.
Value scatter(Value x, Value indices, Value updates, int64_t axis, int64_t batch_dims = 0,
              const char* mode = "add");

// Reductions.
Value reduce_sum(Value x, const Integers& axes, bool keep = false);
Value reduce_product(Value x, const Integers& axes, bool keep = false);
Value reduce_max(Value x, const Integers& axes, bool keep = false);
Value reduce_min(Value x, const Integers& axes, bool keep = false);
Value reduce_mean(Value x, const Integers& axes, bool keep = false);
Value argmax(Value x, int64_t axis, DType dtype = DType::i32);
Value cumulative_sum(Value x, int64_t axis, bool reverse = false, bool exclusive = false);

// Contractions.
struct DotDims {
  Integers lhs_contract, rhs_contract;
  Integers lhs_batch = {}, rhs_batch = {};
};
/// Result axes: batch axes, free axes of lhs, free axes of rhs, each in their order.
Value dot(Value lhs, Value rhs, const DotDims& dims);
/// NumPy's matmul: the last two axes are matrices, the others broadcast.
Value matmul(Value a, Value b);

}  // namespace tenon
