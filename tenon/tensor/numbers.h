// C++ numbers among tensors: they give way to the dtypes that they meet. Private to tensor/.
#pragma once

#include <span>
#include <vector>

#include "tenon/tensor/node.h"

namespace tenon::detail {

/// A number, or one whose value a trace does not know yet.
inline bool is_number_like(const TensorNode& node) { return node.is_number || node.is_weak; }

/// The number in the dtype of the tensor that it meets, which must be able to hold it.
NodeRef number_as(const NodeRef& number, DType dtype, const OpDef& op);

/// An argument of a traced function, f64[], i32[], i64[] or bool[], or what a weak call gives: it
/// gives way to other dtypes as the number does that it stands for. By itself a fraction is f32.
Tensor weak_number(const Tensor& value);

/// Of a floating dtype.
double largest_finite(DType dtype);

/// Where values of a tensor's dtype may be compared with the number as it is, as in NumPy.
DType compared_dtype(DType dtype, const TensorNode& number);
/// The operands of a comparison of a tensor with a number, so that it comes out as in mathematics
/// in `compared_dtype`, to which they are converted next.
std::vector<NodeRef> comparable(const OpDef& comparison, std::span<const NodeRef> operands);

/// Whether a call is arithmetic of numbers of which one is not known yet.
bool is_weak_call(const OpDef& op, std::span<const NodeRef> inputs);
/// Its operands with all their digits.
std::vector<NodeRef> widened(const OpDef& op, std::span<const NodeRef> inputs);

}  // namespace tenon::detail
