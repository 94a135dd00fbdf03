#include "tenon/tensor/numpy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tenon/graph/broadcast.h"
#include "tenon/graph/build.h"
#include "tenon/ops/index_check.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/value_functions.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/numbers.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/tracing.h"
#include "tenon/tensor/working_precision.h"

namespace tenon {

Integers Axes::resolve(size_t rank, std::string_view what) const {
  Integers result;
  if (!some_) {
    result.resize(rank);
    std::iota(result.begin(), result.end(), int64_t{0});
    return result;
  }
  for (int64_t axis : *some_)
    result.push_back(static_cast<int64_t>(normalise_axis(axis, rank, what)));
  for (size_t i = 0; i < result.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (result[i] != result[j]) continue;
      fail(ErrorCode::invalid_argument, "{} {} is named twice, as {} and {}", what, result[i],
           (*some_)[j], (*some_)[i]);
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

namespace {

/// What sums of x are held in.
Tensor widened(const Tensor& x) {
  bool narrow = !is_floating(x.dtype()) && size_of(x.dtype()) < size_of(DType::i32);
  return narrow ? x.cast(DType::i32) : x;
}

Dim count_of(const Tensor& x, const Integers& axes) {
  Dim count = 1;
  for (int64_t axis : axes) count = count * x.dim(axis);
  return count;
}

/// A count less `correction`, but not less than 0, as a divisor for x: what has no elements gives
/// NaN.
Tensor divisor(const Tensor& x, const Dim& count, int64_t correction = 0) {
  if (count.is_constant())
    return Tensor(static_cast<double>(std::max<int64_t>(count.constant() - correction, 0)));
  Tensor number = dim_value(count, x.dtype());
  return correction == 0 ? number : maximum(number - correction, 0);
}

/// The axes of a reduction that nothing has a result for.
Integers axes_of_some(const Tensor& x, const Axes& axes, std::string_view what) {
  Integers over = axes.resolve(x.rank(), fmt::format("{}: axis", what));
  for (int64_t axis : over) {
    if (!x.dim(axis).is(0)) continue;
    throw make_error(ErrorCode::shape_mismatch, "{}: axis {} of {} is empty", what, axis,
                     x.type().to_string())
        .note("hint: ops::reduce_{} gives its neutral element instead", what);
  }
  return over;
}

size_t checked_axis(const Tensor& x, int64_t axis, std::string_view what) {
  return normalise_axis(axis, x.rank(), what);
}

}  // namespace

Tensor Tensor::T() const { return tenon::transpose(*this); }
Tensor Tensor::sum(const Axes& axes, bool keep) const { return tenon::sum(*this, axes, keep); }
Tensor Tensor::mean(const Axes& axes, bool keep) const { return tenon::mean(*this, axes, keep); }
Tensor Tensor::max(const Axes& axes, bool keep) const { return tenon::max(*this, axes, keep); }
Tensor Tensor::min(const Axes& axes, bool keep) const { return tenon::min(*this, axes, keep); }

Tensor sum(const Tensor& x, const Axes& axes, bool keep) {
  return ops::reduce_sum(widened(x), axes.resolve(x.rank(), "sum: axis"), keep);
}
Tensor prod(const Tensor& x, const Axes& axes, bool keep) {
  return ops::reduce_product(widened(x), axes.resolve(x.rank(), "prod: axis"), keep);
}
Tensor max(const Tensor& x, const Axes& axes, bool keep) {
  return ops::reduce_max(x, axes_of_some(x, axes, "max"), keep);
}
Tensor min(const Tensor& x, const Axes& axes, bool keep) {
  return ops::reduce_min(x, axes_of_some(x, axes, "min"), keep);
}
Tensor all(const Tensor& x, const Axes& axes, bool keep) {
  return ops::reduce_and(x.cast(DType::boolean), axes.resolve(x.rank(), "all: axis"), keep);
}
Tensor any(const Tensor& x, const Axes& axes, bool keep) {
  return ops::reduce_or(x.cast(DType::boolean), axes.resolve(x.rank(), "any: axis"), keep);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep) {
  Integers over = axes.resolve(x.rank(), "mean: axis");
  Tensor total = ops::reduce_sum(precise(x), over, keep);
  return rounded_as(x, total / divisor(total, count_of(x, over)));
}

namespace {

/// Numbers of which the squares, and the sums of those, neither overflow nor vanish: f64 where x is
/// narrower, and else in a unit, which is 1 where that does anyway and a power of 2 elsewhere, so
/// that nothing is rounded.
struct ForSquares {
  Tensor numbers, unit;

  ForSquares(const Tensor& x, const Integers& over)
      : numbers(x.cast(DType::f64)), unit(full({}, 1, DType::f64)) {
    if (x.dtype() != DType::f64) return;
    Tensor largest = stop_gradient(ops::reduce_max(abs(x), over, true));
    auto choose = [&](double of_large, double of_small) {
      auto wide = [](double value) { return full({}, value, DType::f64); };
      return where(largest > 0x1p460, wide(of_large),
                   where(largest < 0x1p-460, wide(of_small), wide(1)));
    };
    unit = choose(0x1p600, 0x1p-700);
    numbers = x * choose(0x1p-600, 0x1p700);
  }
};

/// With derivative 0 at 0, as PyTorch has it for norms and standard deviations.
Tensor root(const Tensor& x) {
  Tensor is_zero = x == 0;
  return where(is_zero, 0, sqrt(where(is_zero, 1, x)));
}

/// `result`, which has the axes with size 1, without them unless they are kept, and as precise as
/// x is.
Tensor finished(const Tensor& x, const Tensor& result, const Integers& over, bool keep) {
  DType dtype = is_floating(x.dtype()) ? x.dtype() : DType::f32;
  Tensor rounded = result.cast(dtype);
  return keep ? rounded : rounded.reshape(reduced_shape(x.shape(), over, false));
}

/// Whether each row has an element, whatever is bound to symbols.
bool has_first(const Tensor& x, const Integers& over) {
  return std::all_of(over.begin(), over.end(), [&](int64_t axis) {
    return x.dim(axis).is_constant() && x.dim(axis).constant() > 0;
  });
}

/// Of what is narrower than f64, in f64: the first element, which is there without a pass over x.
/// As it is one of n, the squares of distances from it add up to at most n + 1 times those from the
/// mean: of a billion elements half of the digits stay, more than f32 has.
Tensor first_element(const Tensor& x, const Integers& over) {
  Shape origin(std::vector<Dim>(x.rank(), 0)), end = x.shape();
  for (int64_t axis : over) end[static_cast<size_t>(axis)] = 1;
  return ops::slice(x, origin, end, Integers(x.rank(), 1)).cast(DType::f64);
}

/// The variance from distances from any one number, in one pass (Chan, Golub and LeVeque 1983). It
/// does not depend on that number, which therefore needs no derivative.
Tensor variance_of(const Tensor& distance, const Integers& over, int64_t correction,
                   bool may_overflow) {
  Tensor total = sum(distance, over, true), squares = sum(square(distance), over, true);
  const Dim count = count_of(distance, over);
  // Of an infinite sum of squares of f64 there is nothing to correct; of others it means an
  // infinity.
  if (may_overflow) total = where(is_finite(squares), total, 0);
  Tensor left = squares - total * (total / divisor(total, count));
  left = where(left < 0, 0, left);
  return left / divisor(total, count, correction);
}

}  // namespace

Tensor variance(const Tensor& x, const Axes& axes, bool keep, int64_t correction) {
  Integers over = axes.resolve(x.rank(), "variance: axis");
  auto centre = [&] {
    if (x.dtype() != DType::f64 && has_first(x, over)) return first_element(x, over);
    // The squares are what is asked for: only the mean is taken in the unit.
    ForSquares wide(x, over);
    return mean(wide.numbers, over, true) * wide.unit;
  };
  Tensor distance = x.cast(DType::f64) - stop_gradient(centre());
  const bool may_overflow = x.dtype() == DType::f64;
  return finished(x, variance_of(distance, over, correction, may_overflow), over, keep);
}
Tensor standard_deviation(const Tensor& x, const Axes& axes, bool keep, int64_t correction) {
  Integers over = axes.resolve(x.rank(), "standard_deviation: axis");
  ForSquares wide(x, over);
  const bool by_first = x.dtype() != DType::f64 && has_first(x, over);
  Tensor centre = by_first ? first_element(x, over) : mean(wide.numbers, over, true);
  Tensor distance = wide.numbers - stop_gradient(centre);
  Tensor deviation = root(variance_of(distance, over, correction, false));
  return finished(x, deviation * wide.unit, over, keep);
}
Tensor norm(const Tensor& x, const Axes& axes, bool keep) {
  Integers over = axes.resolve(x.rank(), "norm: axis");
  ForSquares wide(x, over);
  return finished(x, root(sum(square(wide.numbers), over, true)) * wide.unit, over, keep);
}
Tensor argmax(const Tensor& x) { return argmax(x.reshape({-1}), 0); }
Tensor argmin(const Tensor& x) { return argmin(x.reshape({-1}), 0); }

Tensor cumsum(const Tensor& x, int64_t axis) { return ops::cumulative_sum(widened(x), axis); }
Tensor cumprod(const Tensor& x, int64_t axis) { return ops::cumulative_product(widened(x), axis); }
Tensor cummax(const Tensor& x, int64_t axis) { return ops::cumulative_max(x, axis); }
Tensor cummin(const Tensor& x, int64_t axis) { return ops::cumulative_min(x, axis); }

namespace {

/// |a - b| of integers, rounded once to f64: the difference is taken modulo 2^64 first, since f64
/// does not tell neighbours beyond 2^53 apart.
Tensor distance_of_integers(const Tensor& a, const Tensor& b) {
  Tensor x = a.cast(DType::i64), y = b.cast(DType::i64);
  Tensor distance = maximum(x, y) - minimum(x, y);
  Tensor rounded = distance.cast(DType::f64);
  return where(distance < 0, rounded + 0x1p64, rounded);
}

}  // namespace

// In f64, so that neither the distance nor a tolerance overflows to an infinity, which every other
// is within. Nothing but itself is close to an infinity, as in PyTorch.
Tensor is_close(const Tensor& a, const Tensor& b, double relative, double absolute) {
  Tensor size = abs(b.cast(DType::f64));
  auto tolerance = [&](double scale) { return absolute * scale + relative * (size * scale); };
  if (!is_floating(a.dtype()) && !is_floating(b.dtype()))
    return a == b || distance_of_integers(a, b) <= tolerance(1);
  Tensor x = a.cast(DType::f64), y = b.cast(DType::f64);
  // By halves where the difference of two f64 could overflow; subnormal ones do not matter there.
  Tensor near = abs(x - y) <= tolerance(1), far = abs(x * 0.5 - y * 0.5) <= tolerance(0.5);
  return x == y || (is_finite(x) && is_finite(y) && where(size > 1, far, near));
}
Tensor all_close(const Tensor& a, const Tensor& b, double relative, double absolute) {
  return all(is_close(a, b, relative, absolute));
}
Tensor array_equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() ? all(a == b) : Tensor(false);
}

Tensor tril(const Tensor& x, int64_t diagonal) {
  if (x.rank() < 2)
    fail(ErrorCode::shape_mismatch, "tril: {} is not a matrix", x.type().to_string());
  Tensor rows = arange(x.dim(-2), DType::i64).reshape({x.dim(-2), 1});
  return where(arange(x.dim(-1), DType::i64) - rows <= diagonal, x, zeros_like(x));
}
Tensor triu(const Tensor& x, int64_t diagonal) {
  if (x.rank() < 2)
    fail(ErrorCode::shape_mismatch, "triu: {} is not a matrix", x.type().to_string());
  Tensor rows = arange(x.dim(-2), DType::i64).reshape({x.dim(-2), 1});
  return where(arange(x.dim(-1), DType::i64) - rows >= diagonal, x, zeros_like(x));
}

Tensor transpose(const Tensor& x) { return x.transpose(); }

Tensor swap_axes(const Tensor& x, int64_t a, int64_t b) {
  Integers order(x.rank());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::swap(order[checked_axis(x, a, "swap_axes: axis")],
            order[checked_axis(x, b, "swap_axes: axis")]);
  return x.transpose(order);
}

Tensor move_axis(const Tensor& x, int64_t from, int64_t to) {
  auto source = static_cast<std::ptrdiff_t>(checked_axis(x, from, "move_axis: axis"));
  auto target = static_cast<std::ptrdiff_t>(checked_axis(x, to, "move_axis: axis"));
  if (source == target) return x;
  Integers order(x.rank());
  std::iota(order.begin(), order.end(), int64_t{0});
  order.erase(order.begin() + source);
  order.insert(order.begin() + target, source);
  return x.transpose(order);
}

Tensor expand_dims(const Tensor& x, int64_t axis) {
  Shape shape = x.shape();
  shape.insert(normalise_axis(axis, x.rank() + 1, "expand_dims: axis"), Dim(1));
  return x.reshape(shape);
}

Tensor squeeze(const Tensor& x, int64_t axis) {
  size_t where = checked_axis(x, axis, "squeeze: axis");
  if (!x.shape()[where].is(1))
    fail(ErrorCode::shape_mismatch, "squeeze: axis {} of {} has not size 1", axis,
         x.type().to_string());
  Shape shape = x.shape();
  shape.erase(where);
  return x.reshape(shape);
}

Tensor squeeze(const Tensor& x) {
  Shape shape;
  for (const Dim& dim : x.shape()) {
    if (!dim.is(1)) shape.push_back(dim);
  }
  return x.reshape(shape);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (x.shape().always_equals(shape)) return x;
  if (broadcast_shapes(x.shape(), shape) != shape)
    fail(ErrorCode::shape_mismatch, "broadcast_to: {} does not fit {}", x.type().to_string(),
         shape.to_string());
  auto [kept, dims] = broadcast_axes(x.shape(), shape);
  return ops::broadcast(x.reshape(kept), shape, dims);
}

Tensor flatten(const Tensor& x, int64_t first_axis) {
  size_t first = normalise_axis(first_axis, x.rank() + 1, "flatten: axis");
  Shape shape(
      std::vector<Dim>(x.shape().begin(), x.shape().begin() + static_cast<std::ptrdiff_t>(first)));
  Shape rest(
      std::vector<Dim>(x.shape().begin() + static_cast<std::ptrdiff_t>(first), x.shape().end()));
  shape.push_back(rest.element_count());
  return x.reshape(shape);
}

namespace {

/// All of one dtype: joining promotes as arithmetic does.
std::vector<Tensor> unified(std::vector<Tensor> parts, std::string_view what) {
  if (parts.empty()) fail(ErrorCode::invalid_argument, "{}: there are no parts", what);
  DType dtype = parts[0].dtype();
  for (const Tensor& part : parts) dtype = promote(dtype, part.dtype());
  for (Tensor& part : parts) part = part.cast(dtype);
  return parts;
}

}  // namespace

Tensor concatenate(const std::vector<Tensor>& parts, int64_t axis) {
  std::vector<Tensor> same = unified(parts, "concatenate");
  if (same.size() > 1) return ops::concatenate(std::span<const Tensor>(same), axis);
  checked_axis(same[0], axis, "concatenate: axis");
  return same[0];
}

Tensor stack(const std::vector<Tensor>& parts, int64_t axis) {
  std::vector<Tensor> same = unified(parts, "stack");
  for (const Tensor& part : same) {
    if (part.shape() != same[0].shape())
      fail(ErrorCode::shape_mismatch, "stack: {} and {} differ in shape",
           same[0].type().to_string(), part.type().to_string());
  }
  size_t where = normalise_axis(axis, same[0].rank() + 1, "stack: axis");
  for (Tensor& part : same) part = expand_dims(part, static_cast<int64_t>(where));
  return concatenate(same, static_cast<int64_t>(where));
}

std::vector<Tensor> split(const Tensor& x, int64_t parts, int64_t axis) {
  const Dim& size = x.dim(axis);
  std::optional<Dim> each = parts > 0 ? size.divided_by(Dim(parts)) : std::nullopt;
  if (!each)
    fail(ErrorCode::shape_mismatch, "split: axis {} of {} does not make {} equal parts", axis,
         x.type().to_string(), parts);
  std::vector<Tensor> pieces;
  for (int64_t i = 0; i < parts; ++i)
    pieces.push_back(slice_axis(x, axis, *each * Dim(i), *each * Dim(i + 1)));
  return pieces;
}

std::vector<Tensor> split(const Tensor& x, const Integers& starts, int64_t axis) {
  std::vector<Tensor> pieces;
  int64_t start = 0;
  for (int64_t next : starts) {
    pieces.push_back(slice_axis(x, axis, start, next));
    start = next;
  }
  pieces.push_back(slice_axis(x, axis, start, x.dim(axis)));
  return pieces;
}

Tensor flip(const Tensor& x, int64_t axis) {
  return ops::reverse(x, {static_cast<int64_t>(checked_axis(x, axis, "flip: axis"))});
}

Tensor roll(const Tensor& x, int64_t shift, int64_t axis) {
  const Dim& size = x.dim(axis);
  if (size.is_constant()) {
    if (size.is(0)) return x;
    shift %= size.constant();
  }
  if (shift == 0) return x;
  return concatenate({x.slice(axis, -shift), x.slice(axis, 0, -shift)}, axis);
}

Tensor pad(const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& widths,
           const Tensor& value) {
  if (widths.size() != x.rank())
    fail(ErrorCode::invalid_argument, "pad: {} widths for the {} axes of {}", widths.size(),
         x.rank(), x.type().to_string());
  Shape low, high;
  for (const auto& [before, after] : widths) {
    low.push_back(before);
    high.push_back(after);
  }
  const detail::NodeRef& node = detail::require(value, "pad: value");
  Tensor padding = node->is_number && x.dtype() != DType::boolean
                       ? full({}, detail::written_number(*node), x.dtype())
                       : value.cast(x.dtype());
  return ops::pad(x, padding, low, high, Integers(x.rank(), 0));
}

Tensor tile(const Tensor& x, const Integers& counts) {
  if (counts.size() != x.rank())
    fail(ErrorCode::invalid_argument, "tile: {} counts for the {} axes of {}", counts.size(),
         x.rank(), x.type().to_string());
  // Every axis is preceded by one of its copies, which it then takes in.
  Shape spread, joined;
  Integers dims;
  for (size_t i = 0; i < x.rank(); ++i) {
    spread.push_back(counts[i]);
    dims.push_back(static_cast<int64_t>(spread.rank()));
    spread.push_back(x.shape()[i]);
    joined.push_back(x.shape()[i] * Dim(counts[i]));
  }
  return ops::broadcast(x, spread, dims).reshape(joined);
}

Tensor repeat(const Tensor& x, int64_t count, int64_t axis) {
  size_t where = checked_axis(x, axis, "repeat: axis");
  Shape shape = x.shape();
  shape.insert(where + 1, Dim(count));
  Integers dims;
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (i != where + 1) dims.push_back(static_cast<int64_t>(i));
  }
  Tensor copies = ops::broadcast(x, shape, dims);
  shape[where] = shape[where] * shape[where + 1];
  shape.erase(where + 1);
  return copies.reshape(shape);
}

Tensor slice_axis(const Tensor& x, int64_t axis, const Dim& start, const Dim& limit) {
  size_t where = checked_axis(x, axis, "slice_axis: axis");
  Shape starts, limits = x.shape();
  for (size_t i = 0; i < x.rank(); ++i) starts.push_back(0);
  starts[where] = start;
  limits[where] = limit;
  return ops::slice(x, starts, limits, Integers(x.rank(), 1));
}

namespace {

/// `call`, whose errors are said of the function that the user called and of its arguments, not of
/// the op that it is made of.
template <class Call>
Tensor said_of(std::string_view function,
               std::initializer_list<std::pair<std::string_view, std::string_view>> names,
               const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    auto renamed = [&](std::string text) {
      for (const auto& [from, to] : names) {
        if (text.starts_with(from)) return std::string(to) + text.substr(from.size());
      }
      return text;
    };
    const std::string message = error.message();
    const size_t end_of_op = message.find(": ");
    if (end_of_op == std::string::npos) throw;
    Error named(error.code(),
                std::string(function) + ": " + renamed(message.substr(end_of_op + 2)));
    for (const std::string& note : error.notes()) named.add_note(renamed(note));
    throw named;
  }
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& on_true, const Tensor& on_false) {
  detail::require(condition, "where: condition");
  return said_of("where", {{"predicate", "condition"}},
                 [&] { return ops::select(condition.cast(DType::boolean), on_true, on_false); });
}
namespace {

/// Whether a bound is a C++ number on the far side of all that x's dtype has.
bool is_beyond(const Tensor& bound, const Tensor& x, bool above) {
  const detail::NodeRef& node = detail::require(bound, "clip: bound");
  if (!node->is_number || x.dtype() == DType::boolean) return false;
  if (node->is_fraction && !is_floating(x.dtype())) return false;  // both become f32
  const Number number = detail::written_number(*node);
  return !number.fits(x.dtype()) && (number.real() > 0) == above;
}

}  // namespace

Tensor clip(const Tensor& x, const Tensor& low, const Tensor& high) {
  detail::require(x, "clip: x");
  Tensor raised = x;
  if (!is_beyond(low, x, false)) {
    raised = said_of("clip", {{"a ", "x "}, {"b ", "low "}}, [&] { return maximum(x, low); });
  }
  if (is_beyond(high, x, true)) return raised;
  return said_of("clip", {{"a ", "x "}, {"b ", "high "}}, [&] { return minimum(raised, high); });
}
Tensor square(const Tensor& x) { return x * x; }
Tensor sigmoid(const Tensor& x) { return ops::logistic(x); }
Tensor is_inf(const Tensor& x) { return !is_finite(x) && !is_nan(x); }
Tensor trunc(const Tensor& x) {
  return is_floating(x.dtype()) ? where(x < 0, ceil(x), floor(x)) : x;
}

Tensor nan_to_num(const Tensor& x, double nan) {
  if (!is_floating(x.dtype())) return x;
  double largest = detail::largest_finite(x.dtype());
  // Not by clip, whose derivative at its bounds is one half.
  Tensor finite = where(x == INFINITY, largest, where(x == -INFINITY, -largest, x));
  return where(is_nan(x), nan, finite);
}
Tensor log_add_exp(const Tensor& a, const Tensor& b) {
  // By the distance from the larger: of a sum of exponentials the digits of a small one are lost.
  Tensor first = a > b, larger = where(first, a, b), smaller = where(first, b, a);
  Tensor equal_infinities = smaller == larger && !is_finite(larger);
  return larger + softplus(where(equal_infinities, 0, smaller - larger));
}

namespace {

/// Whether a quotient by b that leaves `rest` when it is truncated lies below what it becomes then.
Tensor is_truncated_up(const Tensor& rest, const Tensor& b) {
  return (rest < 0 && b > 0) || (rest > 0 && b < 0);
}

}  // namespace

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  // a - rest lies between 0 and a, so that it fits where a - remainder(a, b) may not.
  Tensor rest = fmod(a, b), truncated = ops::divide(a - rest, b);
  if (!is_floating(truncated.dtype()))
    return where(is_truncated_up(rest, b), truncated - 1, truncated);
  Tensor quotient = a / b, whole = round(truncated);
  Tensor down = where(is_truncated_up(rest, b), whole - 1, whole);
  // Zeros have the sign of the quotient; nothing is left of a division by 0, which has one all the
  // same.
  return stop_gradient(where(b == 0, quotient, where(down == 0, quotient * 0, down)));
}

Tensor left_shift(const Tensor& x, const Tensor& count) { return ops::shift_left(x, count); }
Tensor right_shift(const Tensor& x, const Tensor& count) {
  return is_signed(x.dtype()) ? ops::shift_right_arithmetic(x, count)
                              : ops::shift_right_logical(x, count);
}

Tensor diff(const Tensor& x, int64_t axis) { return x.slice(axis, 1) - x.slice(axis, 0, -1); }

namespace {

/// Indices as `gather` wants them: not negative where they count from the end.
Tensor from_start(const Tensor& x, const Tensor& indices, int64_t axis, std::string_view what) {
  if (!is_integer(indices.dtype()))
    throw make_error(ErrorCode::type_mismatch, "{}: indices are {}, not integers", what,
                     indices.type().to_string())
        .note(
            "hint: Tensor::of<int32_t>({{2, 0}}, {{2}}) has integers; Tensor{{2, 0}} has "
            "floating-point numbers");
  const Dim& size = x.dim(axis);
  const auto where_is = static_cast<int64_t>(normalise_axis(axis, x.rank(), what));
  detail::check_known_indices(what, x.type(), *indices.node(), where_is,
                              size.is_constant() ? -size.constant() : 0);
  // Counted in what holds the axis, too.
  Tensor wide = indices.cast(promote(indices.dtype(), position_dtype(size)));
  // The ones that are written here, by what is called here: `gather` sees others.
  if (index_checks())
    wide = ops::check_indices(wide, Shape{size}, 0, where_is, std::string(what),
                              x.type().to_string(), true);
  if (!is_signed(indices.dtype())) return wide;
  return where(wide < 0, wide + dim_value(size, wide.dtype()), wide);
}

}  // namespace

Tensor detail::taken(const Tensor& x, const Tensor& indices, int64_t axis, std::string_view what) {
  return ops::gather(x, from_start(x, indices, axis, what), axis);
}

Tensor take(const Tensor& x, const Tensor& indices, int64_t axis) {
  return detail::taken(x, indices, axis, "take");
}

Tensor take_along_axis(const Tensor& x, const Tensor& indices, int64_t axis) {
  size_t where = checked_axis(x, axis, "take_along_axis: axis");
  auto last = static_cast<int64_t>(x.rank()) - 1;
  auto from = static_cast<int64_t>(where);
  // With the axis last, all others are shared.
  Tensor places = from_start(x, indices, axis, "take_along_axis");
  Tensor rows = ops::gather(move_axis(x, from, last), move_axis(places, from, last), last, last);
  return move_axis(rows, last, from);
}

DType position_dtype(const Dim& dim) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  return dim.is_constant() && dim.constant() > kMost ? DType::i64 : DType::i32;
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  DType dtype = promote(sorted.dtype(), values.dtype());
  if (sorted.rank() != 1)
    fail(ErrorCode::shape_mismatch, "searchsorted: {} is not a vector", sorted.type().to_string());
  return ops::search_sorted(sorted.cast(dtype), values.cast(dtype), right, 0,
                            position_dtype(sorted.shape()[0] + 1));
}

Tensor sort(const Tensor& x, int64_t axis, bool descending) {
  return ops::sort(x, std::span<const Tensor>(), axis, descending)[0];
}

Tensor argsort(const Tensor& x, int64_t axis, bool descending) {
  auto where = static_cast<int64_t>(checked_axis(x, axis, "argsort: axis"));
  Tensor index = ops::iota(position_dtype(x.dim(where)), x.shape(), where);
  return ops::sort(x, std::span<const Tensor>(&index, 1), where, descending)[1];
}

Tensor one_hot(const Tensor& ids, int64_t depth, DType dtype) {
  DType wide = is_integer(ids.dtype()) ? promote(ids.dtype(), position_dtype(depth)) : ids.dtype();
  return ops::one_hot(ids.cast(wide), Shape{depth}, dtype);
}

Tensor full_like(const Tensor& x, Number value) { return full(x.shape(), value, x.dtype()); }

namespace {

[[noreturn]] void fail_endless(Number start, Number limit, Number step) {
  fail(ErrorCode::out_of_range, "arange: from {} to {} in steps of {} it never ends",
       start.to_string(), limit.to_string(), step.to_string());
}

/// Exact: no number of it passes through f64.
Tensor whole_range(Number start, Number limit, Number step, std::optional<DType> dtype) {
  using Wide = __int128;
  const Wide by = step.whole(), distance = Wide{limit.whole()} - start.whole();
  const Wide rounded = distance + by + (by > 0 ? -1 : 1);
  const Wide count = (distance > 0) == (by > 0) && distance != 0 ? rounded / by : 0;
  if (count > INT64_MAX) fail_endless(start, limit, step);
  if (count == 0) return zeros({0}, dtype.value_or(DType::i32));
  const auto last = static_cast<int64_t>(start.whole() + (count - 1) * by);
  bool narrow = start.fits(DType::i32) && Number(last).fits(DType::i32);
  DType result = dtype.value_or(narrow ? DType::i32 : DType::i64);
  start.check_fits(result, "arange");
  Number(last).check_fits(result, "arange");
  DType computed = narrow && step.fits(DType::i32) ? DType::i32 : DType::i64;
  Tensor index = arange(static_cast<int64_t>(count), computed);
  // Products wrap, and the sums wrap back.
  return (index * full({}, step, computed) + full({}, start, computed)).cast(result);
}

}  // namespace

Tensor detail::range(Number start, Number limit, Number step, std::optional<DType> dtype) {
  if (step.real() == 0) fail(ErrorCode::invalid_argument, "arange: the step is 0");
  if (start.is_whole() && limit.is_whole() && step.is_whole())
    return whole_range(start, limit, step, dtype);
  double count = std::max(std::ceil((limit.real() - start.real()) / step.real()), 0.0);
  if (!(count < 0x1p53)) fail_endless(start, limit, step);
  const DType result = dtype.value_or(DType::f32);
  if (count > 0) {
    start.check_fits(result, "arange");
    Number(start.real() + (count - 1) * step.real()).check_fits(result, "arange");
  }
  // In f64, so that the numbers are those of start + i * step.
  Tensor index = arange(static_cast<int64_t>(count), DType::f64);
  return (index * step.real() + start.real()).cast(result);
}

Tensor linspace(double start, double stop, int64_t count, DType dtype) {
  if (count < 0) fail(ErrorCode::invalid_argument, "linspace: {} numbers are asked for", count);
  if (count == 0) return zeros({0}, dtype);
  Number(start).check_fits(dtype, "linspace");
  if (count == 1) return full({1}, start, dtype);
  Number(stop).check_fits(dtype, "linspace");
  // In f64, so that the last number is `stop` itself. Large numbers are scaled by a power of two,
  // which is exact, since the products may be up to `count` times as large.
  Tensor index = arange(count, DType::f64);
  double last = static_cast<double>(count - 1);
  double largest = std::max(std::abs(start), std::abs(stop));
  double scale = largest > 1 ? std::exp2(std::ceil(std::log2(last))) : 1;
  Tensor sum = index * (stop / scale) + (last - index) * (start / scale);
  return (sum / last * scale).cast(dtype);
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& vectors, bool rows_first) {
  // Axis i belongs to vector i, but for the first two, which may change places.
  auto axis_of = [&](size_t i) { return i < 2 && !rows_first && vectors.size() > 1 ? 1 - i : i; };
  Shape shape(std::vector<Dim>(vectors.size(), 1));
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (vectors[i].rank() != 1)
      fail(ErrorCode::shape_mismatch, "meshgrid: {} is not a vector",
           vectors[i].type().to_string());
    shape[axis_of(i)] = vectors[i].dim(0);
  }
  std::vector<Tensor> grids;
  for (size_t i = 0; i < vectors.size(); ++i)
    grids.push_back(ops::broadcast(vectors[i], shape, {static_cast<int64_t>(axis_of(i))}));
  return grids;
}

Tensor dim_value(const Dim& dim, DType dtype) {
  if (dim.is_constant()) return full({}, dim.constant(), dtype);
  Graph graph("dim_value");
  Build build(graph, core_ops());
  graph.set_outputs({dim_value(build, dim, dtype).id()});
  return apply_graph(graph, {})[0];
}

}  // namespace tenon
