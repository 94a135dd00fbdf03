#include <algorithm>
#include <numeric>
#include <span>

#include "tenon/compile/rules/rule.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

bool is_identity(const Integers& order) {
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

/// Structure ops on a value that is one number everywhere.
Value of_splat(const Call& c) {
  auto scalar = splat(c.build.graph(), c.inputs[0].id());
  return scalar ? broadcast_to(c.build.constant(std::move(*scalar)), c.type.shape) : Value();
}

Value broadcast_rule(const Call& c) {
  const Integers& dims = c.attributes.integers("dims");
  if (c.inputs[0].shape() == c.type.shape && is_identity(dims)) return c.inputs[0];
  if (const Node* inner = c.made_by(0, CoreOp::broadcast)) {
    Integers composed;
    for (int64_t dim : inner->attributes.integers("dims"))
      composed.push_back(dims[static_cast<size_t>(dim)]);
    return broadcast(c.value(inner->inputs[0]), c.type.shape, composed);
  }
  if (c.inputs[0].rank() > 0) {
    // A vector that became a matrix by axes of size 1 only to be broadcast.
    const Node* reshaped = c.made_by(0, CoreOp::reshape);
    if (!reshaped) return {};
    Value source = c.value(reshaped->inputs[0]);
    Integers kept;
    size_t at = 0;
    for (size_t i = 0; i < c.inputs[0].rank(); ++i) {
      if (at < source.rank() && source.dim(at) == c.inputs[0].dim(i)) {
        kept.push_back(dims[i]);
        ++at;
      } else if (!c.inputs[0].dim(i).is(1)) {
        return {};
      }
    }
    if (at == source.rank() && source.rank() < c.inputs[0].rank())
      return broadcast(source, c.type.shape, kept);
  }
  return {};
}

Value reshape_rule(const Call& c) {
  if (c.inputs[0].shape() == c.type.shape) return c.inputs[0];
  if (const Node* inner = c.made_by(0, CoreOp::reshape))
    return reshape(c.value(inner->inputs[0]), c.type.shape);
  return c.made_by(0, CoreOp::broadcast) ? of_splat(c) : Value();
}

Value transpose_rule(const Call& c) {
  const Integers& order = c.attributes.integers("order");
  if (is_identity(order)) return c.inputs[0];
  if (Value repeated = of_splat(c)) return repeated;
  const Node* inner = c.made_by(0, CoreOp::transpose);
  if (!inner) return {};
  const Integers& first = inner->attributes.integers("order");
  Integers composed;
  for (int64_t axis : order) composed.push_back(first[static_cast<size_t>(axis)]);
  return transpose(c.value(inner->inputs[0]), composed);
}

/// A sum along axes that were only repeated is a multiplication.
Value sum_of_broadcast(const Call& c) {
  const Node* inner = c.made_by(0, CoreOp::broadcast);
  if (!inner || !is_floating(c.type.dtype)) return {};
  const Integers& axes = c.attributes.integers("axes");
  const Integers dims = inner->attributes.integers("dims");
  Shape full = c.inputs[0].shape();
  Value source = c.value(inner->inputs[0]);
  std::vector<bool> summed(full.rank(), false);
  Dim count(1);
  for (int64_t axis : axes) {
    summed[static_cast<size_t>(axis)] = true;
    count = count * full[static_cast<size_t>(axis)];
  }
  for (int64_t dim : dims) {
    if (summed[static_cast<size_t>(dim)]) return {};
  }
  if (!count.is_constant()) return {};
  if (count.is(0)) return c.build.full(c.type, 0);  // also of what is not finite
  const auto times = static_cast<double>(count.constant());
  if (!Number(times).fits(c.type.dtype)) return {};
  if (Literal::scalar(c.type.dtype, times).to_double(0) != times) return {};
  bool keep = c.attributes.boolean("keep");
  Integers moved;
  for (int64_t dim : dims) {
    int64_t before = std::count(summed.begin(), summed.begin() + dim, true);
    moved.push_back(keep ? dim : dim - before);
  }
  Value repeated = broadcast(source, c.type.shape, moved);
  return repeated * times;
}

/// Reducing axes of size 1 only reshapes.
Value reduce_nothing(const Call& c) {
  for (int64_t axis : c.attributes.integers("axes")) {
    if (!c.inputs[0].dim(static_cast<size_t>(axis)).is(1)) return {};
  }
  return reshape(c.inputs[0], c.type.shape);
}

Value whole_slice(const Call& c) {
  if (c.inputs[0].shape() != c.type.shape) return {};
  for (int64_t stride : c.attributes.integers("stride")) {
    if (stride != 1) return {};
  }
  return c.inputs[0];
}

Value empty_pad(const Call& c) {
  for (const char* side : {"low", "high"}) {
    for (const Dim& dim : c.attributes.shape(side)) {
      if (!dim.is(0)) return {};
    }
  }
  for (int64_t interior : c.attributes.integers("interior")) {
    if (interior != 0) return {};
  }
  return c.inputs[0];
}

/// A kernel chooses between all parts for each element, and the time to compile it grows faster
/// than they do: many parts are joined some at a time, each piece stored.
Value wide_concatenate(const Call& c) {
  constexpr size_t kWidest = 32;
  if (c.inputs.size() <= kWidest) return {};
  const int64_t axis = c.attributes.integer("axis");
  std::vector<Value> parts = c.inputs;
  while (parts.size() > kWidest) {
    std::vector<Value> pieces;
    for (std::span<const Value> left(parts); !left.empty();) {
      const std::span<const Value> piece = left.first(std::min(kWidest, left.size()));
      pieces.push_back(barrier(std::vector<Value>{concatenate(piece, axis)})[0]);
      left = left.subspan(piece.size());
    }
    parts = std::move(pieces);
  }
  return concatenate(parts, axis);
}

}  // namespace

std::vector<Rule> structure_rules() {
  return {
      {"broadcast", CoreOp::broadcast, broadcast_rule},
      {"reshape", CoreOp::reshape, reshape_rule},
      {"transpose", CoreOp::transpose, transpose_rule},
      {"whole-slice", CoreOp::slice, whole_slice},
      {"slice-splat", CoreOp::slice, of_splat},
      {"reverse-splat", CoreOp::reverse, of_splat},
      {"empty-pad", CoreOp::pad, empty_pad},
      {"wide-concatenate", CoreOp::concatenate, wide_concatenate},
      {"sum-of-broadcast", CoreOp::reduce_sum, sum_of_broadcast},
      {"sum-of-one", CoreOp::reduce_sum, reduce_nothing},
      {"max-of-one", CoreOp::reduce_max, reduce_nothing},
      {"min-of-one", CoreOp::reduce_min, reduce_nothing},
  };
}

}  // namespace tenon
