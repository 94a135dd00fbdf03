#include <cmath>
#include <numbers>
#include <utility>

#include "tenon/ops/math_expand.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

constexpr std::initializer_list<const char*> kSamples = {"f32[3,5]", "f64[n]", "bf16[7]",
                                                         "f16[4]",   "f32[]",  "f32[0]"};

void add_exp2(OpFamily& ops) {
  ops.add(elementwise("exp2", 1)
              .doc("2 to the power of x.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::exp2(x); })
              .expand([](ExprPool&, Expr x) { return exp2(x); })
              .derivative([](Build&, Value, Value y) { return y * std::numbers::ln2; })
              .samples(kSamples)
              .samples({{"f32[64]", {}, {{-150, 130}}}, {"f64[64]", {}, {{-9, 9}}}}));
}

/// 1 / sqrt(square(x)), where `square` is x^2 and something near 1, which no longer counts where
/// x^2 might overflow.
Value reciprocal_root(Value x, Value (*square)(Value x)) {
  double large = x.dtype() == DType::f16 ? 1e4 : 1e8;
  Value is_large = greater(abs(x), large);
  Value far = 1.0 / select(is_large, abs(x), 1.0);
  // Neither branch meets numbers for which its own derivatives are NaN.
  return select(is_large, far, rsqrt(square(select(is_large, 2.0, x))));
}

void add_inverse_hyperbolic(OpFamily& ops) {
  ops.add(elementwise("asinh", 1)
              .doc("Inverse hyperbolic sine.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::asinh(x); })
              .expand([](ExprPool&, Expr x) { return asinh(x); })
              .derivative([](Build&, Value x, Value) {
                return reciprocal_root(x, [](Value t) { return t * t + 1.0; });
              })
              .onnx("Asinh")
              .samples(kSamples)
              .samples({{"f32[64]", {}, {{-1e6, 1e6}}}}));
  ops.add(elementwise("acosh", 1)
              .doc("Inverse hyperbolic cosine, not negative; NaN below 1.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::acosh(x); })
              .expand([](ExprPool&, Expr x) { return acosh(x); })
              .derivative([](Build&, Value x, Value) {
                return reciprocal_root(x, [](Value t) { return (t - 1.0) * (t + 1.0); });
              })
              .onnx("Acosh")
              .domain(1.2, 4)
              .samples(kSamples)
              .samples({{"f32[64]", {}, {{1, 1e6}}}}));
  ops.add(elementwise("atanh", 1)
              .doc("Inverse hyperbolic tangent; infinite at -1 and 1, NaN beyond.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::atanh(x); })
              .expand([](ExprPool&, Expr x) { return atanh(x); })
              .derivative([](Build&, Value x, Value) { return 1.0 / ((1.0 - x) * (1.0 + x)); })
              .onnx("Atanh")
              .domain(-0.9, 0.9)
              .samples(kSamples));
}

void add_xlogy(OpFamily& ops) {
  ops.add(elementwise("xlogy", 2)
              .doc("x log(y), and 0 where x is 0 unless y is NaN. There the derivative by x is "
                   "log(y), or 0 where y is not positive, as in PyTorch.")
              .dtypes(kFloating)
              .scalar([](double x, double y) {
                return x == 0 && !std::isnan(y) ? 0.0 : x * std::log(y);
              })
              .expand([](ExprPool&, Expr x, Expr y) {
                return select(equal(x, 0.0) & !is_nan(y), 0.0, x * log(y));
              })
              .derivative([](Build&, Value x, Value y, Value) {
                Value none = logical_and(equal(x, 0.0), logical_not(greater(y, 0.0)));
                // NaN is not positive either, but stays.
                none = logical_and(none, equal(y, y));
                Value logarithm = select(none, 0.0, log(select(none, 1.0, y)));
                return std::pair{logarithm, x / y};
              })
              .domain(0.1, 4)
              .samples({"f32[3,5], f32[3,5]", "f64[n], f64[n]", "bf16[7], bf16[7]",
                        "f16[4], f16[4]", "f32[], f32[]", "f32[0], f32[0]"}));
}

}  // namespace

void register_elementary(OpRegistry& registry) {
  OpFamily ops(registry, "elementary");
  add_exp2(ops);
  add_inverse_hyperbolic(ops);
  add_xlogy(ops);
}

}  // namespace tenon
