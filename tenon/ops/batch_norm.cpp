#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

/// Everything along the channel axis has rank 1; this spreads it over x.
struct Channels {
  Shape shape;
  Integers axis;
  Integers others;

  explicit Channels(const RuleContext& c)
      : shape(c.inputs[0].shape()),
        axis{c.attributes.integer("axis")},
        others(other_axes(shape.rank(), axis)) {}

  Value spread(Value per_channel) const { return broadcast(widen(per_channel), shape, axis); }
  Value sum(Value x) const { return reduce_sum(x, others); }
  Value mean(Value x) const { return reduce_mean(x, others); }
  /// By the number of elements in one channel.
  Value divide_by_count(Value per_channel) const {
    Dim count(1);
    for (int64_t other : others) count = count * shape[static_cast<size_t>(other)];
    Value wide = widen(per_channel);
    return wide / dim_value(wide.build(), count, wide.dtype());
  }
};

Dim check_channel_axis(InferContext& c, std::initializer_list<const char*> parameters) {
  const Type& x = c.input(0);
  size_t axis = normalise_axis(c, "axis", x.rank());
  size_t i = 1;
  for (const char* name : parameters) {
    const Type& given = c.input(i++);
    if (given.shape == Shape{x.dim(axis)}) continue;
    fail(ErrorCode::shape_mismatch, "{} is {}, but x {} has {} channels on axis {}", name,
         given.to_string(), x.to_string(), x.dim(axis).to_string(), axis);
  }
  return x.dim(axis);
}

/// Without a row there is nothing to take a mean of, and running averages would become NaN.
void check_has_rows(const InferContext& c) {
  const Type& x = c.input(0);
  for (int64_t axis : other_axes(x.rank(), {c.attributes.integer("axis")})) {
    if (!x.dim(static_cast<size_t>(axis)).is(0)) continue;
    throw make_error(ErrorCode::shape_mismatch, "x {} has no rows to average", x.to_string())
        .note("hint: batch_norm_inference takes the averages of training instead");
  }
}

/// Mean and variance of each channel in one pass over x. Subtracting any one sample first keeps the
/// difference of squares accurate (Chan, Golub and LeVeque 1983, "shifted data").
std::pair<Value, Value> moments(Value x, const Channels& channels) {
  Shape first = x.shape();
  for (int64_t axis : channels.others) first[static_cast<size_t>(axis)] = Dim(1);
  Shape origin(std::vector<Dim>(x.rank(), Dim(0)));
  Dim count = x.dim(static_cast<size_t>(channels.axis[0]));
  Value sample = reshape(slice(x, origin, first), {count});
  Value shifted = x - channels.spread(sample);
  Value mean = channels.mean(shifted);
  Value variance = maximum(channels.mean(shifted * shifted) - mean * mean, 0.0);
  return {sample + mean, variance};
}

Value reciprocal_deviation(const RuleContext& c) {
  return rsqrt(widen(c.outputs[2]) + c.attributes.real("epsilon"));
}

Values batch_norm_value(RuleContext& c) {
  Channels channels(c);
  Value x = widen(c.inputs[0]);
  auto [mean, variance] = moments(x, channels);
  Value factor = widen(c.inputs[1]) * rsqrt(variance + c.attributes.real("epsilon"));
  Value offset = widen(c.inputs[2]) - mean * factor;
  Value y = x * channels.spread(factor) + channels.spread(offset);
  return {cast(y, c.inputs[0].dtype()), mean, variance};
}

Values batch_norm_jvp(JvpContext& c) {
  Channels channels(c);
  Value centred = widen(c.inputs[0]) - channels.spread(c.outputs[1]);
  Value r = reciprocal_deviation(c);
  Value factor = widen(c.inputs[1]) * r;
  Value y, mean, variance;
  auto add = [](Value& sum, Value term) { sum = sum ? sum + term : term; };
  if (c.tangents[0]) {
    Value t = widen(c.tangents[0]);
    mean = channels.mean(t);
    variance = 2.0 * channels.mean(centred * t);
    add(y, channels.spread(factor) * (t - channels.spread(mean)));
    add(y, channels.spread(-0.5 * factor * r * r * variance) * centred);
  }
  if (c.tangents[1]) add(y, centred * channels.spread(r * widen(c.tangents[1])));
  if (c.tangents[2]) add(y, channels.spread(c.tangents[2]));
  return {y ? cast(y, c.inputs[0].dtype()) : y, mean, variance};
}

/// The cotangent of x is affine in the cotangent of y and in x, with coefficients by channel: one
/// pass of two sums, one pass that writes.
Values batch_norm_vjp(VjpContext& c) {
  Channels channels(c);
  Value centred = widen(c.inputs[0]) - channels.spread(c.outputs[1]);
  Values result(3);
  Value along_x, constant, dx;  // dx = factor * ct + along_x * centred + constant
  auto add = [](Value& sum, Value term) { sum = sum ? sum + term : term; };
  if (c.cotangents[0]) {
    Value ct = widen(c.cotangents[0]);
    Value r = reciprocal_deviation(c);
    Value factor = widen(c.inputs[1]) * r;
    dx = channels.spread(factor) * ct;
    constant = -(factor * channels.mean(ct));
    along_x = -(factor * r * r * channels.mean(ct * centred));
    if (c.wanted[1]) result[1] = cast(r * channels.sum(ct * centred), c.inputs[1].dtype());
    if (c.wanted[2]) result[2] = cast(channels.sum(ct), c.inputs[2].dtype());
  }
  if (c.cotangents[1]) add(constant, channels.divide_by_count(c.cotangents[1]));
  if (c.cotangents[2]) add(along_x, 2.0 * channels.divide_by_count(c.cotangents[2]));
  if (along_x) add(dx, channels.spread(along_x) * centred);
  if (constant) add(dx, channels.spread(constant));
  if (dx && c.wanted[0]) result[0] = cast(dx, c.inputs[0].dtype());
  return result;
}

}  // namespace

void register_batch_norm(OpRegistry& registry) {
  OpFamily ops(registry, "batch_norm");
  ops.add(
      composite("batch_norm")
          .doc("Batch normalisation in training: standardizes each channel over all other axes, "
               "then times scale plus bias. Returns y, and the mean and the (biased) variance of "
               "each channel for the running averages (Ioffe and Szegedy 2015).")
          .input("x", kFloating)
          .input("scale", kFloating)
          .input("bias", kFloating)
          .attribute("axis", AttributeKind::integer, -1, "the channel axis")
          .attribute("epsilon", AttributeKind::real, 1e-5, "added to the variance")
          .infer([](InferContext& c) -> std::vector<Type> {
            Dim channels = check_channel_axis(c, {"scale", "bias"});
            check_has_rows(c);
            bool half = c.input(0).dtype == DType::f16 || c.input(0).dtype == DType::bf16;
            Type statistic{half ? DType::f32 : c.input(0).dtype, {channels}};
            return {c.input(0), statistic, statistic};
          })
          .decompose(batch_norm_value)
          .jvp(batch_norm_jvp)
          .vjp(batch_norm_vjp)
          .onnx("BatchNormalization")
          .samples({{"f32[4,3,3,5], f32[5], f32[5]", {}, {}},
                    {"f32[n,6], f32[6], f32[6]", {}, {}},
                    {"f32[3,4,5], f32[4], f32[4]", {{"axis", 1}}, {}},
                    {"bf16[6,4], bf16[4], bf16[4]", {}, {}},
                    {"f64[7,2], f64[2], f64[2]", {{"epsilon", 1e-3}}, {}}}));
  ops.add(composite("batch_norm_inference")
              .doc("Batch normalisation with given mean and variance: one multiply and one add per "
                   "element.")
              .input("x", kFloating)
              .input("scale", kFloating)
              .input("bias", kFloating)
              .input("mean", kFloating)
              .input("variance", kFloating)
              .attribute("axis", AttributeKind::integer, -1, "the channel axis")
              .attribute("epsilon", AttributeKind::real, 1e-5, "added to the variance")
              .infer([](InferContext& c) -> std::vector<Type> {
                check_channel_axis(c, {"scale", "bias", "mean", "variance"});
                return {c.input(0)};
              })
              .decompose([](RuleContext& c) -> Values {
                Channels channels(c);
                Value deviation = widen(c.inputs[4]) + c.attributes.real("epsilon");
                Value factor = widen(c.inputs[1]) * rsqrt(deviation);
                Value offset = widen(c.inputs[2]) - widen(c.inputs[3]) * factor;
                Value x = widen(c.inputs[0]);
                Value y = x * channels.spread(factor) + channels.spread(offset);
                return {cast(y, c.inputs[0].dtype())};
              })
              .onnx("BatchNormalization")
              .samples({{"f32[4,3,3,5], f32[5], f32[5], f32[5], f32[5]",
                         {},
                         {{-2, 2}, {-2, 2}, {-2, 2}, {-2, 2}, {0.1, 2}}},
                        {"f32[n,6], f32[6], f32[6], f32[6], f32[6]",
                         {},
                         {{-2, 2}, {-2, 2}, {-2, 2}, {-2, 2}, {0.1, 2}}},
                        {"f32[2,4,5], f32[4], f32[4], f32[4], f32[4]",
                         {{"axis", 1}},
                         {{-2, 2}, {-2, 2}, {-2, 2}, {-2, 2}, {0.1, 2}}}}));
}

}  // namespace tenon
