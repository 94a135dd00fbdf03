// Helpers for the inference, derivative and batching rules of many ops.
//
//   .batch([](BatchContext& c) {                          // reverse
//     Integers axes = after_batch(c.attributes.integers("axes"));
//     return std::vector<Value>{reverse(c.inputs[0], axes)};
//   })
#pragma once

#include <span>
#include <vector>

#include "tenon/graph/build.h"
#include "tenon/graph/op.h"

namespace tenon {

inline size_t to_index(int64_t axis) { return static_cast<size_t>(axis); }
inline int64_t to_axis(size_t index) { return static_cast<int64_t>(index); }

/// Normalises the integers attribute `name` to sorted axes from 0 without duplicates, or throws.
const Integers& normalise_axes(InferContext& context, std::string_view name, size_t rank);
/// The same for one axis in an integer attribute; returns it.
size_t normalise_axis(InferContext& context, std::string_view name, size_t rank);

bool contains(const Integers& axes, int64_t axis);
/// 0 … rank-1 without `axes`, in any order.
Integers other_axes(size_t rank, const Integers& axes);
Integers all_axes(size_t rank);
/// The shape without the axes, or with size 1 in their place.
Shape reduced_shape(const Shape& shape, const Integers& axes, bool keep);

/// Axes of an unbatched call in a batched one: each is incremented by one.
Integers after_batch(Integers axes);
Shape with_batch(const Dim& size, const Shape& shape);
Integers with_batch(int64_t first, const Integers& values);
/// Input `i` with the batch as axis 0, repeated if the input has none.
Value batched_input(const BatchContext& context, size_t i);
/// The attribute "dtype" of an op that returns positions on an axis of `count` elements: i32 or
/// i64. It becomes i64 if i32 cannot hold all of them.
DType checked_position_dtype(InferContext& context, const Dim& count);
/// Error out_of_range if positions on an axis of `count` elements do not fit i32.
void check_positions_fit(std::string_view op, int64_t count, DType dtype);

/// The batching rule of ops that work along the axis of their attribute "axis".
std::vector<Value> batch_along_axis(BatchContext& context);

/// A derivative, or zeros like `like` if it is invalid.
Value or_zeros_like(const Value& derivative, const Value& like);

/// out[…, i, …] = x[…, indices[…, i, …], …] along one axis: x and indices differ only there.
Value take_along_axis(Value x, Value indices, int64_t axis);
/// Its transpose: adds `updates` to zeros shaped like `like` at those positions.
Value add_along_axis(const Value& like, Value indices, Value updates, int64_t axis);

}  // namespace tenon
