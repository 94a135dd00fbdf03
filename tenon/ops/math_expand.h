// Transcendental functions as polynomials in machine operations, for f32 and f64.
//
//   ExprPool pool;
//   Expr x = pool.argument(DType::f32, 0);
//   Expr y = tanh(x);                           // about 25 operations, no call, no branch
//   double t = evaluate(y, std::vector{0.5});   // 0.46211717…
//
// A libm call in a vector loop costs a hundred times more. Each function states the largest error
// found by the tests, in units in the last place (ULP) of the result; "f32 2, f64 3" is at most 2
// and 3. Infinities, NaN and zeros give what C's <cmath> gives (but the sign of a zero result may
// be lost), denormal arguments and results are exact unless stated.
#pragma once

#include "tenon/ops/expr.h"

namespace tenon {

Expr exp(Expr x);    // f32 1, f64 2
Expr exp2(Expr x);   // f32 2, f64 2
Expr expm1(Expr x);  // f32 2, f64 3
Expr log(Expr x);    // f32 1, f64 2
Expr log2(Expr x);   // f32 2, f64 3
Expr log10(Expr x);  // f32 2, f64 3
Expr log1p(Expr x);  // f32 2, f64 3

/// For every argument, however large.
Expr sin(Expr x);  // f32 2, f64 2
Expr cos(Expr x);  // f32 2, f64 2
Expr tan(Expr x);  // f32 4, f64 5

Expr asin(Expr x);           // f32 3, f64 4
Expr acos(Expr x);           // f32 3, f64 4
Expr atan(Expr x);           // f32 3, f64 3
Expr atan2(Expr y, Expr x);  // f32 4, f64 4; magnitudes below 1e-30 of the larger one count as 0

Expr sinh(Expr x);   // f32 3, f64 4
Expr cosh(Expr x);   // f32 2, f64 3
Expr tanh(Expr x);   // f32 3, f64 4
Expr asinh(Expr x);  // f32 4, f64 5
Expr acosh(Expr x);  // f32 3, f64 4
Expr atanh(Expr x);  // f32 4, f64 5

/// 1 / (1 + exp(-x)); f32 3, f64 4; results below the smallest normal number may become 0.
Expr logistic(Expr x);
/// log(1 + exp(x)) without overflow; f32 3, f64 4.
Expr softplus(Expr x);
Expr erf(Expr x);      // f32 2, f64 4
Expr erf_inv(Expr x);  // f32 4, f64 8
/// (1 + erf(x / sqrt(2))) / 2, exact far out, too; results below the smallest normal number may
/// become 0.
Expr normal_cdf(Expr x);  // f32 5, f64 7

/// f32 1; f64 relative error of 1e-16 |y log x| besides 2 ULP.
Expr pow(Expr x, Expr y);
Expr rsqrt(Expr x);  // f32 2, f64 2
Expr cbrt(Expr x);   // f32 1, f64 3

/// a - trunc(a/b) b: exact, with the sign of a, as C's fmod.
Expr fmod(Expr a, Expr b);
/// a - floor(a/b) b: with the sign of b, as Python's %; fmod plus b, rounded, where the signs
/// differ.
Expr remainder(Expr a, Expr b);
/// -1, 0 or 1; NaN stays.
Expr sign(Expr x);
/// Halves go away from zero.
Expr round_away(Expr x);
/// |magnitude| with the sign bit of `sign`.
Expr copy_sign(Expr magnitude, Expr sign);

}  // namespace tenon
