#include <numbers>

#include "tenon/ops/precision.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

using Formula = Value (*)(const Attributes&, Value x);
using Slope = Value (*)(const Attributes&, Value x, Value y);

/// An elementwise composite of one input: its value and its derivative, which may use x and y.
OpStatement activation(std::string name, std::string doc, Formula value, Slope slope) {
  OpStatement op = elementwise(std::move(name), 1);
  op.definition().kind = OpKind::composite;
  op.doc(std::move(doc))
      .dtypes(kFloating)
      .decompose([value](RuleContext& c) {
        Value x = c.inputs[0];
        return std::vector<Value>{cast(value(c.attributes, widen(x)), x.dtype())};
      })
      .derivative([slope](RuleContext& c) {
        Value x = c.inputs[0];
        Value partial = slope(c.attributes, widen(x), widen(c.outputs[0]));
        return std::vector<Value>{cast(partial, x.dtype())};
      })
      .samples({"f32[3,5]", "f32[n]", "bf16[7]", "f64[2,2]", "f32[0]"});
  return op;
}

/// 1 where the predicate holds, else 0.
Value indicator(Value predicate, DType dtype) { return cast(predicate, dtype); }
Value between(Value x, double low, double high) {
  return logical_and(greater(x, low), less(x, high));
}

// Klambauer et al., "Self-Normalizing Neural Networks" (2017), section 2.
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

/// Finite, so that 0 times it is 0, and far enough that functions that level off have done so.
constexpr double kFar = 1e30;
Value bounded_below(Value x) { return maximum(x, -kFar); }
Value bounded(Value x) { return minimum(bounded_below(x), kFar); }

Value softplus(Value x) { return maximum(x, 0.0) + log1p(exp(-abs(x))); }

Value normal_cdf(Value x) { return x.build().call("normal_cdf", {x}); }
Value normal_density(Value x) {
  return exp(-0.5 * (x * x)) * (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
}

// Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2.
constexpr double kGeluCubic = 0.044715;
constexpr double kGeluScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
/// (1 + tanh(z)) / 2 as logistic(2 z), which keeps its digits where the tanh is near -1.
Value gelu_tanh_gate(Value x) {
  return logistic((2 * kGeluScale) * (x * (1.0 + kGeluCubic * (x * x))));
}

void add_rectifiers(OpFamily& ops) {
  ops.add(
      activation(
          "relu", "max(x, 0).", [](const Attributes&, Value x) { return maximum(x, 0.0); },
          // From y alone, so that x need not be kept.
          [](const Attributes&, Value, Value y) { return indicator(greater(y, 0.0), y.dtype()); })
          .onnx("Relu"));
  ops.add(activation(
              "relu6", "min(max(x, 0), 6).",
              [](const Attributes&, Value x) { return minimum(maximum(x, 0.0), 6.0); },
              [](const Attributes&, Value, Value y) {
                return indicator(between(y, 0.0, 6.0), y.dtype());
              })
              .domain(-3.0, 9.0));
  ops.add(activation(
              "leaky_relu", "x where x > 0, else slope * x.",
              [](const Attributes& a, Value x) {
                return select(greater(x, 0.0), x, x * a.real("slope"));
              },
              [](const Attributes& a, Value x, Value) {
                return select(greater(x, 0.0), x.build().full_like(x, 1.0), a.real("slope"));
              })
              .attribute("slope", AttributeKind::real, 0.01, "slope for negative x")
              .onnx("LeakyRelu"));
  ops.add(activation(
              "elu", "x where x > 0, else alpha * (exp(x) - 1).",
              [](const Attributes& a, Value x) {
                return select(greater(x, 0.0), x, a.real("alpha") * expm1(minimum(x, 0.0)));
              },
              [](const Attributes& a, Value x, Value) {
                return select(greater(x, 0.0), 1.0, a.real("alpha") * exp(minimum(x, 0.0)));
              })
              .attribute("alpha", AttributeKind::real, 1.0, "limit for very negative x is -alpha")
              .onnx("Elu"));
  ops.add(activation(
              "selu",
              "The self-normalising ELU: 1.0507 * (x where x > 0, else 1.6733 * (exp(x) - 1)).",
              [](const Attributes&, Value x) {
                return select(greater(x, 0.0), kSeluScale * x,
                              (kSeluScale * kSeluAlpha) * expm1(minimum(x, 0.0)));
              },
              [](const Attributes&, Value x, Value) {
                return select(greater(x, 0.0), kSeluScale,
                              (kSeluScale * kSeluAlpha) * exp(minimum(x, 0.0)));
              })
              .onnx("Selu"));
}

void add_smooth(OpFamily& ops) {
  ops.add(activation(
              "softplus", "log(1 + exp(x)), without overflow.",
              [](const Attributes&, Value x) { return softplus(x); },
              [](const Attributes&, Value x, Value) { return logistic(x); })
              .onnx("Softplus"));
  ops.add(activation(
      "log_sigmoid", "log(1 / (1 + exp(-x))), without underflow.",
      [](const Attributes&, Value x) { return -softplus(-x); },
      [](const Attributes&, Value x, Value) { return logistic(-x); }));
  ops.add(activation(
              "softsign", "x / (1 + |x|).",
              [](const Attributes&, Value x) {
                Value finite = bounded(x);
                return finite / (1.0 + abs(finite));
              },
              [](const Attributes&, Value x, Value) {
                Value reciprocal = 1.0 / (1.0 + abs(x));
                return reciprocal * reciprocal;
              })
              .onnx("Softsign"));
  ops.add(activation(
              "gelu", "x times the normal distribution function at x (exact; not by tanh).",
              [](const Attributes&, Value x) { return bounded_below(x) * normal_cdf(x); },
              [](const Attributes&, Value x, Value) {
                return normal_cdf(x) + bounded(x) * normal_density(x);
              })
              .onnx("Gelu"));
  ops.add(activation(
      "gelu_tanh", "GELU by the approximation with tanh that GPT-2 uses.",
      [](const Attributes&, Value x) { return bounded_below(x) * gelu_tanh_gate(x); },
      [](const Attributes&, Value given, Value) {
        // The gate is that of the forward pass, so that both are computed, or kept, once. Beyond
        // 100 the slope is 0 or 1, and squares stay finite.
        Value gate = gelu_tanh_gate(given);
        Value x = minimum(maximum(given, -100.0), 100.0);
        Value inner_slope = (2 * kGeluScale) * (1.0 + (3.0 * kGeluCubic) * (x * x));
        return gate + gate * (x * ((1.0 - gate) * inner_slope));
      }));
  ops.add(activation(
              "silu", "x * logistic(x), also known as swish; 0 for minus infinity.",
              [](const Attributes&, Value x) { return bounded_below(x) * logistic(x); },
              [](const Attributes&, Value x, Value) {
                Value s = logistic(x);
                return s * (1.0 + bounded(x) * (1.0 - s));
              })
              .onnx("Swish"));
  ops.add(activation(
              "mish", "x * tanh(softplus(x)).",
              [](const Attributes&, Value x) { return bounded_below(x) * tanh(softplus(x)); },
              [](const Attributes&, Value x, Value) {
                Value t = tanh(softplus(x));
                return t + bounded(x) * ((1.0 - t * t) * logistic(x));
              })
              .onnx("Mish"));
}

/// Exactly 0 and 1 from -3 and 3 on.
Value hard_sigmoid(Value x) { return minimum(maximum(x + 3.0, 0.0), 6.0) * (1.0 / 6.0); }

void add_piecewise(OpFamily& ops) {
  ops.add(activation(
              "hard_sigmoid", "x / 6 + 1/2, clipped to [0, 1]: min(max(x + 3, 0), 6) / 6.",
              [](const Attributes&, Value x) { return hard_sigmoid(x); },
              [](const Attributes&, Value x, Value) {
                return indicator(between(x, -3.0, 3.0), x.dtype()) * (1.0 / 6.0);
              })
              .domain(-5.0, 5.0)
              .onnx("HardSigmoid"));
  ops.add(activation(
              "hard_swish", "x * hard_sigmoid(x).",
              [](const Attributes&, Value x) { return bounded_below(x) * hard_sigmoid(x); },
              [](const Attributes&, Value x, Value) {
                Value middle = x * (1.0 / 3.0) + 0.5;
                return select(between(x, -3.0, 3.0), middle, indicator(greater(x, 0.0), x.dtype()));
              })
              .domain(-5.0, 5.0)
              .onnx("HardSwish"));
  ops.add(activation(
      "hard_tanh", "x clipped to [-1, 1].",
      [](const Attributes&, Value x) { return minimum(maximum(x, -1.0), 1.0); },
      [](const Attributes&, Value x, Value) {
        return indicator(between(x, -1.0, 1.0), x.dtype());
      }));
}

}  // namespace

void register_activations(OpRegistry& registry) {
  OpFamily ops(registry, "activations");
  add_rectifiers(ops);
  add_smooth(ops);
  add_piecewise(ops);
}

}  // namespace tenon
