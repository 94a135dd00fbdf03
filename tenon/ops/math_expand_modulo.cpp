// What is left of a division of reals.
#include <cmath>

#include "tenon/ops/math_expand.h"

namespace tenon {
namespace {

/// What is left of `rest` modulo `size`, but for one `size` more or less, where rest / size is
/// below 2^300. Subtracting the rounded quotient times `size` is exact in fma, so that each round
/// takes 53 bits off the quotient and changes nothing modulo `size`.
Expr reduced_modulo(Expr rest, Expr size) {
  for (int round = 0; round < 6; ++round) rest = fma(-trunc(rest / size), size, rest);
  return rest;
}

/// The same for any two f64, whose quotient may be 2^2098: first modulo multiples of `size`.
Expr reduced_in_steps(Expr rest, Expr size) {
  for (int exponent = 1800; exponent > 0; exponent -= 300) {
    Expr multiple = size * std::ldexp(1.0, exponent / 2) * std::ldexp(1.0, exponent / 2);
    rest = select(multiple <= abs(rest), reduced_modulo(rest, multiple), rest);
  }
  return rest;
}

/// a - trunc(a / b) * b of reals, in f64.
Expr wide_fmod(Expr a, Expr b) {
  const bool is_wide = a.dtype() == DType::f64;
  Expr x = cast(a, DType::f64), size = abs(cast(b, DType::f64));
  Expr whole = abs(x);
  // The quotient of two f32 is below 2^277.
  Expr rest = is_wide ? rare(whole >= size * 0x1p300, reduced_in_steps(whole, size), whole) : whole;
  rest = reduced_modulo(rest, size);
  rest = select(rest < 0.0, rest + size, rest);
  rest = select(rest >= size, rest - size, rest);
  rest = select(whole < size, whole, rest);  // also where b is infinite
  return copy_sign(rest, x);
}

}  // namespace

Expr fmod(Expr a, Expr b) { return cast(wide_fmod(a, b), a.dtype()); }

Expr remainder(Expr a, Expr b) {
  const Expr rest = wide_fmod(a, b), divisor = cast(b, DType::f64);
  const Expr zero = copy_sign(a.pool().constant(DType::f64, 0), divisor);
  const Expr moved = select(not_equal(rest < 0.0, divisor < 0.0), rest + divisor, rest);
  return cast(select(equal(rest, 0.0), zero, moved), a.dtype());
}

}  // namespace tenon
