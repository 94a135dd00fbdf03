#include "tenon/tensor/numbers.h"

#include <algorithm>
#include <array>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/known_op.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/op_functions.h"

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

/// What stands for x next to the fraction n where it may be compared with 0: x - n. An i64 that f64
/// rounds is told apart from n by what the rounding took, which f64 holds.
Tensor exact_distance(const Tensor& x, const Tensor& n) {
  Tensor rounded = x.cast(DType::f64);
  // Of 2^63, to which the largest are rounded, the cast gives one less.
  Tensor lost = x - rounded.cast(DType::i64) - (rounded == 0x1p63).cast(DType::i64);
  return (rounded - n) + lost.cast(DType::f64);
}

/// A number that is not known yet, for comparisons of reals: where it is finite, but not in their
/// dtype, what they compare alike with. `below` says that x is less than it, or not (`less`,
/// `greater_equal`); equal to it is nothing.
NodeRef limited(const NodeRef& number, DType dtype, bool by_order, bool below) {
  Tensor exact(number->wide ? number->wide : number);
  Tensor rounded = exact.cast(dtype);
  const double largest = largest_finite(dtype);
  Tensor outside = full({}, std::numeric_limits<double>::quiet_NaN(), dtype);
  if (by_order) outside = below ? maximum(rounded, -largest) : minimum(rounded, largest);
  Tensor is_outside = is_finite(exact.cast(DType::f64)) && !is_finite(rounded);
  return ops::select(is_outside, outside, rounded).node();
}

}  // namespace

double largest_finite(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return 65504;
    case DType::bf16:
      return 0x1.fep127;
    case DType::f64:
      return std::numeric_limits<double>::max();
    default:
      return static_cast<double>(std::numeric_limits<float>::max());
  }
}

DType compared_dtype(DType dtype, const TensorNode& number) {
  if (is_floating(dtype)) {
    const bool fits = !number.is_number || written_number(number).fits(dtype);
    return fits ? dtype : DType::f64;
  }
  if (number.is_fraction) return DType::f64;
  if (!number.is_number) return promote(dtype, number.type.dtype);
  return written_number(number).fits(dtype) ? dtype : DType::i64;
}

std::vector<NodeRef> comparable(const OpDef& comparison, std::span<const NodeRef> operands) {
  const bool number_first = is_number_like(*operands[0]);
  const NodeRef &number = operands[number_first ? 0 : 1], &x = operands[number_first ? 1 : 0];
  std::vector<NodeRef> result(operands.begin(), operands.end());
  const DType dtype = x->type.dtype;
  if (number->is_fraction && dtype == DType::i64) {
    Tensor fraction = Tensor(number).cast(DType::f64);
    result[number_first ? 1 : 0] = exact_distance(Tensor(x), fraction).node();
    result[number_first ? 0 : 1] = full({}, 0, DType::f64).node();
  } else if (!number->is_number && is_floating(dtype) && dtype != DType::f64) {
    const Comparison kind = *comparison.comparison;
    const bool by_order = kind != Comparison::equal && kind != Comparison::not_equal;
    const bool with_less = kind == Comparison::less || kind == Comparison::greater_equal;
    result[number_first ? 0 : 1] = limited(number, dtype, by_order, with_less != number_first);
  }
  return result;
}

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
