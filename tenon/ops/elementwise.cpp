#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "tenon/ops/math_expand.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

constexpr std::initializer_list<const char*> kRealSamples = {
    "f32[3,5]", "f64[2,n]", "f16[4]", "bf16[7]", "f32[]", "f32[0]", "f64[2,1,n,2]"};
constexpr std::initializer_list<const char*> kNumberSamples = {
    "f32[3,5]", "f64[n]", "f16[4]", "bf16[2,n]", "i32[6]", "i64[2,3]", "i8[5]", "f32[]", "f32[0]"};
constexpr std::initializer_list<const char*> kRealPairs = {
    "f32[3,5], f32[3,5]", "f64[2,n], f64[2,n]", "f16[4], f16[4]",
    "bf16[7], bf16[7]",   "f32[], f32[]",       "f32[0], f32[0]"};
constexpr std::initializer_list<const char*> kNumberPairs = {"f32[3,5], f32[3,5]",
                                                             "f64[n], f64[n]",
                                                             "f16[4], f16[4]",
                                                             "bf16[7], bf16[7]",
                                                             "i32[6], i32[6]",
                                                             "i64[5], i64[5]",
                                                             "u8[4], u8[4]",
                                                             "i8[2,3], i8[2,3]",
                                                             "f32[], f32[]",
                                                             "f32[0], f32[0]",
                                                             "f64[2,1,n,2], f64[2,1,n,2]"};

// Integers wrap: the reference computes without C++'s undefined overflow.
int64_t wrap(uint64_t bits) { return std::bit_cast<int64_t>(bits); }
uint64_t bits(int64_t value) { return std::bit_cast<uint64_t>(value); }

/// Truncated like C++, except that x / 0 is 0 and that the most negative number over -1 wraps.
int64_t truncated_divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? wrap(0 - bits(a)) : a / b;
}

int64_t truncated_remainder(int64_t a, int64_t b) {
  if (b == 0) return a;
  return b == -1 ? 0 : a % b;
}

/// Where rounding down and rounding toward zero differ: signs differ and the division has a rest.
Expr rounds_up(Expr a, Expr b, Expr rest) {
  return not_equal(rest, rest.pool().constant(rest.dtype(), 0)) & not_equal(a < 0.0, b < 0.0);
}

Expr expand_divide(ExprPool& pool, Expr a, Expr b) {
  if (is_floating(a.dtype())) return a / b;
  Expr down = floor_div(a, b);
  if (!is_signed(a.dtype())) return down;
  Expr zero = pool.constant(a.dtype(), 0);
  Expr up = select(rounds_up(a, b, floor_mod(a, b)), down + 1.0, down);
  return select(equal(b, zero), zero, up);
}

Expr expand_fmod(ExprPool& pool, Expr a, Expr b) {
  if (is_floating(a.dtype())) return fmod(a, b);
  Expr rest = floor_mod(a, b);
  if (!is_signed(a.dtype())) return rest;
  return rest - select(rounds_up(a, b, rest), b, pool.constant(a.dtype(), 0));
}

Expr expand_remainder(ExprPool&, Expr a, Expr b) {
  return is_floating(a.dtype()) ? remainder(a, b) : floor_mod(a, b);
}

double floored_remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t floored_remainder(int64_t a, int64_t b) {
  const int64_t rest = truncated_remainder(a, b);
  return b != 0 && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/// Of what is left of a division, by a and by b.
std::pair<Value, Value> derivative_of_rest(Build& build, Value a, Value b, Value y) {
  Value is_number = less(abs(b), std::numeric_limits<double>::infinity());
  return {build.full_like(y, 1.0), select(is_number, (y - a) / b, 0.0)};
}

/// Truncated like division: x to the power -b is 1 / x^b.
int64_t wrapped_power(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  uint64_t result = 1, square = bits(a);
  for (; b != 0; b >>= 1, square *= square) {
    if ((b & 1) != 0) result *= square;
  }
  return wrap(result);
}

/// By squaring, once for each bit that an exponent may have.
Expr expand_power(ExprPool& pool, Expr a, Expr b) {
  if (is_floating(a.dtype())) return pow(a, b);
  const DType dtype = a.dtype();
  const Expr zero = pool.constant(dtype, 0), one = pool.constant(dtype, 1);
  const int exponent_bits = static_cast<int>(size_of(dtype)) * 8 - (is_signed(dtype) ? 1 : 0);
  Expr result = one, square = a;
  for (int bit = 0; bit < exponent_bits; ++bit) {
    const Expr is_set = not_equal(b & pool.integer(dtype, int64_t{1} << bit), zero);
    result = select(is_set, result * square, result);
    square = square * square;
  }
  if (!is_signed(dtype)) return result;
  const Expr is_odd = not_equal(b & one, zero);
  const Expr of_minus_one = select(is_odd, a, one);
  const Expr reciprocal = select(equal(abs(a), one), of_minus_one, zero);
  return select(b < 0.0, reciprocal, result);
}

/// Where a tie splits evenly: 1 where `wins`, 1/2 where a equals b.
Value winner(Value wins, Value a, Value b) {
  return select(equal(a, b), 0.5, cast(wins, a.dtype()));
}

/// What is left of a division.
void add_rest(OpFamily& ops, OpStatement& rest) {
  ops.add(rest.dtypes(kNumeric)
              .derivative(derivative_of_rest)
              .onnx("Mod")
              .domain(0.5, 2)
              .samples(kNumberPairs)
              .samples({{"f64[16], f64[16]", {}, {{-9, 9}, {-3, -0.5}}},
                        {"f32[16], f32[16]", {}, {{-9, 9}, {0.5, 3}}},
                        {"i32[64], i32[64]", {}, {{-9, 9}, {-3, 3}}},
                        {"i8[64], i8[64]", {}, {{-128, 127}, {-5, 5}}}}));
}

void add_arithmetic(OpFamily& ops) {
  ops.add(elementwise("add", 2)
              .doc("a + b; integers wrap.")
              .dtypes(kNumeric)
              .scalar([](double a, double b) { return a + b; })
              .integer_scalar([](int64_t a, int64_t b) { return wrap(bits(a) + bits(b)); })
              .derivative([](Build&, Value, Value, Value y) {
                Value one = y.build().full_like(y, 1.0);
                return std::pair{one, one};
              })
              .expand([](ExprPool&, Expr a, Expr b) { return a + b; })
              .onnx("Add")
              .samples(kNumberPairs));

  ops.add(elementwise("subtract", 2)
              .doc("a - b; integers wrap.")
              .dtypes(kNumeric)
              .scalar([](double a, double b) { return a - b; })
              .integer_scalar([](int64_t a, int64_t b) { return wrap(bits(a) - bits(b)); })
              .derivative([](Build& build, Value, Value, Value y) {
                return std::pair{build.full_like(y, 1.0), build.full_like(y, -1.0)};
              })
              .expand([](ExprPool&, Expr a, Expr b) { return a - b; })
              .onnx("Sub")
              .samples(kNumberPairs));

  ops.add(elementwise("multiply", 2)
              .doc("a * b; integers wrap.")
              .dtypes(kNumeric)
              .scalar([](double a, double b) { return a * b; })
              .integer_scalar([](int64_t a, int64_t b) { return wrap(bits(a) * bits(b)); })
              .derivative([](Build&, Value a, Value b, Value) { return std::pair{b, a}; })
              .expand([](ExprPool&, Expr a, Expr b) { return a * b; })
              .onnx("Mul")
              .samples(kNumberPairs));

  ops.add(
      elementwise("divide", 2)
          .doc("a / b; integers are truncated toward zero, and x / 0 is 0 for them.")
          .dtypes(kNumeric)
          .scalar([](double a, double b) { return a / b; })
          .integer_scalar(truncated_divide)
          .derivative([](Build&, Value, Value b, Value y) { return std::pair{1.0 / b, -y / b}; })
          .expand(expand_divide)
          .onnx("Div")
          .domain(0.5, 2)
          .samples(kNumberPairs)
          .samples({{"f64[n], f64[n]", {}, {{-2, 2}, {-2, -0.5}}},
                    {"i32[64], i32[64]", {}, {{-9, 9}, {-3, 3}}},
                    {"i8[64], i8[64]", {}, {{-128, 127}, {-5, 5}}},
                    {"u8[64], u8[64]", {}, {{0, 255}, {0, 9}}}}));

  add_rest(ops, elementwise("fmod", 2)
                    .doc("a - b * truncate(a / b), exactly: with the sign of a, as C's fmod and %. "
                         "x % 0 is x for integers. ONNX's Mod with fmod = 1.")
                    .scalar([](double a, double b) { return std::fmod(a, b); })
                    .integer_scalar(truncated_remainder)
                    .expand(expand_fmod));
  add_rest(ops, elementwise("remainder", 2)
                    .doc("a - b * floor(a / b): with the sign of b, as in Python and NumPy; x % 0 "
                         "is x for integers. fmod plus b where the signs differ, rounded once. "
                         "ONNX's Mod with fmod = 0.")
                    .scalar([](double a, double b) { return floored_remainder(a, b); })
                    .integer_scalar([](int64_t a, int64_t b) { return floored_remainder(a, b); })
                    .expand(expand_remainder));

  ops.add(elementwise("maximum", 2)
              .doc("The larger of a and b; NaN if either is. Of bools: whether either is true.")
              .dtypes(kAnyDType)
              .scalar([](double a, double b) { return a > b || std::isnan(a) ? a : b; })
              .integer_scalar([](int64_t a, int64_t b) { return a > b ? a : b; })
              .derivative([](Build&, Value a, Value b, Value) {
                return std::pair{winner(greater(a, b), a, b), winner(less(a, b), a, b)};
              })
              .expand([](ExprPool&, Expr a, Expr b) {
                return a.dtype() == DType::boolean ? a | b : max(a, b);
              })
              .onnx("Max")
              .samples(kNumberPairs)
              .samples({"bool[5], bool[5]"}));

  ops.add(elementwise("minimum", 2)
              .doc("The smaller of a and b; NaN if either is. Of bools: whether each is true.")
              .dtypes(kAnyDType)
              .scalar([](double a, double b) { return a < b || std::isnan(a) ? a : b; })
              .integer_scalar([](int64_t a, int64_t b) { return a < b ? a : b; })
              .derivative([](Build&, Value a, Value b, Value) {
                return std::pair{winner(less(a, b), a, b), winner(greater(a, b), a, b)};
              })
              .expand([](ExprPool&, Expr a, Expr b) {
                return a.dtype() == DType::boolean ? a & b : min(a, b);
              })
              .onnx("Min")
              .samples(kNumberPairs)
              .samples({"bool[5], bool[5]"}));

  ops.add(elementwise("power", 2)
              .doc("a to the power b; NaN for a negative a and a b that is no integer. Integers "
                   "wrap; with a negative b they are 1 / a^-b, truncated toward zero as division "
                   "is.")
              .dtypes(kNumeric)
              .scalar([](double a, double b) { return std::pow(a, b); })
              .integer_scalar(wrapped_power)
              .derivative([](Build&, Value a, Value b, Value y) {
                // 0 * 0^-1, and 0 * log(0) and 0 * log(inf), have limits of zero, not NaN.
                Value no_power = equal(b, 0.0);
                Value by_base = select(no_power, 0.0, b * power(a, b - 1.0));
                Value flat = logical_or(equal(y, 0.0), logical_and(no_power, equal(a, 0.0)));
                return std::pair{by_base, y * log(select(flat, 1.0, a))};
              })
              .expand(expand_power)
              .onnx("Pow")
              .domain(0.3, 2)
              .tolerance(4)
              .samples(kRealPairs)
              .samples({{"i32[64], i32[64]", {}, {{-9, 9}, {-3, 12}}},
                        {"i64[32], i64[32]", {}, {{-9, 9}, {-3, 40}}},
                        {"i8[64], i8[64]", {}, {{-3, 3}, {-3, 9}}},
                        {"u8[64], u8[64]", {}, {{0, 9}, {0, 200}}}}));
}

void add_signs(OpFamily& ops) {
  ops.add(elementwise("negate", 1)
              .doc("-x; integers wrap.")
              .dtypes(kNumeric)
              .scalar([](double x) { return -x; })
              .integer_scalar([](int64_t x) { return wrap(0 - bits(x)); })
              .derivative([](Build& build, Value x, Value) { return build.full_like(x, -1.0); })
              .expand([](ExprPool&, Expr x) { return -x; })
              .onnx("Neg")
              .samples(kNumberSamples));

  ops.add(elementwise("abs", 1)
              .doc("The absolute value; the most negative integer is unchanged.")
              .dtypes(kNumeric)
              .scalar([](double x) { return std::fabs(x); })
              .integer_scalar([](int64_t x) { return x < 0 ? wrap(0 - bits(x)) : x; })
              .derivative([](Build&, Value x, Value) { return sign(x); })
              .expand([](ExprPool&, Expr x) { return abs(x); })
              .onnx("Abs")
              .samples(kNumberSamples));

  ops.add(elementwise("sign", 1)
              .doc("-1, 0 or 1; NaN for NaN.")
              .dtypes(kNumeric)
              .scalar([](double x) { return x > 0   ? 1.0
                                            : x < 0 ? -1.0
                                                    : x; })
              .integer_scalar([](int64_t x) -> int64_t { return x > 0   ? 1
                                                                : x < 0 ? -1
                                                                        : 0; })
              .non_differentiable("constant wherever it has a derivative")
              .expand([](ExprPool& pool, Expr x) {
                Expr one = pool.constant(x.dtype(), 1);
                Expr below = is_signed(x.dtype()) ? select(x < 0.0, -one, x) : x;
                return select(x > 0.0, one, below);
              })
              .onnx("Sign")
              .samples(kNumberSamples));
}

void add_rounding(OpFamily& ops) {
  using Real = double (*)(double);
  using Rounded = Expr (*)(Expr);
  auto add = [&](const char* name, const char* doc, const char* onnx, Real real, Rounded rounded) {
    ops.add(elementwise(name, 1)
                .doc(doc)
                .dtypes(kNumeric)
                .scalar(real)
                .integer_scalar([](int64_t x) { return x; })
                .non_differentiable("constant wherever it has a derivative")
                .expand([rounded](ExprPool&, Expr x) {
                  return is_floating(x.dtype()) ? rounded(x) : x;
                })
                .onnx(onnx)
                .samples(kNumberSamples));
  };
  add(
      "floor", "The largest integer that is not above x; integers are unchanged.", "Floor",
      [](double x) { return std::floor(x); }, [](Expr x) { return floor(x); });
  add(
      "ceil", "The smallest integer that is not below x; integers are unchanged.", "Ceil",
      [](double x) { return std::ceil(x); }, [](Expr x) { return ceil(x); });
  add(
      "round", "The nearest integer; halves go to the even one. Integers are unchanged.", "Round",
      [](double x) { return std::nearbyint(x); }, [](Expr x) { return round_even(x); });
}

void add_exponentials(OpFamily& ops) {
  ops.add(elementwise("exp", 1)
              .doc("e to the power x.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::exp(x); })
              .expand([](ExprPool&, Expr x) { return exp(x); })
              .derivative([](Build&, Value, Value y) { return y; })
              .onnx("Exp")
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-87, 88}}}}));
  ops.add(elementwise("expm1", 1)
              .doc("exp(x) - 1, exact near zero.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::expm1(x); })
              .expand([](ExprPool&, Expr x) { return expm1(x); })
              .derivative([](Build&, Value, Value y) { return y + 1.0; })
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-1e-3, 1e-3}}}}));
  ops.add(elementwise("log", 1)
              .doc("The natural logarithm.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::log(x); })
              .expand([](ExprPool&, Expr x) { return log(x); })
              .derivative([](Build&, Value x, Value) { return 1.0 / x; })
              .onnx("Log")
              .domain(0.1, 4)
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{1e-30, 1e30}}}}));
  ops.add(elementwise("log2", 1)
              .doc("The logarithm to base 2.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::log2(x); })
              .expand([](ExprPool&, Expr x) { return log2(x); })
              .derivative([](Build&, Value x, Value) { return std::numbers::log2e / x; })
              .domain(0.1, 4)
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{1e-30, 1e30}}}}));
  ops.add(elementwise("log10", 1)
              .doc("The logarithm to base 10.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::log10(x); })
              .expand([](ExprPool&, Expr x) { return log10(x); })
              .derivative([](Build&, Value x, Value) { return std::numbers::log10e / x; })
              .domain(0.1, 4)
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{1e-30, 1e30}}}}));
  ops.add(elementwise("log1p", 1)
              .doc("log(1 + x), exact near zero.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::log1p(x); })
              .expand([](ExprPool&, Expr x) { return log1p(x); })
              .derivative([](Build&, Value x, Value) { return 1.0 / (x + 1.0); })
              .domain(-0.8, 4)
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-1e-3, 1e-3}}}}));
  ops.add(elementwise("sqrt", 1)
              .doc("The square root.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::sqrt(x); })
              .derivative([](Build&, Value, Value y) { return 0.5 / y; })
              .expand([](ExprPool&, Expr x) { return sqrt(x); })
              .onnx("Sqrt")
              .domain(0.1, 4)
              .samples(kRealSamples));
  ops.add(elementwise("rsqrt", 1)
              .doc("1 / sqrt(x).")
              .dtypes(kFloating)
              .scalar([](double x) { return 1.0 / std::sqrt(x); })
              .derivative([](Build&, Value, Value y) { return -0.5 * y * y * y; })
              .expand([](ExprPool&, Expr x) { return 1.0 / sqrt(x); })
              .domain(0.1, 4)
              .samples(kRealSamples));
  ops.add(elementwise("cbrt", 1)
              .doc("The cube root, of negative numbers too.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::cbrt(x); })
              .expand([](ExprPool&, Expr x) { return cbrt(x); })
              .derivative([](Build&, Value, Value y) { return 1.0 / (3.0 * y * y); })
              .domain(0.1, 4)
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-1e9, 1e9}}}}));
}

/// (b, -a) / (a^2 + b^2), with the larger of the two as the unit so that the squares stay in range;
/// 0 at the origin, as in PyTorch, and at infinity.
std::pair<Value, Value> atan2_slopes(Value a, Value b) {
  Value larger = maximum(abs(a), abs(b));
  Value is_flat =
      logical_or(equal(larger, 0.0), equal(larger, std::numeric_limits<double>::infinity()));
  Value unit = select(is_flat, 1.0, larger);
  Value v = select(is_flat, 0.0, a) / unit, u = select(is_flat, 0.0, b) / unit;
  Value square = select(is_flat, 1.0, v * v + u * u);
  return {u / square / unit, -v / square / unit};
}

void add_trigonometry(OpFamily& ops) {
  ops.add(elementwise("sin", 1)
              .doc("Sine, in radians; NaN for an f64 beyond 2^50, which is not reduced.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::sin(x); })
              .expand([](ExprPool&, Expr x) { return sin(x); })
              .derivative([](Build&, Value x, Value) { return cos(x); })
              .onnx("Sin")
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-1000, 1000}}}}));
  ops.add(elementwise("cos", 1)
              .doc("Cosine, in radians; NaN for an f64 beyond 2^50, which is not reduced.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::cos(x); })
              .expand([](ExprPool&, Expr x) { return cos(x); })
              .derivative([](Build&, Value x, Value) { return -sin(x); })
              .onnx("Cos")
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-1000, 1000}}}}));
  ops.add(elementwise("tan", 1)
              .doc("Tangent, in radians; NaN for an f64 beyond 2^50, which is not reduced.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::tan(x); })
              .expand([](ExprPool&, Expr x) { return tan(x); })
              .derivative([](Build&, Value, Value y) { return y * y + 1.0; })
              .onnx("Tan")
              .domain(-1.2, 1.2)
              .samples(kRealSamples));
  ops.add(elementwise("asin", 1)
              .doc("Inverse sine, in [-pi/2, pi/2].")
              .dtypes(kFloating)
              .scalar([](double x) { return std::asin(x); })
              .expand([](ExprPool&, Expr x) { return asin(x); })
              .derivative([](Build&, Value x, Value) { return rsqrt((1.0 - x) * (1.0 + x)); })
              .onnx("Asin")
              .domain(-0.9, 0.9)
              .samples(kRealSamples));
  ops.add(elementwise("acos", 1)
              .doc("Inverse cosine, in [0, pi].")
              .dtypes(kFloating)
              .scalar([](double x) { return std::acos(x); })
              .expand([](ExprPool&, Expr x) { return acos(x); })
              .derivative([](Build&, Value x, Value) { return -rsqrt((1.0 - x) * (1.0 + x)); })
              .onnx("Acos")
              .domain(-0.9, 0.9)
              .samples(kRealSamples));
  ops.add(elementwise("atan", 1)
              .doc("Inverse tangent, in [-pi/2, pi/2].")
              .dtypes(kFloating)
              .scalar([](double x) { return std::atan(x); })
              .expand([](ExprPool&, Expr x) { return atan(x); })
              .derivative([](Build&, Value x, Value) { return 1.0 / (x * x + 1.0); })
              .onnx("Atan")
              .samples(kRealSamples));
  ops.add(elementwise("atan2", 2)
              .doc("The angle of the point (b, a), in [-pi, pi].")
              .dtypes(kFloating)
              .scalar([](double a, double b) { return std::atan2(a, b); })
              .expand([](ExprPool&, Expr a, Expr b) { return atan2(a, b); })
              .derivative([](Build&, Value a, Value b, Value) { return atan2_slopes(a, b); })
              .samples(kRealPairs));
}

/// Newton's method on erf, or on erfc in the tails, where 1 - x is exact and erf is flat.
double inverse_erf(double x) {
  double size = std::fabs(x);
  if (!(size < 1)) return size == 1 ? x * std::numeric_limits<double>::infinity() : std::nan("");
  // Winitzki, "A handy approximation for the error function and its inverse" (2008).
  double l = std::log1p(-size * size), k = 2 / (std::numbers::pi * 0.147) + l / 2;
  double z = std::sqrt(std::sqrt(k * k - l / 0.147) - k);
  for (int step = 0; step < 4; ++step) {
    double error = size < 0.5 ? std::erf(z) - size : (1 - size) - std::erfc(z);
    z -= error / (2 * std::numbers::inv_sqrtpi * std::exp(-z * z));
  }
  return std::copysign(z, x);
}

void add_special_functions(OpFamily& ops) {
  ops.add(elementwise("sinh", 1)
              .doc("Hyperbolic sine.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::sinh(x); })
              .expand([](ExprPool&, Expr x) { return sinh(x); })
              .derivative([](Build& build, Value x, Value) { return build.call("cosh", {x}); })
              .onnx("Sinh")
              .samples(kRealSamples));
  ops.add(elementwise("cosh", 1)
              .doc("Hyperbolic cosine.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::cosh(x); })
              .expand([](ExprPool&, Expr x) { return cosh(x); })
              .derivative([](Build& build, Value x, Value) { return build.call("sinh", {x}); })
              .onnx("Cosh")
              .samples(kRealSamples));
  ops.add(elementwise("tanh", 1)
              .doc("Hyperbolic tangent.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::tanh(x); })
              .expand([](ExprPool&, Expr x) { return tanh(x); })
              .derivative([](Build&, Value, Value y) { return 1.0 - y * y; })
              .onnx("Tanh")
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-12, 12}}}}));
  ops.add(elementwise("logistic", 1)
              .doc("1 / (1 + exp(-x)), the sigmoid function.")
              .dtypes(kFloating)
              .scalar([](double x) {
                // exp(-x) may overflow where the result does not underflow.
                return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
              })
              .expand([](ExprPool&, Expr x) { return logistic(x); })
              .derivative([](Build&, Value, Value y) { return y * (1.0 - y); })
              .onnx("Sigmoid")
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-40, 40}}}}));
  ops.add(elementwise("erf", 1)
              .doc("The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.")
              .dtypes(kFloating)
              .scalar([](double x) { return std::erf(x); })
              .expand([](ExprPool&, Expr x) { return erf(x); })
              .derivative([](Build&, Value x, Value) {
                return (2 * std::numbers::inv_sqrtpi) * exp(-(x * x));
              })
              .onnx("Erf")
              .samples(kRealSamples));
  ops.add(elementwise("normal_cdf", 1)
              .doc("The distribution function of the standard normal distribution, "
                   "(1 + erf(x / sqrt(2))) / 2, exact in its lower tail, too.")
              .dtypes(kFloating)
              .scalar([](double x) {
                const long double scaled = -x / std::numbers::sqrt2_v<long double>;
                return static_cast<double>(std::erfc(scaled) / 2);
              })
              .expand([](ExprPool&, Expr x) { return normal_cdf(x); })
              .derivative([](Build&, Value x, Value) {
                return (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi) * exp(-0.5 * (x * x));
              })
              .samples(kRealSamples)
              .samples({{"f32[64]", {}, {{-12, 12}}}}));
  ops.add(elementwise("erf_inv", 1)
              .doc("The inverse of erf: turns uniform numbers in (-1, 1) into normal ones.")
              .dtypes(kFloating)
              .scalar(inverse_erf)
              .expand([](ExprPool&, Expr x) { return erf_inv(x); })
              .derivative([](Build&, Value, Value y) {
                return (0.5 / std::numbers::inv_sqrtpi) * exp(y * y);
              })
              .domain(-0.95, 0.95)
              .tolerance(4)
              .samples(kRealSamples));
}

void add_tests_of_value(OpFamily& ops) {
  ops.add(elementwise("is_finite", 1)
              .doc("Whether x is neither infinite nor NaN.")
              .dtypes(kFloating)
              .returns(DType::boolean)
              .scalar([](double x) { return std::isfinite(x) ? 1.0 : 0.0; })
              .non_differentiable("the result is a bool")
              .expand([](ExprPool&, Expr x) {
                return abs(x) < std::numeric_limits<double>::infinity();
              })
              .samples(kRealSamples));
  ops.add(elementwise("is_nan", 1)
              .doc("Whether x is not a number.")
              .dtypes(kFloating)
              .returns(DType::boolean)
              .scalar([](double x) { return std::isnan(x) ? 1.0 : 0.0; })
              .non_differentiable("the result is a bool")
              .expand([](ExprPool&, Expr x) { return is_nan(x); })
              .onnx("IsNaN")
              .samples(kRealSamples));
}

}  // namespace

void register_elementwise(OpRegistry& registry) {
  OpFamily ops(registry, "elementwise");
  add_arithmetic(ops);
  add_signs(ops);
  add_rounding(ops);
  add_exponentials(ops);
  add_trigonometry(ops);
  add_special_functions(ops);
  add_tests_of_value(ops);
}

}  // namespace tenon
