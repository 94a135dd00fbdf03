#include <tuple>

#include "tenon/base/error.h"
#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/square_unit.h"
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

/// Mean and variance of each channel, in the unit in which the squares of a channel fit.
struct Moments {
  Value factor;        // x times this is in the unit
  Value centred;       // x less the mean, in the unit
  Value mean;          // in the unit
  Value variance;      // in the unit
  Value root;          // 1 / sqrt(variance + epsilon) in the unit
  Value inner, outer;  // factors of 1 / sqrt(variance + epsilon)

  Moments(const RuleContext& c, const Channels& channels) {
    Value x = widen(c.inputs[0]);
    const double epsilon = c.attributes.real("epsilon");
    const Value sample = first_sample(x, channels);
    auto in_unit = [&](double scale) { return SumsInUnit(x, sample, channels, scale); };
    SquareUnit unit(in_unit(1).squares + sample * sample, epsilon);
    factor = unit.factor;
    // In all units in one pass over x.
    Value shifted_mean =
        channels.divide_by_count(unit.choose([&](double scale) { return in_unit(scale).sum; }));
    Value mean_square =
        channels.divide_by_count(unit.choose([&](double scale) { return in_unit(scale).squares; }));
    variance = maximum(mean_square - shifted_mean * shifted_mean, 0.0);
    mean = sample * factor + shifted_mean;
    centred = x * channels.spread(factor) - channels.spread(mean);
    root = unit.reciprocal_root(variance);
    std::tie(inner, outer) = unit.reciprocal(root);
  }

 private:
  /// Subtracting any one sample first keeps the difference of squares accurate (Chan, Golub and
  /// LeVeque 1983, "shifted data").
  struct SumsInUnit {
    Value sum, squares;
    SumsInUnit(Value x, Value sample, const Channels& channels, double scale) {
      Value shifted =
          scale == 1 ? x - channels.spread(sample) : x * scale - channels.spread(sample * scale);
      sum = channels.sum(shifted);
      squares = channels.sum(shifted * shifted);
    }
  };
  static Value first_sample(Value x, const Channels& channels) {
    Shape first = x.shape();
    for (int64_t axis : channels.others) first[static_cast<size_t>(axis)] = Dim(1);
    Shape origin(std::vector<Dim>(x.rank(), Dim(0)));
    Dim count = x.dim(static_cast<size_t>(channels.axis[0]));
    return reshape(slice(x, origin, first), {count});
  }
};

Values batch_norm_value(RuleContext& c) {
  Channels channels(c);
  const Moments x(c, channels);
  Value y = x.centred * channels.spread(x.root * widen(c.inputs[1])) + channels.spread(c.inputs[2]);
  return {cast(y, c.inputs[0].dtype()), x.mean / x.factor, x.variance / x.factor / x.factor};
}

/// Jacobian of y by x times a vector, affine in the vector and in x with coefficients by channel;
/// symmetric.
Value batch_norm_derivative(const Moments& x, const Channels& channels, Value scale, Value vector) {
  Value inner = widen(scale) * x.inner;
  Value along_x = inner * (x.root * (x.root * channels.mean(vector * x.centred)));
  Value constant = inner * channels.mean(vector);
  Value in_unit = channels.spread(inner) * vector - channels.spread(along_x) * x.centred -
                  channels.spread(constant);
  return channels.spread(x.outer) * in_unit;
}

Values batch_norm_jvp(JvpContext& c) {
  Channels channels(c);
  const Moments x(c, channels);
  Value y, mean, variance;
  auto add = [](Value& sum, Value term) { sum = sum ? sum + term : term; };
  if (c.tangents[0]) {
    Value t = widen(c.tangents[0]);
    mean = channels.mean(t);
    variance = 2.0 * (channels.mean(x.centred * t) / x.factor);
    y = batch_norm_derivative(x, channels, c.inputs[1], t);
  }
  if (c.tangents[1]) add(y, x.centred * channels.spread(x.root * widen(c.tangents[1])));
  if (c.tangents[2]) add(y, channels.spread(c.tangents[2]));
  return {y ? cast(y, c.inputs[0].dtype()) : y, mean, variance};
}

Values batch_norm_vjp(VjpContext& c) {
  Channels channels(c);
  const Moments x(c, channels);
  Values result(3);
  Value dx;
  auto add = [](Value& sum, Value term) { sum = sum ? sum + term : term; };
  if (c.cotangents[0]) {
    Value ct = widen(c.cotangents[0]);
    dx = batch_norm_derivative(x, channels, c.inputs[1], ct);
    if (c.wanted[1]) result[1] = cast(x.root * channels.sum(ct * x.centred), c.inputs[1].dtype());
    if (c.wanted[2]) result[2] = cast(channels.sum(ct), c.inputs[2].dtype());
  }
  if (c.cotangents[1]) add(dx, channels.spread(channels.divide_by_count(c.cotangents[1])));
  if (c.cotangents[2]) {
    Value along_x = 2.0 * channels.divide_by_count(c.cotangents[2]) / x.factor;
    add(dx, channels.spread(along_x) * x.centred);
  }
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
