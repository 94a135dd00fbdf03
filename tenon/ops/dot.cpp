#include "tenon/ops/dot.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

Integers free_axes(size_t rank, const Integers& batch, const Integers& contract) {
  Integers free;
  for (int64_t axis = 0; axis < to_axis(rank); ++axis) {
    if (!contains(batch, axis) && !contains(contract, axis)) free.push_back(axis);
  }
  return free;
}

void normalise(Attributes& attributes, const char* contract, const char* batch, size_t rank) {
  Integers seen;
  for (const char* name : {contract, batch}) {
    Integers axes = attributes.integers(name);
    for (int64_t& axis : axes) {
      axis = to_axis(normalise_axis(axis, rank, name));
      if (contains(seen, axis)) {
        fail(ErrorCode::invalid_argument, "axis {} appears twice in {} and {}", axis, contract,
             batch);
      }
      seen.push_back(axis);
    }
    attributes.set(name, std::move(axes));
  }
}

void check_pairs(const Type& lhs, const Type& rhs, const Integers& lhs_axes,
                 const Integers& rhs_axes, const char* what) {
  if (lhs_axes.size() != rhs_axes.size()) {
    fail(ErrorCode::invalid_argument, "{} {} axes of lhs but {} of rhs", lhs_axes.size(), what,
         rhs_axes.size());
  }
  for (size_t i = 0; i < lhs_axes.size(); ++i) {
    if (lhs.dim(to_index(lhs_axes[i])) == rhs.dim(to_index(rhs_axes[i]))) continue;
    fail(ErrorCode::shape_mismatch,
         "{} dimensions differ: axis {} of lhs {} is {}, axis {} of rhs {} is {}", what,
         lhs_axes[i], lhs.to_string(), lhs.dim(to_index(lhs_axes[i])).to_string(), rhs_axes[i],
         rhs.to_string(), rhs.dim(to_index(rhs_axes[i])).to_string());
  }
}

std::vector<Type> infer_dot(InferContext& c) {
  const Type& lhs = c.input(0);
  const Type& rhs = c.input(1);
  if (lhs.dtype != rhs.dtype) {
    fail(ErrorCode::type_mismatch, "dtypes differ: lhs {} and rhs {}", lhs.to_string(),
         rhs.to_string());
  }
  normalise(c.attributes, "lhs_contract", "lhs_batch", lhs.rank());
  normalise(c.attributes, "rhs_contract", "rhs_batch", rhs.rank());
  DotAxes axes = dot_axes(c.attributes, lhs.rank(), rhs.rank());
  check_pairs(lhs, rhs, axes.lhs_contract, axes.rhs_contract, "inner");
  check_pairs(lhs, rhs, axes.lhs_batch, axes.rhs_batch, "batch");
  Type result{lhs.dtype, {}};
  for (int64_t axis : axes.lhs_batch) result.shape.push_back(lhs.dim(to_index(axis)));
  for (int64_t axis : axes.lhs_free) result.shape.push_back(lhs.dim(to_index(axis)));
  for (int64_t axis : axes.rhs_free) result.shape.push_back(rhs.dim(to_index(axis)));
  return {result};
}

/// A dot whose result axes stand for `meaning[i]`, axes of the operand that is differentiated.
struct Candidate {
  DotDims dims;
  Integers meaning;
  bool cotangent_first;

  bool in_order() const { return std::is_sorted(meaning.begin(), meaning.end()); }
};

/// The cotangent of one operand is a dot of the result's cotangent with the other operand; of the
/// two possible orders the one is taken that needs no transpose, where there is one.
Value transpose_dot(TransposeContext& c) {
  bool left = c.operand == 0;
  const Value& other = c.inputs[left ? 1 : 0];
  DotAxes axes = dot_axes(c.attributes, c.inputs[0].rank(), c.inputs[1].rank());
  const Integers& own_batch = left ? axes.lhs_batch : axes.rhs_batch;
  const Integers& own_contract = left ? axes.lhs_contract : axes.rhs_contract;
  const Integers& own_free = left ? axes.lhs_free : axes.rhs_free;
  const Integers& other_batch = left ? axes.rhs_batch : axes.lhs_batch;
  const Integers& other_contract = left ? axes.rhs_contract : axes.lhs_contract;
  const Integers& other_free = left ? axes.rhs_free : axes.lhs_free;

  Integers cotangent_batch, cotangent_own, cotangent_other;
  int64_t axis = 0;
  for (size_t i = 0; i < own_batch.size(); ++i) cotangent_batch.push_back(axis++);
  for (size_t i = 0; i < axes.lhs_free.size(); ++i) {
    (left ? cotangent_own : cotangent_other).push_back(axis++);
  }
  for (size_t i = 0; i < axes.rhs_free.size(); ++i) {
    (left ? cotangent_other : cotangent_own).push_back(axis++);
  }

  // What remains free in `other` are its contracted axes, in ascending order.
  Integers remaining;
  for (int64_t free : free_axes(other.rank(), other_batch, other_free)) {
    auto pair = std::find(other_contract.begin(), other_contract.end(), free);
    remaining.push_back(own_contract[static_cast<size_t>(pair - other_contract.begin())]);
  }
  auto meaning = [&](const Integers& first, const Integers& second) {
    Integers all = own_batch;
    all.insert(all.end(), first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
  };
  Candidate cotangent_first{{cotangent_other, other_free, cotangent_batch, other_batch},
                            meaning(own_free, remaining),
                            true};
  Candidate other_first{{other_free, cotangent_other, other_batch, cotangent_batch},
                        meaning(remaining, own_free),
                        false};
  const Candidate& chosen =
      other_first.in_order() && !cotangent_first.in_order() ? other_first : cotangent_first;
  Value product = chosen.cotangent_first ? dot(c.cotangent, other, chosen.dims)
                                         : dot(other, c.cotangent, chosen.dims);
  if (chosen.in_order()) return product;
  Integers order(chosen.meaning.size());
  for (size_t i = 0; i < order.size(); ++i) order[to_index(chosen.meaning[i])] = to_axis(i);
  return transpose(product, order);
}

std::vector<Value> batch_dot(BatchContext& c) {
  auto own = [&](const char* name, bool batched) {
    const Integers& axes = c.attributes.integers(name);
    return batched ? after_batch(axes) : axes;
  };
  DotDims dims{own("lhs_contract", c.batched[0]), own("rhs_contract", c.batched[1]),
               own("lhs_batch", c.batched[0]), own("rhs_batch", c.batched[1])};
  if (c.batched[0] && c.batched[1]) {
    dims.lhs_batch.insert(dims.lhs_batch.begin(), 0);
    dims.rhs_batch.insert(dims.rhs_batch.begin(), 0);
    return {dot(c.inputs[0], c.inputs[1], dims)};
  }
  // The batch is the first free axis of the side that has it.
  Value result = dot(c.inputs[0], c.inputs[1], dims);
  size_t position = dims.lhs_batch.size();
  if (c.batched[1]) position = c.inputs[0].rank() - dims.lhs_contract.size();
  return {position == 0 ? result : move_axis(result, to_axis(position), 0)};
}

/// Positions in both operands from a position in the result and one in the contracted box.
template <class Index>
void operand_positions(const DotAxes& axes, std::span<const Index> result,
                       std::span<const Index> contracted, std::vector<Index>& lhs,
                       std::vector<Index>& rhs) {
  size_t axis = 0;
  for (size_t i = 0; i < axes.lhs_batch.size(); ++i, ++axis) {
    lhs[to_index(axes.lhs_batch[i])] = result[axis];
    rhs[to_index(axes.rhs_batch[i])] = result[axis];
  }
  for (int64_t free : axes.lhs_free) lhs[to_index(free)] = result[axis++];
  for (int64_t free : axes.rhs_free) rhs[to_index(free)] = result[axis++];
  for (size_t i = 0; i < contracted.size(); ++i) {
    lhs[to_index(axes.lhs_contract[i])] = contracted[i];
    rhs[to_index(axes.rhs_contract[i])] = contracted[i];
  }
}

int64_t offset(std::span<const int64_t> position, std::span<const int64_t> strides) {
  int64_t sum = 0;
  for (size_t i = 0; i < position.size(); ++i) sum += position[i] * strides[i];
  return sum;
}

void reference_dot(ReferenceCall& call) {
  const RefArray& lhs = call.input(0);
  const RefArray& rhs = call.input(1);
  RefArray& out = call.output(0);
  DotAxes axes = dot_axes(call.attributes(), lhs.rank(), rhs.rank());
  std::vector<int64_t> lhs_strides = row_major_strides(lhs.shape());
  std::vector<int64_t> rhs_strides = row_major_strides(rhs.shape());
  std::vector<int64_t> extents, lhs_at(lhs.rank()), rhs_at(rhs.rank());
  for (int64_t axis : axes.lhs_contract) extents.push_back(lhs.dim(to_index(axis)));
  for (BoxIndex result(out.shape()); !result.done(); result.next()) {
    double real_sum = 0;
    uint64_t integer_sum = 0;  // wraps
    for (BoxIndex inner(extents); !inner.done(); inner.next()) {
      operand_positions<int64_t>(axes, result.position(), inner.position(), lhs_at, rhs_at);
      int64_t i = offset(lhs_at, lhs_strides);
      int64_t j = offset(rhs_at, rhs_strides);
      if (out.is_real()) {
        real_sum += lhs.get(i) * rhs.get(j);
      } else {
        integer_sum +=
            static_cast<uint64_t>(lhs.get_int(i)) * static_cast<uint64_t>(rhs.get_int(j));
      }
    }
    if (out.is_real()) {
      out.set(result.linear(), real_sum);
    } else {
      out.set_int(result.linear(), static_cast<int64_t>(integer_sum));
    }
  }
}

Expr dot_element(ElementContext& c) {
  const Type& lhs = c.input_type(0);
  const Type& rhs = c.input_type(1);
  DotAxes axes = dot_axes(c.attributes(), lhs.rank(), rhs.rank());
  DType compute = compute_type(lhs.dtype);
  std::vector<Dim> extents;
  for (int64_t axis : axes.lhs_contract) extents.push_back(lhs.dim(to_index(axis)));
  auto product = [&](std::span<const Expr> contracted) {
    std::vector<Expr> lhs_at(lhs.rank()), rhs_at(rhs.rank());
    operand_positions<Expr>(axes, c.index(), contracted, lhs_at, rhs_at);
    return cast(c.input(0, lhs_at), compute) * cast(c.input(1, rhs_at), compute);
  };
  Expr sum = extents.empty() ? product({}) : c.reduce(ReduceKind::sum, extents, product);
  return cast(sum, lhs.dtype);
}

}  // namespace

DotAxes dot_axes(const Attributes& attributes, size_t lhs_rank, size_t rhs_rank) {
  DotAxes axes{attributes.integers("lhs_batch"),
               attributes.integers("rhs_batch"),
               attributes.integers("lhs_contract"),
               attributes.integers("rhs_contract"),
               {},
               {}};
  axes.lhs_free = free_axes(lhs_rank, axes.lhs_batch, axes.lhs_contract);
  axes.rhs_free = free_axes(rhs_rank, axes.rhs_batch, axes.rhs_contract);
  return axes;
}

void register_dot(OpRegistry& registry) {
  OpFamily ops(registry, "dot");
  auto axes = [](Integers lhs_contract, Integers rhs_contract, Integers lhs_batch = {},
                 Integers rhs_batch = {}) {
    return Attributes{{"lhs_contract", std::move(lhs_contract)},
                      {"rhs_contract", std::move(rhs_contract)},
                      {"lhs_batch", std::move(lhs_batch)},
                      {"rhs_batch", std::move(rhs_batch)}};
  };
  ops.add(
      primitive("dot")
          .doc("Sums products over the contracted axes of two tensors. The result's axes are the "
               "batch axes, then the free axes of lhs, then the free axes of rhs.")
          .input("lhs", kNumeric)
          .input("rhs", kNumeric)
          .attribute("lhs_contract", AttributeKind::integers, "axes of lhs that are summed over")
          .attribute("rhs_contract", AttributeKind::integers, "the axes of rhs paired with them")
          .attribute("lhs_batch", AttributeKind::integers, Integers{},
                     "axes of lhs that both operands share")
          .attribute("rhs_batch", AttributeKind::integers, Integers{},
                     "the axes of rhs paired with them")
          .infer(infer_dot)
          .linear({0, 1}, transpose_dot)
          .batch(batch_dot)
          .reference(reference_dot)
          .element(dot_element)
          .onnx("MatMul")
          .onnx("Gemm")
          .onnx("Einsum")
          .samples({{"f32[3,4], f32[4,5]", axes({1}, {0}), {}},
                    {"f32[n,4], f32[5,4]", axes({1}, {1}), {}},
                    {"f32[4,n], f32[4,3]", axes({0}, {0}), {}},
                    {"f32[k,4], f32[3,k]", axes({0}, {1}), {}},
                    {"f32[b,3,4], f32[b,4,2]", axes({2}, {1}, {0}, {0}), {}},
                    {"f32[2,3,4,5], f32[5,2,6,4]", axes({3, 2}, {0, 3}, {0}, {1}), {}},
                    {"f32[2,3,4,5], f32[3,7,2,5]", axes({-1}, {-1}, {0, 1}, {2, 0}), {}},
                    {"f32[4], f32[4]", axes({0}, {0}), {}},
                    {"f32[3], f32[4]", axes({}, {}), {}},
                    {"f32[3,0], f32[0,2]", axes({1}, {0}), {}},
                    {"f32[33,70], f32[70,17]", axes({1}, {0}), {}},
                    {"bf16[3,4], bf16[4,5]", axes({1}, {0}), {}},
                    {"f64[3,4], f64[4,5]", axes({1}, {0}), {}},
                    {"i32[3,4], i32[4,2]", axes({1}, {0}), {}}}));
}

}  // namespace tenon
