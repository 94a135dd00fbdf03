// Angles far from 0, reduced to an octant.
#include <algorithm>
#include <limits>
#include <numbers>
#include <vector>

#include "tenon/ops/math_expand_detail.h"

namespace tenon::detail {
namespace {

/// 2/pi in pieces of 24 bits.
constexpr double kTwoOverPi[] = {
    0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041,
    0xfe5163, 0xabdebb, 0xc561b7, 0x246e3a, 0x424dd2, 0xe00649, 0x2eea09, 0xd1921c,
    0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c, 0x7026b4, 0x5f7e41,
    0x3991d6, 0x398353, 0x39f49c, 0x845f8b, 0xbdf928, 0x3b1ff8, 0x97ffde, 0x05980f,
    0xef2f11, 0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09, 0xb74f46, 0x3f669e, 0x5fea2d,
    0x7527ba, 0xc7ebe5, 0xf17b3d, 0x0739f7, 0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08,
};

constexpr int kPieceBits = 24;
/// What matters of 2/pi times x: from the first piece whose product with the last bit of x is less
/// than 4 quadrants, to 2^-53 of the least distance of any f64 from a multiple of pi/2, 2^-62.
constexpr size_t kWindow = 9;
/// Arguments are brought to [2^20, 2^44) by steps of a piece.
constexpr int kLeastExponent = 20;

/// Pieces first - 1, first, … of 2/pi, `first` in [0, 41]: by bits of `first`, the highest first.
std::vector<Expr> window_of_pieces(Expr first) {
  ExprPool& pool = first.pool();
  std::vector<Expr> pieces(2, pool.constant(DType::f64, 0.0));
  for (const double piece : kTwoOverPi) pieces.push_back(pool.constant(DType::f64, piece));
  size_t step = 32;
  const Expr zero = pool.integer(DType::i64, 0);
  for (size_t count = kWindow + 31; step > 0; step /= 2, count = kWindow + step - 1) {
    const Expr is_set =
        not_equal(first & pool.integer(DType::i64, static_cast<int64_t>(step)), zero);
    for (size_t i = 0; i < std::min(count, pieces.size()); ++i) {
      if (i + step < pieces.size()) pieces[i] = select(is_set, pieces[i + step], pieces[i]);
    }
    pieces.resize(std::min(count, pieces.size()));
  }
  return pieces;
}

/// A number in two parts, of which the second is small beside the first.
struct TwoParts {
  Expr high, low;

  /// Exactly, but for the rounding of `low`.
  void add(Expr term) {
    const Expr sum = high + term;
    const Expr added = sum - high;
    low = low + ((high - (sum - added)) + (term - added));
    high = sum;
  }
  void normalise() {
    const Expr sum = high + low;
    low = low - (sum - high);
    high = sum;
  }
};

}  // namespace

ReducedAngle reduce_huge_double(Expr x) {
  ExprPool& pool = x.pool();
  const Expr bits = bitcast(x, DType::i64);
  const Expr exponent =
      (shift_right_logical(bits, 52) & pool.integer(DType::i64, 0x7ff)) - (1023.0 + kLeastExponent);
  // Divided by the bits of a piece.
  const Expr first = max(shift_right(exponent * 2731.0, 16), 0.0);
  const Expr near = bitcast(bits - shift_left(first * (1.0 * kPieceBits), 52), DType::f64);
  // In halves, whose products with a piece are exact.
  const Expr upper =
      bitcast(bitcast(near, DType::i64) & pool.integer(DType::i64, -(1 << 27)), DType::f64);
  const Expr lower = near - upper;
  TwoParts quadrants{pool.constant(DType::f64, 0.0), pool.constant(DType::f64, 0.0)};
  Expr n;
  double weight = 0x1p24;
  for (const Expr& piece : window_of_pieces(first)) {
    for (const Expr& half : {upper, lower}) {
      const Expr product = half * (piece * weight);
      quadrants.add(fma(round_even(product * 0.25), -4.0, product));
    }
    weight *= 0x1p-24;
    // The pieces that follow add up to less than 2^-27. The whole quadrants are taken off now, so
    // that what follows is exact beside what is left, however small that is.
    if (weight == 0x1p-96) {
      n = round_even(quadrants.high);
      quadrants.high = quadrants.high - n;
    }
    if (n.valid()) quadrants.normalise();
  }
  constexpr double kHalfPi = std::numbers::pi / 2, kRestOfHalfPi = 0x1.1a62633145c07p-54;
  const Expr r =
      fma(quadrants.high, kHalfPi, fma(quadrants.high, kRestOfHalfPi, quadrants.low * kHalfPi));
  const double infinity = std::numeric_limits<double>::infinity();
  return {select(abs(x) < infinity, r, std::numeric_limits<double>::quiet_NaN()),
          cast(n, DType::i64)};
}

}  // namespace tenon::detail
