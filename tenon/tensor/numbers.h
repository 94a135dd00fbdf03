// C++ numbers as operands: weakly typed, they adopt the dtype of the tensor. Private to tensor/.
#pragma once

#include <span>
#include <vector>

#include "tenon/tensor/node.h"

namespace tenon::detail {

/// A number, or one whose value a trace does not know yet.
inline bool is_number_like(const TensorNode& node) { return node.is_number || node.is_weak; }

/// The number in the dtype of the other operand, which must be able to hold it.
NodeRef number_as(const NodeRef& number, DType dtype, const OpDef& op);

/// An argument of a traced function, f64[], i32[], i64[] or bool[], or the result of a weak call:
/// weakly typed, like the number it stands for. By itself, a floating-point one is f32.
Tensor weak_number(const Tensor& value);

/// The largest finite value of a floating-point dtype.
double largest_finite(DType dtype);

/// The dtype in which a tensor of `dtype` can be compared with the number exactly, as in NumPy.
DType compared_dtype(DType dtype, const TensorNode& number);
/// The operands of a comparison of a tensor with a number, adjusted so that comparing them in
/// `compared_dtype` is mathematically exact. The caller converts them to that dtype.
std::vector<NodeRef> comparable(const OpDef& comparison, std::span<const NodeRef> operands);

/// Whether a call is arithmetic on numbers of which at least one is not known yet.
bool is_weak_call(const OpDef& op, std::span<const NodeRef> inputs);
/// The operands of such a call with all their digits.
std::vector<NodeRef> widened(const OpDef& op, std::span<const NodeRef> inputs);

}  // namespace tenon::detail
