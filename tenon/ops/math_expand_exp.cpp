// exp and log families. Polynomials: minimax fits made with 70 digits, coefficients rounded one by
// one from the lowest power on. Ranges and reductions as in Muller, "Elementary Functions", ch. 11.
#include <limits>
#include <numbers>

#include "tenon/ops/math_expand.h"
#include "tenon/ops/math_expand_detail.h"

namespace tenon {
namespace detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Adding it rounds to an integer and leaves that integer in the low bits.
double rounding_shift(Expr x) { return choose(x, 0x1.8p23, 0x1.8p52); }

// ln 2 in two parts; products with integers are used in fma only, so the first need not be short.
constexpr double kLn2Single = 0.693147182464599609375;
constexpr double kLn2SingleRest = -1.9046542121259336e-09;
constexpr double kLn2 = 0x1.62e42fefa39efp-1;
constexpr double kLn2Rest = 0x1.abc9e3b39803fp-56;

}  // namespace

Expr horner(Expr x, std::initializer_list<double> highest_first) {
  Expr sum;
  for (const double c : highest_first)
    sum = sum.valid() ? fma(sum, x, c) : x.pool().constant(x.dtype(), c);
  return sum;
}

Expr clamp(Expr x, double low, double high) { return min(max(x, low), high); }

namespace {

/// (exp(r) - 1 - r) / r^2.
Expr exp_quotient(Expr r, bool precise) {
  if (is_single(r)) {
    if (precise) return horner(r, {0.00139400735, 0.0083667757, 0.0416664109, 0.16666542, 0.5});
    return horner(r, {0.00138242438, 0.00836902671, 0.04166824, 0.166665182, 0.49999994});
  }
  return horner(
      r, {2.5115400258985663e-08, 2.762682178233395e-07, 2.755722494881472e-06,
          2.4801503332103273e-05, 0.00019841269906401707, 0.0013888888933147052,
          0.00833333333331311, 0.041666666666572066, 0.16666666666666688, 0.5000000000000006});
}

/// From n (in `shifted`) and r to the parts.
ExpParts finish_exp(Expr shifted, Expr r, bool precise) {
  return {shifted, fma(r * r, exp_quotient(r, precise), r)};
}

}  // namespace

ExpParts exp_parts(Expr x, bool precise) {
  const Expr shifted = fma(x, std::numbers::log2e, rounding_shift(x));
  const Expr n = shifted - rounding_shift(x);
  Expr r = fma(n, -choose(x, kLn2Single, kLn2), x);
  r = fma(n, -choose(x, kLn2SingleRest, kLn2Rest), r);
  return finish_exp(shifted, r, precise);
}

Expr power_of_two(Expr shifted, int offset) {
  const int bits = mantissa_bits(shifted);
  const int bias = is_single(shifted) ? 127 : 1023;
  // Shifting out all but the low bits drops the rounding shift.
  const Expr exponent = shift_left(bitcast(shifted, bits_type(shifted)), bits);
  const Expr one = exponent.pool().integer(exponent.dtype(), int64_t{bias + offset} << bits);
  return bitcast(exponent + one, shifted.dtype());
}

namespace {

/// (1 + p) 2^(n + k) by two factors, each a normal number, so that overflow and denormals come out
/// as the multiplication makes them.
Expr scale_twice(const ExpParts& parts, int k) {
  const Expr shifted = parts.shifted;
  const DType type = bits_type(shifted);
  const int bits = mantissa_bits(shifted);
  const int64_t bias = is_single(shifted) ? 127 : 1023;
  ExprPool& pool = shifted.pool();
  const Expr zero_bits = bitcast(pool.constant(shifted.dtype(), rounding_shift(shifted)), type);
  const Expr n = bitcast(shifted, type) - zero_bits + pool.integer(type, k);
  const Expr half = shift_right(n, 1);
  const Expr one = pool.integer(type, bias << bits);
  const auto power = [&](Expr exponent) {
    return bitcast(shift_left(exponent, bits) + one, shifted.dtype());
  };
  return (parts.p + 1.0) * power(half) * power(n - half);
}

}  // namespace

Expr exp_bounded(Expr x) {
  const ExpParts parts = exp_parts(x, false);
  const Expr scale = power_of_two(parts.shifted);
  return fma(scale, parts.p, scale);
}

Expr exp_scaled(Expr x, int k) {
  // Below this the result is zero. A multiplication that underflows takes many times as long as one
  // that does not, and the masks of attention are full of them.
  const Expr is_zero = x < choose(x, -104, -746);
  const Expr bounded = select(is_zero, 0.0, min(x, choose(x, 90, 711)));
  return select(is_zero, 0.0, scale_twice(exp_parts(bounded, false), k));
}

LogParts log_parts(Expr x) {
  // Bits of sqrt(1/2): subtracting them makes the exponent carry at sqrt(1/2), not at 1.
  const int64_t root = is_single(x) ? 0x3f3504f3 : 0x3fe6a09e667f3bcd;
  const int bits = mantissa_bits(x);
  ExprPool& pool = x.pool();
  const DType type = bits_type(x);
  const Expr offset = bitcast(x, type) - pool.integer(type, root);
  const Expr e = cast(shift_right(offset, bits), x.dtype());
  const Expr mantissa = offset & pool.integer(type, (int64_t{1} << bits) - 1);
  const Expr m = bitcast(mantissa + pool.integer(type, root), x.dtype());
  return {e, m - 1.0};
}

Expr log_tail(Expr f) {
  const Expr square = f * f;
  if (is_single(f)) {
    const Expr p = horner(f, {0.0674559921, -0.116677999, 0.118838802, -0.12406569, 0.142203599,
                              -0.166679785, 0.200020716, -0.250000089, 0.333333135});
    return fma(square * f, p, square * -0.5);
  }
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f).
  const Expr s = f / (f + 2.0);
  const Expr z = s * s;
  const Expr r = z * horner(z, {0.14797472619147525, 0.15313904291657293, 0.1818356983246885,
                                0.22222198470511978, 0.2857142874337018, 0.3999999999941022,
                                0.6666666666666735});
  const Expr half_square = square * 0.5;
  return fma(s, half_square + r, -half_square);
}

namespace {

/// e ln 2 + f + tail, the small parts first.
Expr join_log(const LogParts& parts, Expr tail) {
  const Expr low = fma(parts.e, choose(parts.f, kLn2SingleRest, kLn2Rest), tail);
  return fma(parts.e, choose(parts.f, kLn2Single, kLn2), parts.f + low);
}

/// Makes denormal x normal; the exponent that was added is taken off again.
LogParts log_parts_of_any(Expr x) {
  const double smallest_normal = choose(x, 0x1p-126, 0x1p-1022);
  const int shift = is_single(x) ? 25 : 54;
  const Expr is_denormal = x < smallest_normal;
  LogParts parts = log_parts(select(is_denormal, x * choose(x, 0x1p25, 0x1p54), x));
  parts.e = select(is_denormal, parts.e - shift, parts.e);
  return parts;
}

/// What a logarithm gives where its argument is not a positive finite number.
Expr mend_log(Expr x, Expr value) {
  const Expr special =
      select(equal(x, 0.0), x.pool().constant(x.dtype(), -kInfinity), select(x > 0.0, x, kNaN));
  return select((x > 0.0) & (x < kInfinity), value, special);
}

}  // namespace
}  // namespace detail

using namespace detail;

Expr exp(Expr x) { return exp_scaled(x, 0); }

Expr exp2(Expr x) {
  const Expr bounded = clamp(x, choose(x, -151, -1076), choose(x, 129, 1025));
  const Expr shifted = bounded + rounding_shift(x);
  const Expr r = bounded - (shifted - rounding_shift(x));
  return scale_twice(finish_exp(shifted, r * std::numbers::ln2, false), 0);
}

Expr expm1(Expr x) {
  const ExpParts parts = exp_parts(clamp(x, choose(x, -20, -40), choose(x, 89, 710)), true);
  // Half of it, since 2^n itself may overflow where the result does not.
  const Expr half = power_of_two(parts.shifted, -1);
  return fma(half, parts.p, half - 0.5) * 2.0;
}

Expr log(Expr x) {
  const LogParts parts = log_parts_of_any(x);
  return mend_log(x, join_log(parts, log_tail(parts.f)));
}

Expr log2(Expr x) {
  const LogParts parts = log_parts_of_any(x);
  const Expr fraction = parts.f + log_tail(parts.f);
  // log2(e) in two parts.
  const double high = choose(x, 1.4426950216293335, std::numbers::log2e);
  const double rest = choose(x, 1.925963033500011e-08, 2.0355273740931033e-17);
  return mend_log(x, fma(fraction, high, fma(fraction, rest, parts.e)));
}

Expr log10(Expr x) {
  const LogParts parts = log_parts_of_any(x);
  const Expr fraction = parts.f + log_tail(parts.f);
  const double ln = choose(x, 0.4342944920063018798828125, 0.43429448190325182);
  const double ln_rest = choose(x, -1.0103049952192578e-08, 1.098319650216765e-17);
  const double two = choose(x, 0.3010300099849701, 0.30102999566398120);
  const double two_rest = choose(x, -1.432098883924482e-08, -2.803728127785170e-18);
  const Expr low = fma(parts.e, two_rest, fraction * ln_rest);
  return mend_log(x, fma(parts.e, two, fma(fraction, ln, low)));
}

Expr log1p(Expr x) {
  const Expr u = x + 1.0;
  // What rounding took from 1 + x.
  const Expr lost = select(x > 1.0, 1.0 - (u - x), x - (u - 1.0));
  const LogParts parts = log_parts(u);
  const Expr value = join_log(parts, log_tail(parts.f) + lost / u);
  return mend_log(u, value);
}

Expr tanh(Expr x) {
  const double limit = choose(x, 20, 40);
  const ExpParts parts = exp_parts(clamp(x * 2.0, -limit, limit), true);
  const Expr scale = power_of_two(parts.shifted);
  const Expr m = fma(scale, parts.p, scale - 1.0);  // exp(2x) - 1
  return m / (m + 2.0);
}

Expr logistic(Expr x) {
  const double limit = choose(x, 87, 708);
  const Expr value = 1.0 / (exp_bounded(clamp(-x, -limit, limit)) + 1.0);
  // Not the small number at the limit, which large factors would make much of.
  return select(x < -limit, 0.0, value);
}

Expr softplus(Expr x) {
  // exp(-|x|) is at most 1, so 1 + it needs no scaling and only its rounding is made up for.
  const Expr t = exp_bounded(max(-abs(x), choose(x, -87, -708)));
  const Expr u = t + 1.0;
  const Expr lost = t - (u - 1.0);
  const LogParts parts = log_parts(u);
  const Expr tail = join_log(parts, log_tail(parts.f) + lost / u);
  return max(x, 0.0) + tail;
}

Expr sinh(Expr x) {
  const Expr magnitude = min(abs(x), choose(x, 89.6, 710.7));
  // m = (exp(|x|) - 1) / 4, since exp(|x|) / 2 may overflow where the result does not:
  // sinh = 2 (m + m/(4m+1)).
  const ExpParts parts = exp_parts(magnitude, true);
  const Expr quarter = power_of_two(parts.shifted, -2);
  const Expr m = fma(quarter, parts.p, quarter - 0.25);
  const Expr bounded = min(m, 1e30);
  return copy_sign((m + bounded / fma(bounded, 4.0, 1.0)) * 2.0, x);
}

Expr cosh(Expr x) {
  const Expr e = exp_scaled(abs(x), -1);
  return e + 0.25 / e;
}

Expr asinh(Expr x) {
  const Expr a = abs(x);
  // For large |x| the square overflows and log(2|x|) is exact enough.
  const Expr square = a * a;
  const Expr small = log1p(a + square / (sqrt(square + 1.0) + 1.0));
  const Expr large = log(a) + std::numbers::ln2;
  return copy_sign(select(a < choose(x, 1e4, 1e8), small, large), x);
}

Expr acosh(Expr x) {
  const Expr t = x - 1.0;
  const Expr near = log1p(t + sqrt(fma(t, t, t * 2.0)));
  const Expr far = log(x) + std::numbers::ln2;
  return select(x < 1.0, kNaN, select(x < choose(x, 1e4, 1e8), near, far));
}

Expr atanh(Expr x) {
  const Expr a = abs(x);
  return copy_sign(log1p(a * 2.0 / (1.0 - a)) * 0.5, x);
}

Expr pow(Expr x, Expr y) {
  // In double precision: |y log x| reaches 150, which would cost f32 seven bits.
  const Expr wide_y = cast(y, DType::f64);
  const Expr magnitude = abs(x);
  const Expr logarithm = log(cast(magnitude, DType::f64));
  Expr value = exp(wide_y * logarithm);
  value = cast(value, x.dtype());
  value = select(equal(magnitude, 1.0), 1.0, value);
  const Expr is_integer = equal(floor(y), y);
  const Expr half = y * 0.5;
  const Expr is_odd = is_integer & not_equal(floor(half), half);
  // The sign of x matters for odd powers, also that of zero.
  value = select(is_odd, copy_sign(value, x), value);
  const Expr undefined = (x < 0.0) & (x > -kInfinity) & (!is_integer);
  return select(equal(y, 0.0), 1.0, select(undefined, kNaN, value));
}

Expr rsqrt(Expr x) { return 1.0 / sqrt(x); }

Expr cbrt(Expr x) {
  // A first guess in double precision from f32 accuracy, then Newton's step.
  const Expr magnitude = cast(abs(x), DType::f64);
  const Expr is_tiny = magnitude < 1e-300;
  const Expr wide = select(is_tiny, magnitude * 0x1p60, magnitude);
  const Expr guess = exp(log(wide) * (1.0 / 3.0));
  const Expr square = guess * guess;
  Expr better = guess - (square * guess - wide) / (square * 3.0);
  better = select(is_tiny, better * 0x1p-20, better);
  const Expr ordinary = (wide > 0.0) & (wide < kInfinity);
  return copy_sign(select(ordinary, cast(better, x.dtype()), abs(x)), x);
}

Expr sign(Expr x) {
  ExprPool& pool = x.pool();
  const Expr positive = select(x > 0.0, pool.constant(x.dtype(), 1.0), x);
  return select(x < 0.0, pool.constant(x.dtype(), -1.0), positive);
}

Expr round_away(Expr x) {
  const Expr whole = trunc(x);
  const Expr up =
      select(abs(x - whole) >= 0.5, copy_sign(x.pool().constant(x.dtype(), 1.0), x), 0.0);
  return whole + up;
}

Expr copy_sign(Expr magnitude, Expr sign) {
  const DType type = bits_type(magnitude);
  ExprPool& pool = magnitude.pool();
  const int64_t sign_bit = is_single(magnitude) ? std::numeric_limits<int32_t>::min()
                                                : std::numeric_limits<int64_t>::min();
  const Expr mask = pool.integer(type, sign_bit);
  return bitcast((bitcast(abs(magnitude), type)) | (bitcast(sign, type) & mask), magnitude.dtype());
}

}  // namespace tenon
