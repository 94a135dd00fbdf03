#include "tenon/tensor/numbers.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/known_op.h"

namespace tenon::detail {

namespace {

const OpDef& cast_op() {
  static constinit KnownOp op("cast");
  return op.get();
}

/// The f32 that users see of a fraction, with all of its digits behind it.
Tensor shown(const NodeRef& wide) {
  Tensor result =
      record(cast_op(), {{"dtype", DType::f32}}, {wide}, {{DType::f32, wide->type.shape}}, "")[0];
  result.node()->wide = wide;
  return result;
}

}  // namespace

NodeRef number_as(const NodeRef& node, DType dtype, const OpDef& op) {
  const Number written = written_number(*node);
  try {
    written.check_fits(dtype, op.name);
  } catch (Error& error) {
    error.note("hint: cast the tensor that it meets to a wider dtype");
    throw;
  }
  NodeRef number = number_node(written, dtype);
  number->is_fraction = node->is_fraction;
  return number;
}

Tensor weak_number(const Tensor& value) {
  const bool fraction = is_floating(value.dtype());
  Tensor result = value.dtype() == DType::f64 ? shown(value.node()) : value;
  result.node()->is_weak = true;
  result.node()->is_fraction = fraction;
  return result;
}

bool is_weak_call(const OpDef& op, std::span<const NodeRef> inputs) {
  if (!op.is_elementwise || &op == &cast_op()) return false;
  return std::ranges::all_of(inputs, [](const NodeRef& x) { return is_number_like(*x); }) &&
         std::ranges::any_of(inputs, [](const NodeRef& x) { return x->is_weak; });
}

std::vector<NodeRef> widened(const OpDef& op, std::span<const NodeRef> inputs) {
  std::vector<NodeRef> wide;
  for (const NodeRef& input : inputs) {
    if (input->wide) {
      wide.push_back(input->wide);
    } else {
      wide.push_back(input->is_number && input->is_fraction ? number_as(input, DType::f64, op)
                                                            : input);
    }
  }
  return wide;
}

}  // namespace tenon::detail
