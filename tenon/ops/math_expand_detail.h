#pragma once

// Helpers shared by the expansions:
//
//   Expr p = horner(r, {a3, a2, a1, a0});      // ((a3 r + a2) r + a1) r + a0
//   ExpParts e = exp_parts(x);                 // exp(x) = 2^n (1 + p), |p| < 0.42

#include <initializer_list>

#include "tenon/ops/expr.h"

namespace tenon::detail {

inline bool is_single(Expr x) { return x.dtype() == DType::f32; }
/// The signed integer of the same size.
inline DType bits_type(Expr x) { return is_single(x) ? DType::i32 : DType::i64; }
inline int mantissa_bits(Expr x) { return is_single(x) ? 23 : 52; }
/// One of two constants by dtype.
inline double choose(Expr x, double single, double wide) { return is_single(x) ? single : wide; }

Expr horner(Expr x, std::initializer_list<double> highest_first);

/// x = n ln 2 + r with |r| <= ln(2)/2: `shifted` holds n in its low bits, p = exp(r) - 1.
struct ExpParts {
  Expr shifted;
  Expr p;
};
/// x within [-1e5, 1e5]. The sum 1 + p is good to 1 ULP; with `precise`, so is p itself.
ExpParts exp_parts(Expr x, bool precise);
/// 2^(n + offset) from `shifted`; the exponent must be that of a normal number.
Expr power_of_two(Expr shifted, int offset = 0);
/// exp(x) for x whose result is a normal number; NaN stays.
Expr exp_bounded(Expr x);
/// exp(x) 2^k for any x.
Expr exp_scaled(Expr x, int k);
Expr clamp(Expr x, double low, double high);

/// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for positive normal x.
struct LogParts {
  Expr e;
  Expr f;
};
LogParts log_parts(Expr x);
/// log(1 + f) - f for f as in LogParts.
Expr log_tail(Expr f);

/// x = quadrant * pi/2 + r; the low two bits of `quadrant` matter.
struct ReducedAngle {
  Expr r;
  Expr quadrant;
};
/// After Payne and Hanek, "Radian reduction for trigonometric functions" (1983), for an f64 whose
/// size is at least 2^20; r is NaN for an infinity.
ReducedAngle reduce_huge_double(Expr x);

/// sin or cos of r in [-pi/4, pi/4].
Expr sin_reduced(Expr r);
Expr cos_reduced(Expr r);

}  // namespace tenon::detail
