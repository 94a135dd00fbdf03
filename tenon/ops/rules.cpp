#include "tenon/ops/rules.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tenon/base/error.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

const Integers& normalise_axes(InferContext& context, std::string_view name, size_t rank) {
  Integers axes = context.attributes.integers(name);
  for (int64_t& axis : axes) axis = to_axis(normalise_axis(axis, rank, name));
  std::sort(axes.begin(), axes.end());
  auto twice = std::adjacent_find(axes.begin(), axes.end());
  if (twice != axes.end())
    fail(ErrorCode::invalid_argument, "axis {} appears twice in {}", *twice, name);
  context.attributes.set(name, std::move(axes));
  return context.attributes.integers(name);
}

size_t normalise_axis(InferContext& context, std::string_view name, size_t rank) {
  size_t axis = normalise_axis(context.attributes.integer(name), rank, name);
  context.attributes.set(name, to_axis(axis));
  return axis;
}

bool contains(const Integers& axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

Integers other_axes(size_t rank, const Integers& axes) {
  Integers others;
  for (int64_t axis = 0; axis < to_axis(rank); ++axis) {
    if (!contains(axes, axis)) others.push_back(axis);
  }
  return others;
}

Integers all_axes(size_t rank) { return other_axes(rank, {}); }

Shape reduced_shape(const Shape& shape, const Integers& axes, bool keep) {
  Shape result;
  for (size_t i = 0; i < shape.rank(); ++i) {
    bool reduced = contains(axes, to_axis(i));
    if (!reduced) result.push_back(shape[i]);
    if (reduced && keep) result.push_back(Dim(1));
  }
  return result;
}

Integers after_batch(Integers axes) {
  for (int64_t& axis : axes) ++axis;
  return axes;
}

Shape with_batch(const Dim& size, const Shape& shape) {
  Shape batched = shape;
  batched.insert(0, size);
  return batched;
}

Integers with_batch(int64_t first, const Integers& values) {
  Integers batched{first};
  batched.insert(batched.end(), values.begin(), values.end());
  return batched;
}

Value batched_input(const BatchContext& context, size_t i) {
  Value input = context.inputs[i];
  if (context.batched[i]) return input;
  return broadcast(input, with_batch(context.size, input.shape()),
                   after_batch(all_axes(input.rank())));
}

DType checked_position_dtype(InferContext& context, const Dim& count) {
  DType dtype = context.attributes.dtype("dtype");
  if (!kIndex.contains(dtype))
    fail(ErrorCode::type_mismatch, "indices are i32 or i64, not {}", name_of(dtype));
  constexpr int64_t kLast = std::numeric_limits<int32_t>::max();
  if (count.is_constant() && count.constant() - 1 > kLast) dtype = DType::i64;
  context.attributes.set("dtype", dtype);
  return dtype;
}

void check_positions_fit(std::string_view op, int64_t count, DType dtype) {
  if (dtype != DType::i32 || count - 1 <= std::numeric_limits<int32_t>::max()) return;
  throw make_error(ErrorCode::out_of_range,
                   "{}: an axis of {} elements has positions that i32 does not hold", op, count)
      .note("hint: request i64 with the attribute dtype");
}

std::vector<Value> batch_along_axis(BatchContext& context) {
  std::vector<Value> inputs;
  for (size_t i = 0; i < context.inputs.size(); ++i) inputs.push_back(batched_input(context, i));
  Attributes attributes = context.attributes;
  attributes.set("axis", context.attributes.integer("axis") + 1);
  return context.build.call_multi(context.op, inputs, std::move(attributes));
}

Value or_zeros_like(const Value& derivative, const Value& like) {
  return derivative ? derivative : like.build().full_like(like, 0.0);
}

Value take_along_axis(Value x, Value indices, int64_t axis) {
  int64_t last = to_axis(x.rank()) - 1;
  Value taken = gather(move_axis(x, axis, last), move_axis(indices, axis, last), last, last);
  return move_axis(taken, last, axis);
}

Value add_along_axis(const Value& like, Value indices, Value updates, int64_t axis) {
  int64_t last = to_axis(like.rank()) - 1;
  Value zeros = move_axis(like.build().full_like(like, 0.0), axis, last);
  Value added = scatter(zeros, move_axis(indices, axis, last), move_axis(updates, axis, last), last,
                        last, "add");
  return move_axis(added, last, axis);
}

}  // namespace tenon
