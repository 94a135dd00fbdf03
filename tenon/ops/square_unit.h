// The unit in which numbers are squared, so that no sum of squares overflows or vanishes.
//
//   SquareUnit unit(reduce_sum(x * x, axes, true), epsilon);      // of f32 or f64, one a row
//   Value scaled = x * unit.factor;                               // nothing is rounded
//   Value r = unit.reciprocal_root(reduce_mean(scaled * scaled, axes, true));
//   Value y = scaled * r;                                         // x / sqrt(mean(x^2) + epsilon)
//   auto [inner, outer] = unit.reciprocal(r);   // their product is 1 / sqrt(mean(x^2) + epsilon)
//
// The factor is a power of 2, chosen by the plain sum of squares: 1 where that fits. No derivative
// goes through the choice.
#pragma once

#include <cmath>
#include <utility>

#include "tenon/ops/value_functions.h"

namespace tenon {

/// Sums of squares on both sides of which another factor is needed, and the factors. A sum that is
/// not too large holds the squares of distances from the mean, too, since those add up to less; and
/// what is beyond a bound is far enough from it that rounded distances have squares that fit.
struct SquareRange {
  double large, of_large;
  double small, of_small;
  double tiny, of_tiny;
  /// From here on epsilon outweighs what squares of small numbers lose.
  double enough_epsilon;

  static SquareRange of(DType dtype) {
    if (dtype == DType::f64)
      return {0x1p1000, 0x1p-700, 0x1p-400, 0x1p350, 0x1p-800, 0x1p700, 0x1p-900};
    return {0x1p120, 0x1p-80, 0x1p-40, 0x1p50, 0x1p-100, 0x1p100, 0x1p-100};
  }
};

class SquareUnit {
 public:
  SquareUnit(Value sum_of_squares, double epsilon)
      : range_(SquareRange::of(sum_of_squares.dtype())), sum_(sum_of_squares), epsilon_(epsilon) {
    factor = choose([this](double unit) { return number(unit); });
  }

  Value factor;

  /// What `of` gives for the factor that was chosen.
  template <class Of>
  Value choose(const Of& of) const {
    Value result = of(1.0);
    if (epsilon_ < range_.enough_epsilon) {
      result = select(less(sum_, range_.small), of(range_.of_small), result);
      result = select(less(sum_, range_.tiny), of(range_.of_tiny), result);
    }
    return select(greater(sum_, range_.large), of(range_.of_large), result);
  }

  /// 1 / sqrt(mean square + epsilon) over factor, of a mean square in the unit; 0 where epsilon
  /// alone is left of a sum, and does not fit the unit.
  Value reciprocal_root(Value mean_square) {
    const Value sum =
        mean_square + choose([this](double unit) { return number(epsilon_ * unit * unit); });
    if (epsilon_ == 0) return rsqrt(sum);
    only_epsilon_ = equal(sum, 0.0);
    return select(only_epsilon_, 0.0, rsqrt(select(only_epsilon_, 1.0, sum)));
  }
  /// Two factors of 1 / sqrt(mean square + epsilon), from the result of reciprocal_root(). The
  /// product of a large row may be subnormal: what is small beside it takes the second one last.
  std::pair<Value, Value> reciprocal(Value root) const {
    if (epsilon_ == 0) return {root, factor};
    return {select(only_epsilon_, 1.0, root),
            select(only_epsilon_, 1 / std::sqrt(epsilon_), factor)};
  }

 private:
  SquareRange range_;
  Value sum_;
  double epsilon_;
  Value only_epsilon_;

  Value number(double value) const { return sum_.build().full_like(sum_, value); }
};

}  // namespace tenon
