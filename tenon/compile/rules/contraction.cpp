#include <algorithm>

#include "tenon/compile/rules/rule.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

DotDims dims_of(const Attributes& a) {
  return {a.integers("lhs_contract"), a.integers("rhs_contract"), a.integers("lhs_batch"),
          a.integers("rhs_batch")};
}

bool contains(const Integers& axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

/// Whether axes lie next to each other in memory in this order, so that they act as one.
bool are_consecutive(const Integers& axes) {
  for (size_t i = 1; i < axes.size(); ++i) {
    if (axes[i] != axes[i - 1] + 1) return false;
  }
  return true;
}

/// A transposed operand of a dot needs no transposing: the dot's axes are renamed. Holds where the
/// free axes keep their order.
Value transpose_into_dot(const Call& c, size_t operand) {
  const Node* inner = c.made_by(operand, CoreOp::transpose);
  if (!inner) return {};
  const Integers order = inner->attributes.integers("order");
  Value source = c.value(inner->inputs[0]);
  DotDims dims = dims_of(c.attributes);
  Integers& contract = operand == 0 ? dims.lhs_contract : dims.rhs_contract;
  Integers& batch = operand == 0 ? dims.lhs_batch : dims.rhs_batch;
  int64_t last = -1;
  Integers free;
  for (size_t i = 0; i < order.size(); ++i) {
    auto axis = static_cast<int64_t>(i);
    if (contains(contract, axis) || contains(batch, axis)) continue;
    if (order[i] < last) return {};
    last = order[i];
    free.push_back(order[i]);
  }
  for (int64_t& axis : contract) axis = order[static_cast<size_t>(axis)];
  for (int64_t& axis : batch) axis = order[static_cast<size_t>(axis)];
  if (!are_consecutive(free) || !are_consecutive(contract)) return {};
  return operand == 0 ? dot(source, c.inputs[1], dims) : dot(c.inputs[0], source, dims);
}

/// A transposed product is the product of the swapped operands.
Value transpose_of_dot(const Call& c) {
  const Node* inner = c.made_by(0, CoreOp::dot);
  if (!inner) return {};
  DotDims dims = dims_of(inner->attributes);
  Value lhs = c.value(inner->inputs[0]);
  Value rhs = c.value(inner->inputs[1]);
  auto batch = static_cast<int64_t>(dims.lhs_batch.size());
  auto lhs_free =
      static_cast<int64_t>(lhs.rank()) - batch - static_cast<int64_t>(dims.lhs_contract.size());
  auto rank = static_cast<int64_t>(c.type.rank());
  Integers swapped;
  for (int64_t i = 0; i < batch; ++i) swapped.push_back(i);
  for (int64_t i = batch + lhs_free; i < rank; ++i) swapped.push_back(i);
  for (int64_t i = batch; i < batch + lhs_free; ++i) swapped.push_back(i);
  if (c.attributes.integers("order") != swapped) return {};
  return dot(rhs, lhs, {dims.rhs_contract, dims.lhs_contract, dims.rhs_batch, dims.lhs_batch});
}

}  // namespace

std::vector<Rule> contraction_rules() {
  return {
      {"transpose-lhs-into-dot", CoreOp::dot,
       [](const Call& c) { return transpose_into_dot(c, 0); }},
      {"transpose-rhs-into-dot", CoreOp::dot,
       [](const Call& c) { return transpose_into_dot(c, 1); }},
      {"transpose-of-dot", CoreOp::transpose, transpose_of_dot},
  };
}

}  // namespace tenon
