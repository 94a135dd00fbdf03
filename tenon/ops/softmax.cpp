#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

std::vector<Type> same_type_one_axis(InferContext& c) {
  normalise_axis(c, "axis", c.input(0).rank());
  return {c.input(0)};
}

/// The largest element, for subtraction before exp; no derivative flows through it.
Value shift_of(Value x, int64_t axis) { return stop_gradient(reduce_max(x, {axis}, true)); }

void add_softmax(OpFamily& ops) {
  auto axis_of = [](const RuleContext& c) { return c.attributes.integer("axis"); };
  std::initializer_list<Sample> samples = {{"f32[3,5]", {}, {}},
                                           {"f32[n,7]", {}, {}},
                                           {"f32[2,3,4]", {{"axis", 1}}, {}},
                                           {"bf16[2,6]", {}, {}},
                                           {"f64[5]", {{"axis", 0}}, {}},
                                           {"f32[4,n]", {{"axis", -1}}, {}},
                                           {"f32[0,3]", {{"axis", -1}}, {}}};
  ops.add(composite("softmax")
              .doc("exp(x) divided by its sum along an axis, without overflow.")
              .input("x", kFloating)
              .attribute("axis", AttributeKind::integer, -1, "the axis that sums to 1")
              .infer(same_type_one_axis)
              .decompose([axis_of](RuleContext& c) -> Values {
                Value x = widen(c.inputs[0]);
                Value e = exp(x - shift_of(x, axis_of(c)));
                return {cast(e / reduce_sum(e, {axis_of(c)}, true), c.inputs[0].dtype())};
              })
              .jvp([axis_of](JvpContext& c) -> Values {
                Value y = widen(c.outputs[0]);
                Value t = widen(c.tangents[0]);
                return {cast(y * (t - reduce_sum(y * t, {axis_of(c)}, true)), c.inputs[0].dtype())};
              })
              .vjp([axis_of](VjpContext& c) -> Values {
                Value y = widen(c.outputs[0]);
                Value ct = widen(c.cotangents[0]);
                return {
                    cast(y * (ct - reduce_sum(y * ct, {axis_of(c)}, true)), c.inputs[0].dtype())};
              })
              .onnx("Softmax")
              .samples(samples));
  ops.add(composite("log_softmax")
              .doc("The logarithm of softmax, exact where softmax underflows.")
              .input("x", kFloating)
              .attribute("axis", AttributeKind::integer, -1, "the axis whose exponentials sum to 1")
              .infer(same_type_one_axis)
              .decompose([axis_of](RuleContext& c) -> Values {
                Value x = widen(c.inputs[0]);
                Value centred = x - shift_of(x, axis_of(c));
                Value log_sum = log(reduce_sum(exp(centred), {axis_of(c)}, true));
                return {cast(centred - log_sum, c.inputs[0].dtype())};
              })
              .jvp([axis_of](JvpContext& c) -> Values {
                Value p = exp(widen(c.outputs[0]));
                Value t = widen(c.tangents[0]);
                return {cast(t - reduce_sum(p * t, {axis_of(c)}, true), c.inputs[0].dtype())};
              })
              .vjp([axis_of](VjpContext& c) -> Values {
                Value p = exp(widen(c.outputs[0]));
                Value ct = widen(c.cotangents[0]);
                return {cast(ct - p * reduce_sum(ct, {axis_of(c)}, true), c.inputs[0].dtype())};
              })
              .onnx("LogSoftmax")
              .samples(samples));
}

/// Puts reduced axes back with size 1.
Value restore_axes(Value reduced, const Shape& full, const Integers& axes) {
  return reshape(reduced, reduced_shape(full, axes, true));
}

/// exp(x - shift) and its sum over the axes, for a shift that keeps both in range.
struct ShiftedExponentials {
  Value shift, each, sum;

  ShiftedExponentials(Value x, const Integers& axes) {
    Value largest = stop_gradient(reduce_max(x, axes, true));
    // Where all elements are -inf, or one is +inf, there is nothing to subtract.
    shift = select(equal(largest - largest, 0.0), largest, 0.0);
    each = exp(x - shift);
    sum = reduce_sum(each, axes, true);
  }
  /// The derivative of log(sum) + shift by each element. Not exp(x - log_sum_exp(x)): the result
  /// may be too large to hold the digits that matter here.
  Value weights() const { return each / sum; }
};

void add_log_sum_exp(OpFamily& ops) {
  ops.add(composite("log_sum_exp")
              .doc("log(sum(exp(x))) over some axes, without overflow.")
              .input("x", kFloating)
              .attribute("axes", AttributeKind::integers, Integers{-1}, "the axes summed over")
              .attribute("keep", AttributeKind::boolean, false, "keep the axes with size 1")
              .infer([](InferContext& c) -> std::vector<Type> {
                const Type& x = c.input(0);
                const Integers& axes = normalise_axes(c, "axes", x.rank());
                return {{x.dtype, reduced_shape(x.shape, axes, c.attributes.boolean("keep"))}};
              })
              .decompose([](RuleContext& c) -> Values {
                const Integers& axes = c.attributes.integers("axes");
                Value x = widen(c.inputs[0]);
                if (axes.empty()) return {c.inputs[0]};
                ShiftedExponentials e(x, axes);
                Shape shape = reduced_shape(x.shape(), axes, c.attributes.boolean("keep"));
                return {cast(reshape(log(e.sum) + e.shift, shape), c.inputs[0].dtype())};
              })
              .jvp([](JvpContext& c) -> Values {
                const Integers& axes = c.attributes.integers("axes");
                ShiftedExponentials e(widen(c.inputs[0]), axes);
                Value weighted = e.weights() * widen(c.tangents[0]);
                Value tangent = reduce_sum(weighted, axes, c.attributes.boolean("keep"));
                return {cast(tangent, c.inputs[0].dtype())};
              })
              .vjp([](VjpContext& c) -> Values {
                const Integers& axes = c.attributes.integers("axes");
                Value x = widen(c.inputs[0]);
                Value ct = restore_axes(widen(c.cotangents[0]), x.shape(), axes);
                return {cast(ShiftedExponentials(x, axes).weights() * ct, c.inputs[0].dtype())};
              })
              .onnx("ReduceLogSumExp")
              .samples({{"f32[3,5]", {}, {}},
                        {"f32[n,4]", {{"axes", Integers{0}}}, {}},
                        {"f32[2,3,4]", {{"axes", Integers{0, 2}}, {"keep", true}}, {}},
                        {"bf16[2,6]", {}, {}},
                        {"f64[5]", {{"keep", true}}, {}}}));
}

}  // namespace

void register_softmax(OpRegistry& registry) {
  OpFamily ops(registry, "softmax");
  add_softmax(ops);
  add_log_sum_exp(ops);
}

}  // namespace tenon
