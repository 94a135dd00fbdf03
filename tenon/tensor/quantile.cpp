// Quantiles and medians, and functions through points.

#include <algorithm>
#include <cmath>
#include <limits>

#include "tenon/graph/build.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/working_precision.h"

namespace tenon {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// x with the axes that are combined as one, behind the others.
Tensor combined_last(const Tensor& x, const Integers& axes) {
  Integers order;
  Shape shape;
  Dim count = 1;
  for (int64_t axis = 0; axis < static_cast<int64_t>(x.rank()); ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) continue;
    order.push_back(axis);
    shape.push_back(x.dim(axis));
  }
  for (int64_t axis : axes) {
    order.push_back(axis);
    count = count * x.dim(axis);
  }
  shape.push_back(count);
  return x.transpose(order).reshape(shape);
}

/// Where a quantile lies among sorted elements: between two places, with the weight of the second.
struct Place {
  Tensor lower, upper;  // i64
  Tensor weight;
};

Place place_of(double q, const Dim& count, Between between, DType dtype) {
  // In f64, which holds the position in any axis.
  Tensor at = dim_value(count - 1, DType::f64) * Tensor(q).cast(DType::f64);
  if (between == Between::nearest) at = round(at);
  Tensor low = floor(at), high = ceil(at);
  if (between == Between::lower) high = low;
  if (between == Between::higher) low = high;
  Tensor weight = between == Between::midpoint ? (high - low) * 0.5 : at - low;
  if (between == Between::higher) weight = zeros_like(low);
  return {low.cast(DType::i64), high.cast(DType::i64), weight.cast(dtype)};
}

/// a + weight (b - a), where the difference fits: of equal numbers it is that number. Weights of
/// both do not overflow, but for what is infinite and has no weight.
Tensor mixed(const Tensor& a, const Tensor& b, const Tensor& weight) {
  Tensor difference = b - a, of_both = a * (1 - weight) + b * weight;
  Tensor between = where(is_finite(difference), a + weight * difference, of_both);
  return where(weight == 0, a, between);
}

/// How far `at` is from x0 to x1: 0 to 1, and 1 where both are one point. Beside an infinite end
/// all is at the other one; between two, nothing is known.
Tensor weight_between(const Tensor& at, const Tensor& x0, const Tensor& x1) {
  Tensor from_infinity = x0 == -INFINITY, to_infinity = x1 == INFINITY;
  // What the other cases replace is finite, so that its derivative is.
  Tensor low = where(from_infinity, 0, x0), high = where(to_infinity, 0, x1);
  Tensor here = where(at == -INFINITY || at == INFINITY, 0, at);
  // By halves where the difference is beyond all numbers; subnormal ones do not matter there.
  Tensor unit = where(is_finite(high - low), 1, 0.5);
  Tensor distance = here * unit - low * unit, width = high * unit - low * unit;
  Tensor weight = where(width == 0, 1, distance / where(width == 0, 1, width));
  Tensor from_far = where(at == x0, 0, where(at == x1 || !to_infinity, 1, kNaN));
  return where(from_infinity, from_far, where(to_infinity, at == x1, weight));
}

struct Pair {
  Tensor first, second;
};

/// 0, with the derivatives by `at` and x of the line between two points whose y are further apart
/// than any number: y1 - y0, which the derivative of the weight is multiplied with, has no value.
/// `weight` is the one between the points, without a derivative of its own.
Tensor slope_alone(const Tensor& at, const Pair& x, const Pair& y, const Tensor& weight,
                   const Tensor& is_steep) {
  auto used = [&](const Tensor& number, double otherwise) {
    return where(is_steep && is_finite(number), number, otherwise);
  };
  Tensor x0 = used(x.first, 0), x1 = used(x.second, 0), here = used(at, 0);
  Tensor unit = where(is_finite(x1 - x0), 1, 0.5);
  Tensor width = x1 * unit - x0 * unit;
  Tensor divisor = where(width == 0, 1, width);
  Tensor slope = used(y.second, 0) / divisor - used(y.first, 0) / divisor;
  Tensor moved = (here * unit - x0 * unit * (1 - weight)) - x1 * unit * weight;
  Tensor change = slope * (moved - stop_gradient(moved));
  return where(width == 0, 0, change);
}

void check_share(double q) {
  if (q >= 0 && q <= 1) return;
  fail(ErrorCode::out_of_range, "quantile: {} is not in [0, 1]", q);
}

}  // namespace

Tensor quantile(const Tensor& x, double q, const Axes& axes, bool keep, Between between) {
  Tensor several = quantile(x, std::vector<double>{q}, axes, keep, between);
  return squeeze(several, 0);
}

Tensor quantile(const Tensor& x, const std::vector<double>& q, const Axes& axes, bool keep,
                Between between) {
  Integers over = axes.resolve(x.rank(), "quantile: axis");
  if (q.empty()) fail(ErrorCode::invalid_argument, "quantile: the list of q is empty");
  std::for_each(q.begin(), q.end(), check_share);
  Shape kept = x.shape();
  for (int64_t axis : over) kept[static_cast<size_t>(axis)] = 1;
  Tensor line = sort(combined_last(precise(x), over));
  const Dim& count = line.dim(-1);
  Tensor is_undefined = full({}, count.is(0), DType::boolean);
  if (!count.is(0)) {
    // NaN is sorted behind all others. Of no elements, gather reads 0.
    Tensor last = take(line, dim_value(count - 1, DType::i64), -1);
    is_undefined = is_nan(last) || dim_value(count, DType::i64) == 0;
  }
  std::vector<Tensor> results;
  for (double share : q) {
    Tensor result = sum(line, {-1});
    if (!count.is(0)) {
      Place place = place_of(share, count, between, line.dtype());
      result = mixed(ops::gather(line, place.lower, -1), ops::gather(line, place.upper, -1),
                     place.weight);
    }
    results.push_back(where(is_undefined, kNaN, result));
    if (keep) results.back() = results.back().reshape(kept);
  }
  return rounded_as(x, stack(results));
}

Tensor median(const Tensor& x, const Axes& axes, bool keep) { return quantile(x, 0.5, axes, keep); }

Tensor interpolate(const Tensor& x, const Tensor& xs, const Tensor& ys, std::optional<double> left,
                   std::optional<double> right) {
  if (xs.rank() != 1 || xs.shape() != ys.shape() || xs.shape()[0].is(0))
    fail(ErrorCode::shape_mismatch, "interpolate: xs {} and ys {} are not vectors of one size",
         xs.type().to_string(), ys.type().to_string());
  DType dtype = promote(promote(x.dtype(), xs.dtype()), ys.dtype());
  DType wide = dtype == DType::f64 ? DType::f64 : DType::f32;
  Tensor at = x.cast(wide), from = xs.cast(wide), to = ys.cast(wide);
  Tensor last = dim_value(xs.dim(0) - 1, DType::i64);
  // The interval that begins at or before x; the last one holds its end, too.
  Tensor index = searchsorted(from, at, true).cast(DType::i64) - 1;
  Tensor lower = maximum(minimum(index, last - 1), 0), upper = minimum(lower + 1, last);
  Tensor x0 = ops::gather(from, lower), x1 = ops::gather(from, upper);
  Tensor y0 = ops::gather(to, lower), y1 = ops::gather(to, upper);
  Tensor first_x = ops::gather(from, Tensor(0)), last_x = ops::gather(from, last);
  Tensor inside = where(at < first_x || at > last_x, x0, at);
  Tensor weight = weight_between(inside, x0, x1);
  Tensor is_steep = is_finite(y0) && is_finite(y1) && !is_finite(y1 - y0);
  Tensor held = where(is_steep, stop_gradient(weight), weight);
  Tensor line = y0 * (1 - held) + y1 * held;
  line = line + where(is_steep, slope_alone(inside, {x0, x1}, {y0, y1}, held, is_steep), 0);
  // An infinite end does not reach the other one.
  line = where(weight == 0 && !is_finite(y1), y0, where(weight == 1 && !is_finite(y0), y1, line));
  Tensor before = left ? full({}, *left, wide) : ops::gather(to, Tensor(0));
  Tensor behind = right ? full({}, *right, wide) : ops::gather(to, last);
  line = where(at < first_x, before, where(at > last_x, behind, line));
  return is_floating(dtype) ? line.cast(dtype) : line;
}

}  // namespace tenon
