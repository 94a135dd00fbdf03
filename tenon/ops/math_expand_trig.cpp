// Trigonometric functions and their inverses.
#include <limits>
#include <numbers>

#include "tenon/ops/math_expand.h"
#include "tenon/ops/math_expand_detail.h"

namespace tenon {
namespace detail {

Expr sin_reduced(Expr r) {
  const Expr z = r * r;
  const Expr p =
      is_single(r)
          ? horner(z, {-0.000195173678, 0.00833218545, -0.166666552})
          : horner(z, {1.58951189482392e-10, -2.5050729994573444e-08, 2.755731351745735e-06,
                       -0.000198412698293191, 0.008333333333321818, -0.1666666666666663});
  return fma(z * r, p, r);
}

Expr cos_reduced(Expr r) {
  const Expr z = r * r;
  const Expr p =
      is_single(r)
          ? horner(z, {2.44316579e-05, -0.0013887306, 0.0416666456})
          : horner(z, {-1.1357381698533497e-11, 2.0875678836573594e-09, -2.755731401958036e-07,
                       2.480158728830623e-05, -0.0013888888888872195, 0.04166666666666659});
  return fma(z * z, p, fma(z, -0.5, 1.0));
}

namespace {

/// Cody and Waite with fma: good while the quotient is far below 2^24 (f32) or 2^53 (f64).
ReducedAngle reduce_moderate(Expr x) {
  const double shift = choose(x, 0x1.8p23, 0x1.8p52);
  const Expr shifted = fma(x, 2.0 / std::numbers::pi, shift);
  const Expr n = shifted - shift;
  Expr r = fma(n, -choose(x, 1.5707963705062866, 0x1.921fb54442d18p+0), x);
  r = fma(n, -choose(x, -4.371138828673793e-08, 0x1.1a62633145c07p-54), r);
  r = fma(n, -choose(x, -1.7151245100058819e-15, -0x1.f1976b7ed8fbcp-110), r);
  return {r, bitcast(shifted, bits_type(x))};
}

/// Payne and Hanek for an f32 argument, in f64: 2/pi in pieces of 24 bits, whose products with the
/// 24 bits of x are exact; multiples of 4 quadrants are dropped from each before they are summed.
ReducedAngle reduce_huge_single(Expr single) {
  constexpr double kPieces[] = {0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd,
                                0xc0db62, 0x95993c, 0x439041, 0xfe5163};
  const Expr x = cast(single, DType::f64);
  ExprPool& pool = x.pool();
  Expr high = pool.constant(DType::f64, 0.0), low = high;
  double weight = 1.0;
  for (const double piece : kPieces) {
    weight *= 0x1p-24;
    const Expr product = x * (piece * weight);
    const Expr term = fma(round_even(product * 0.25), -4.0, product);
    const Expr sum = high + term;
    const Expr added = sum - high;
    low = low + ((high - (sum - added)) + (term - added));
    high = sum;
  }
  const Expr n = round_even(high);
  const Expr r = ((high - n) + low) * (std::numbers::pi / 2);
  return {r, cast(n, DType::i32)};
}

/// sin (turn 0) or cos (turn 1) from the reduced argument.
Expr from_quadrant(const ReducedAngle& a, int turn) {
  ExprPool& pool = a.r.pool();
  const DType type = a.quadrant.dtype();
  const Expr quadrant = a.quadrant + pool.integer(type, turn);
  const Expr one = pool.integer(type, 1);
  const Expr value = select(equal(quadrant & one, 0.0), sin_reduced(a.r), cos_reduced(a.r));
  return select(equal(quadrant & pool.integer(type, 2), 0.0), value, -value);
}

/// A function of the reduced angle, by the reduction that is good for x.
template <class Of>
Expr of_reduced(Expr x, const Of& of) {
  const Expr usual = of(reduce_moderate(x));
  if (!is_single(x)) return rare(abs(x) > 0x1p20, of(reduce_huge_double(x)), usual);
  return rare(abs(x) > 32768.0, cast(of(reduce_huge_single(x)), DType::f32), usual);
}

Expr sin_or_cos(Expr x, int turn) {
  return of_reduced(x, [=](const ReducedAngle& a) { return from_quadrant(a, turn); });
}

Expr tan_of(const ReducedAngle& a) {
  ExprPool& pool = a.r.pool();
  const Expr odd = a.quadrant & pool.integer(a.quadrant.dtype(), 1);
  const Expr s = sin_reduced(a.r), c = cos_reduced(a.r);
  const Expr is_even = equal(odd, 0.0);
  return select(is_even, s, -c) / select(is_even, c, s);
}

/// atan of t in [0, 1], f32.
Expr atan_unit(Expr t) {
  const Expr z = t * t;
  const Expr p = horner(z, {0.00291957799, -0.016364485, 0.0432077944, -0.0755197853, 0.106659293,
                            -0.142110392, 0.199937701, -0.333331525});
  return fma(z * t, p, t);
}

Expr atan2_single(Expr y, Expr x) {
  const Expr a = abs(y), b = abs(x);
  const Expr larger = max(a, b), smaller = min(a, b);
  const Expr both_infinite = equal(smaller, std::numeric_limits<double>::infinity());
  Expr t = select(both_infinite, 1.0, smaller / larger);
  t = select(equal(larger, 0.0), 0.0, t);
  Expr angle = atan_unit(t);
  // The complement's constant in two parts.
  const Expr steep = fma(angle, -1.0, -4.371138828673793e-08) + 1.5707963705062866;
  angle = select(a > b, steep, angle);
  ExprPool& pool = x.pool();
  const Expr x_is_negative = bitcast(x, DType::i32) < pool.integer(DType::i32, 0);
  angle = select(x_is_negative, (-8.742277657347586e-08 - angle) + 3.1415927410125732, angle);
  return copy_sign(angle, y);
}

/// One step from an f32 angle: the angle between (x, y) and it is small, so its tangent serves.
Expr atan2_double(Expr y, Expr x) {
  const Expr larger = max(abs(y), abs(x));
  const double infinity = std::numeric_limits<double>::infinity();
  const Expr ordinary = (larger > 0.0) & (larger < infinity);
  const Expr scale = select(ordinary, larger, 1.0);
  // Beside an infinity a finite number is nothing, and infinities count as one.
  const auto sign_of = [&](Expr a) {
    return copy_sign(cast(equal(abs(a), infinity), DType::f64), a);
  };
  const Expr is_infinite = equal(larger, infinity);
  const Expr v = select(is_infinite, sign_of(y), y / scale),
             u = select(is_infinite, sign_of(x), x / scale);
  const Expr guess = cast(atan2_single(cast(v, DType::f32), cast(u, DType::f32)), DType::f64);
  const ReducedAngle reduced = reduce_moderate(guess);
  const Expr s = from_quadrant(reduced, 0), c = from_quadrant(reduced, 1);
  const Expr step = (v * c - u * s) / (u * c + v * s);
  const Expr cube = step * step * step;
  const Expr better = guess + fma(cube, -1.0 / 3.0, step);
  // Of two zeros, too: 0 or pi by the sign of x.
  const Expr both_zero = equal(v, 0.0) & equal(u, 0.0);
  const Expr one = x.pool().constant(DType::f64, 1.0);
  const Expr straight = select(copy_sign(one, u) < 0.0, std::numbers::pi, u);
  return copy_sign(select(both_zero, straight, better), y);
}

}  // namespace
}  // namespace detail

using namespace detail;

Expr sin(Expr x) { return sin_or_cos(x, 0); }
Expr cos(Expr x) { return sin_or_cos(x, 1); }

Expr tan(Expr x) { return of_reduced(x, tan_of); }

Expr atan2(Expr y, Expr x) { return is_single(x) ? atan2_single(y, x) : atan2_double(y, x); }

Expr atan(Expr x) { return atan2(x, x.pool().constant(x.dtype(), 1.0)); }

Expr asin(Expr x) {
  if (!is_single(x)) return atan2(x, sqrt((1.0 - x) * (x + 1.0)));
  const Expr a = abs(x);
  const Expr is_large = a > 0.5;
  const Expr half = (1.0 - a) * 0.5;
  const Expr z = select(is_large, half, a * a);
  const Expr t = select(is_large, sqrt(half), a);
  const Expr p = horner(z, {0.0421758629, 0.0241762344, 0.0454704091, 0.074953042, 0.166667521});
  const Expr arc = fma(z * t, p, t);
  const Expr complement = fma(arc, -2.0, -4.371138828673793e-08) + 1.5707963705062866;
  return copy_sign(select(is_large, complement, arc), x);
}

Expr acos(Expr x) {
  if (!is_single(x)) return atan2(sqrt((1.0 - x) * (x + 1.0)), x);
  const Expr a = abs(x);
  const Expr is_large = a > 0.5;
  const Expr half = (1.0 - a) * 0.5;
  const Expr z = select(is_large, half, a * a);
  const Expr t = select(is_large, sqrt(half), a);
  const Expr p = horner(z, {0.0421758629, 0.0241762344, 0.0454704091, 0.074953042, 0.166667521});
  const Expr arc = fma(z * t, p, t);  // asin(|x|), or half of acos(|x|)
  const Expr near_zero = 1.5707963705062866 - (copy_sign(arc, x) + 4.371138828673793e-08);
  const Expr near_one = arc * 2.0;
  const Expr near_minus_one = (near_one * -1.0 - 8.742277657347586e-08) + 3.1415927410125732;
  return select(is_large, select(x < 0.0, near_minus_one, near_one), near_zero);
}

}  // namespace tenon
