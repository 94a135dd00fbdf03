#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/square_unit.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

DType wide_dtype(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

/// A parameter has the dtype of x, or f32 where x is of half precision.
void check_parameter(const InferContext& c, size_t i, std::string_view name, const Shape& shape) {
  if (c.inputs.size() <= i) return;
  const Type& x = c.input(0);
  const Type& given = c.input(i);
  bool dtype_fits = given.dtype == x.dtype || given.dtype == wide_dtype(x.dtype);
  if (given.shape == shape && dtype_fits) return;
  fail(dtype_fits ? ErrorCode::shape_mismatch : ErrorCode::type_mismatch,
       "{} is {}, but x {} needs {}", name, given.to_string(), x.to_string(),
       Type{x.dtype, shape}.to_string());
}

Shape shape_along(const Shape& shape, const Integers& axes) {
  Shape result;
  for (int64_t axis : axes) result.push_back(shape[static_cast<size_t>(axis)]);
  return result;
}

/// scale and bias, where given, along `axes` of a wide y.
Value scale_and_shift(Value y, std::span<const Value> inputs, const Integers& axes) {
  if (inputs.size() > 1) y = y * broadcast(widen(inputs[1]), y.shape(), axes);
  if (inputs.size() > 2) y = y + broadcast(widen(inputs[2]), y.shape(), axes);
  return y;
}

Value standardize(Value x, const Integers& axes, double epsilon, bool centred = true) {
  return x.build().call("standardize", {x},
                        {{"axes", axes}, {"epsilon", epsilon}, {"centred", centred}});
}

Integers range(size_t begin, size_t end) {
  Integers axes;
  for (size_t i = begin; i < end; ++i) axes.push_back(static_cast<int64_t>(i));
  return axes;
}

// --- standardize: the heart of layer, group, instance and root mean square norm ---

/// Of a wide x, less its mean if it is centred. In value and derivatives the same expressions, so
/// that they share one computation.
struct Standardized {
  Value y;
  Value reciprocal;  // 1 / sqrt(mean square + epsilon), with the axes of size 1

  Standardized(Value x, const Attributes& attributes) {
    const Integers& axes = attributes.integers("axes");
    const double epsilon = attributes.real("epsilon");
    const bool centred = attributes.boolean("centred");
    SquareUnit unit(reduce_sum(x * x, axes, true), epsilon);
    auto mean = [&](auto power) {
      return unit.choose([&](double factor) {
        return reduce_mean(power(factor == 1 ? x : x * factor), axes, true);
      });
    };
    auto square = [](Value v) { return v * v; };
    // In one pass over x: sums in all units, of which one is chosen.
    Value scaled = x * unit.factor;
    if (centred) scaled = scaled - mean([](Value v) { return v; });
    const Value r =
        unit.reciprocal_root(centred ? reduce_mean(square(scaled), axes, true) : mean(square));
    y = scaled * r;
    auto [inner, outer] = unit.reciprocal(r);
    reciprocal = inner * outer;
  }
};

/// Jacobian times vector; symmetric, so that it serves both directions:
/// r * (v - mean(v) - y * mean(v * y)) with r the reciprocal deviation.
Value standardize_derivative(RuleContext& c, Value vector) {
  const Integers& axes = c.attributes.integers("axes");
  Value y = widen(c.outputs[0]);
  Value v = widen(vector);
  Value r = Standardized(widen(c.inputs[0]), c.attributes).reciprocal;
  Value projected = v - y * reduce_mean(v * y, axes, true);
  if (c.attributes.boolean("centred")) projected = projected - reduce_mean(v, axes, true);
  return cast(r * projected, c.inputs[0].dtype());
}

void add_standardize(OpFamily& ops) {
  ops.add(
      composite("standardize")
          .doc("(x - mean) / sqrt(variance + epsilon) with mean and variance over some axes; x / "
               "sqrt(mean square + epsilon) where it is not centred.")
          .input("x", kFloating)
          .attribute("axes", AttributeKind::integers, Integers{-1}, "axes of the statistics")
          .attribute("epsilon", AttributeKind::real, 1e-5, "added to the variance")
          .attribute("centred", AttributeKind::boolean, true, "whether the mean is subtracted")
          .infer([](InferContext& c) -> std::vector<Type> {
            normalise_axes(c, "axes", c.input(0).rank());
            return {c.input(0)};
          })
          .decompose([](RuleContext& c) -> Values {
            Value y = Standardized(widen(c.inputs[0]), c.attributes).y;
            return {cast(y, c.inputs[0].dtype())};
          })
          .jvp([](JvpContext& c) -> Values { return {standardize_derivative(c, c.tangents[0])}; })
          .vjp([](VjpContext& c) -> Values { return {standardize_derivative(c, c.cotangents[0])}; })
          .onnx("MeanVarianceNormalization")
          .samples({{"f32[3,5]", {}, {}},
                    {"f32[n,6]", {}, {}},
                    {"f32[2,3,4]", {{"axes", Integers{0, 2}}}, {}},
                    {"bf16[2,8]", {}, {}},
                    {"f32[3,5]", {{"centred", false}}, {}},
                    {"f32[3,5]", {{"epsilon", 1e-35}}, {}},
                    {"f64[4,3]", {{"axes", Integers{0}}, {"epsilon", 1e-3}}, {}}}));
}

void add_layer_norms(OpFamily& ops) {
  auto infer = [](InferContext& c) -> std::vector<Type> {
    const Type& x = c.input(0);
    const Integers& axes = normalise_axes(c, "axes", x.rank());
    check_parameter(c, 1, "scale", shape_along(x.shape, axes));
    check_parameter(c, 2, "bias", shape_along(x.shape, axes));
    return {x};
  };
  ops.add(composite("layer_norm")
              .doc("standardize over some axes, then times scale plus bias (Ba et al. 2016).")
              .input("x", kFloating)
              .optional_input("scale", kFloating)
              .optional_input("bias", kFloating)
              .attribute("axes", AttributeKind::integers, Integers{-1}, "axes of the statistics")
              .attribute("epsilon", AttributeKind::real, 1e-5, "added to the variance")
              .infer(infer)
              .decompose([](RuleContext& c) -> Values {
                const Integers& axes = c.attributes.integers("axes");
                Value y = standardize(widen(c.inputs[0]), axes, c.attributes.real("epsilon"));
                return {cast(scale_and_shift(y, c.inputs, axes), c.inputs[0].dtype())};
              })
              .onnx("LayerNormalization")
              .samples({{"f32[3,5], f32[5], f32[5]", {}, {}},
                        {"f32[n,6], f32[6]", {}, {}},
                        {"f32[2,3,4], f32[3,4], f32[3,4]", {{"axes", Integers{1, 2}}}, {}},
                        {"bf16[2,8], bf16[8], bf16[8]", {}, {}},
                        {"bf16[2,8], f32[8], f32[8]", {}, {}},
                        {"f64[4,3]", {}, {}}}));
  ops.add(composite("rms_norm")
              .doc("x divided by its root mean square over some axes, times scale "
                   "(Zhang and Sennrich 2019).")
              .input("x", kFloating)
              .optional_input("scale", kFloating)
              .attribute("axes", AttributeKind::integers, Integers{-1}, "axes of the mean")
              .attribute("epsilon", AttributeKind::real, 1e-6, "added to the mean square")
              .infer(infer)
              .decompose([](RuleContext& c) -> Values {
                const Integers& axes = c.attributes.integers("axes");
                Value y =
                    standardize(widen(c.inputs[0]), axes, c.attributes.real("epsilon"), false);
                return {cast(scale_and_shift(y, c.inputs, axes), c.inputs[0].dtype())};
              })
              .onnx("RMSNormalization")
              .samples({{"f32[3,5], f32[5]", {}, {}},
                        {"f32[n,6]", {}, {}},
                        {"f32[2,3,4], f32[3,4]", {{"axes", Integers{1, 2}}}, {}},
                        {"bf16[2,8], bf16[8]", {}, {}}}));
}

void add_group_norms(OpFamily& ops) {
  auto check_channels = [](InferContext& c) {
    const Type& x = c.input(0);
    if (x.rank() < 2) {
      fail(ErrorCode::shape_mismatch, "x is {}; it needs the axes [batch, …, channels]",
           x.to_string());
    }
    check_parameter(c, 1, "scale", {x.shape.dims().back()});
    check_parameter(c, 2, "bias", {x.shape.dims().back()});
  };
  ops.add(
      composite("group_norm")
          .doc("standardize over space and groups of channels of [batch, …, channels], then times "
               "scale plus bias by channel (Wu and He 2018).")
          .input("x", kFloating)
          .optional_input("scale", kFloating)
          .optional_input("bias", kFloating)
          .attribute("groups", AttributeKind::integer, "number of groups of channels")
          .attribute("epsilon", AttributeKind::real, 1e-5, "added to the variance")
          .infer([check_channels](InferContext& c) -> std::vector<Type> {
            check_channels(c);
            const Dim& channels = c.input(0).shape.dims().back();
            int64_t groups = c.attributes.integer("groups");
            if (groups < 1 || !channels.divided_by(groups)) {
              fail(ErrorCode::invalid_argument, "{} channels cannot form {} equal groups",
                   channels.to_string(), groups);
            }
            return {c.input(0)};
          })
          .decompose([](RuleContext& c) -> Values {
            Value x = widen(c.inputs[0]);
            int64_t groups = c.attributes.integer("groups");
            size_t channel = x.rank() - 1;
            Shape split = x.shape();
            split[channel] = Dim(groups);
            split.push_back(*x.dim(channel).divided_by(groups));
            Integers axes = range(1, channel);
            axes.push_back(static_cast<int64_t>(channel + 1));
            Value y = standardize(reshape(x, split), axes, c.attributes.real("epsilon"));
            y = scale_and_shift(reshape(y, x.shape()), c.inputs, range(channel, channel + 1));
            return {cast(y, c.inputs[0].dtype())};
          })
          .onnx("GroupNormalization")
          .samples({{"f32[2,3,3,6], f32[6], f32[6]", {{"groups", 2}}, {}},
                    {"f32[n,4,4], f32[4]", {{"groups", 4}}, {}},
                    {"bf16[2,5,4]", {{"groups", 1}}, {}}}));
  ops.add(
      composite("instance_norm")
          .doc("standardize over the space of [batch, …, channels], then times scale plus bias by "
               "channel (Ulyanov et al. 2016).")
          .input("x", kFloating)
          .optional_input("scale", kFloating)
          .optional_input("bias", kFloating)
          .attribute("epsilon", AttributeKind::real, 1e-5, "added to the variance")
          .infer([check_channels](InferContext& c) -> std::vector<Type> {
            check_channels(c);
            return {c.input(0)};
          })
          .decompose([](RuleContext& c) -> Values {
            Value x = widen(c.inputs[0]);
            size_t channel = x.rank() - 1;
            Value y = standardize(x, range(1, channel), c.attributes.real("epsilon"));
            y = scale_and_shift(y, c.inputs, range(channel, channel + 1));
            return {cast(y, c.inputs[0].dtype())};
          })
          .onnx("InstanceNormalization")
          .samples({{"f32[2,3,3,4], f32[4], f32[4]", {}, {}}, {"f32[n,5,3]", {}, {}}}));
}

}  // namespace

void register_normalisation(OpRegistry& registry) {
  OpFamily ops(registry, "normalisation");
  add_standardize(ops);
  add_layer_norms(ops);
  add_group_norms(ops);
}

}  // namespace tenon
