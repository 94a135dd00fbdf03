// The names that NumPy's users know, beside the ops of functions.h.
//
//   given: Tensor x, weight, index;
//   Tensor y = matmul(x, weight) - mean(x, {-1}, true);
//   Tensor z = where(x > 0, sqrt(x), 0);
//   Tensor s = einsum("bij,bjk->bik", {y, z});
//   Tensor rows = take(x, index);
//
// Shapes broadcast and dtypes promote as in NumPy, unless a function says otherwise. Errors name
// the function and both sides: shape_mismatch for shapes that do not fit, type_mismatch for dtypes
// (real numbers where indices are wanted), out_of_range for an axis that there is not, and
// invalid_argument for one that is named twice and for values such as a step of 0.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tenon/tensor/functions.h"

namespace tenon {

namespace detail {
Tensor range(Number start, Number limit, Number step, std::optional<DType> dtype);
}

// Reductions. Without axes, over all of them; negative axes count from the end. `keep` leaves them
// with size 1.

/// Sums and products of bool, u8 and i8 are i32, which they would soon leave.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false);  // of integers: f32
/// Of an axis of size 0, which has no largest: shape_mismatch.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// Numbers other than 0 are true.
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// The mean squared distance from the mean; divided by the count less `correction`, or by 0 if that
/// is not above it.
Tensor variance(const Tensor& x, const Axes& axes = {}, bool keep = false, int64_t correction = 0);
/// Its root; without overflow on the way, and with derivative 0 where it is 0, as `norm`.
Tensor standard_deviation(const Tensor& x, const Axes& axes = {}, bool keep = false,
                          int64_t correction = 0);
/// The Euclidean norm.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// What lies between two elements.
enum class Between : uint8_t { linear, lower, higher, nearest, midpoint };
/// The element that a share q of the others lies below, as NumPy's methods of the same name have
/// it: at q (n - 1) of the sorted elements, nearest with halves to even. NaN if there is one or if
/// there are no elements; f32 for integers. Error out_of_range for q outside [0, 1].
Tensor quantile(const Tensor& x, double q, const Axes& axes = {}, bool keep = false,
                Between between = Between::linear);
/// For several q, along a new first axis.
Tensor quantile(const Tensor& x, const std::vector<double>& q, const Axes& axes = {},
                bool keep = false, Between between = Between::linear);
/// The quantile 1/2: of an even number of elements the mean of the middle ones.
Tensor median(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor argmax(const Tensor& x);  // in row-major order
Tensor argmin(const Tensor& x);
Tensor cumsum(const Tensor& x, int64_t axis);
Tensor cumprod(const Tensor& x, int64_t axis);
/// The largest and the smallest so far.
Tensor cummax(const Tensor& x, int64_t axis);
Tensor cummin(const Tensor& x, int64_t axis);
/// Whether |a - b| <= absolute + relative * |b|, or both are the same infinity; by element. As in
/// mathematics: in f64, of integers with their exact difference, and without overflow.
Tensor is_close(const Tensor& a, const Tensor& b, double relative = 1e-5, double absolute = 1e-8);
/// The same of all elements; a scalar.
Tensor all_close(const Tensor& a, const Tensor& b, double relative = 1e-5, double absolute = 1e-8);
/// Whether shapes and all elements are equal; a scalar.
Tensor array_equal(const Tensor& a, const Tensor& b);

// Linear algebra.

/// The last two axes are matrices, the others broadcast; vectors are rows on the left and columns
/// on the right.
Tensor matmul(const Tensor& a, const Tensor& b);
/// Sums over the last axis of a and the last but one of b (the only one of a vector).
Tensor dot(const Tensor& a, const Tensor& b);
/// [m] and [n] to [m, n].
Tensor outer(const Tensor& a, const Tensor& b);
/// Einstein's summation over named axes: "ij,jk->ik". A name that one operand has twice stands for
/// its diagonal, "..." for further leading axes; without "->" the result has, in alphabetical
/// order, the names that occur once.
Tensor einsum(std::string_view formula, const std::vector<Tensor>& operands);
/// The elements x[…, i, i + offset], along one last axis; their sum is the trace. Sizes may be
/// symbols whose difference is known.
Tensor diagonal(const Tensor& x, int64_t offset = 0);
/// The lower triangle; `diagonal` > 0 keeps as many diagonals above the main one.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);

// Shapes.

Tensor transpose(const Tensor& x);  // all axes in reverse order
Tensor swap_axes(const Tensor& x, int64_t a, int64_t b);
Tensor move_axis(const Tensor& x, int64_t from, int64_t to);
Tensor expand_dims(const Tensor& x, int64_t axis);
Tensor squeeze(const Tensor& x, int64_t axis);
Tensor squeeze(const Tensor& x);  // all axes of size 1
/// Missing leading axes are added, axes of size 1 repeated.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// Joins all axes from `first_axis` on: of images [batch, …] it leaves vectors.
Tensor flatten(const Tensor& x, int64_t first_axis = 1);
Tensor concatenate(const std::vector<Tensor>& parts, int64_t axis = 0);
Tensor stack(const std::vector<Tensor>& parts, int64_t axis = 0);  // along a new axis
/// `parts` equal pieces; the dimension must divide.
std::vector<Tensor> split(const Tensor& x, int64_t parts, int64_t axis = 0);
/// Pieces that begin at 0 and at each of `starts`.
std::vector<Tensor> split(const Tensor& x, const Integers& starts, int64_t axis = 0);
/// x with the elements along the axis in reverse.
Tensor flip(const Tensor& x, int64_t axis);
/// Elements move `shift` places up the axis, the last ones to its start.
Tensor roll(const Tensor& x, int64_t shift, int64_t axis);
/// `widths`: how many elements before and after each axis.
Tensor pad(const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& widths,
           const Tensor& value = 0);
/// Each element `count` times in a row along the axis.
Tensor repeat(const Tensor& x, int64_t count, int64_t axis);
/// The whole of x `counts[i]` times along axis i.
Tensor tile(const Tensor& x, const Integers& counts);
/// Elements [start, limit) along an axis; both may be symbolic.
Tensor slice_axis(const Tensor& x, int64_t axis, const Dim& start, const Dim& limit);

// Elements.

/// Conditions other than 0 are true.
Tensor where(const Tensor& condition, const Tensor& on_true, const Tensor& on_false);
/// minimum(maximum(x, low), high); numbers beyond the ends of x's dtype are no bounds.
Tensor clip(const Tensor& x, const Tensor& low, const Tensor& high);
Tensor square(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor is_inf(const Tensor& x);
Tensor trunc(const Tensor& x);  // rounded toward 0
/// NaN becomes `nan`, infinities the largest finite numbers.
Tensor nan_to_num(const Tensor& x, double nan = 0);
Tensor log_add_exp(const Tensor& a, const Tensor& b);  // log(exp(a) + exp(b)), without overflow
/// The quotient rounded down, as Python's //; remainder(a, b) is what is left of it. For
/// integers a == floor_divide(a, b) * b + remainder(a, b), also where b is 0: 0 and a.
Tensor floor_divide(const Tensor& a, const Tensor& b);
/// The bits of integers, `count` places up or down; the sign of signed ones stays.
Tensor left_shift(const Tensor& x, const Tensor& count);
Tensor right_shift(const Tensor& x, const Tensor& count);
/// x[i + 1] - x[i] along an axis.
Tensor diff(const Tensor& x, int64_t axis = -1);
/// Slices of x at indices along an axis; negative ones count from the end, those out of range read
/// zero.
Tensor take(const Tensor& x, const Tensor& indices, int64_t axis = 0);
/// One element for each index along the axis: out[…, i, …] = x[…, indices[…, i, …], …].
Tensor take_along_axis(const Tensor& x, const Tensor& indices, int64_t axis);
Tensor sort(const Tensor& x, int64_t axis = -1, bool descending = false);
/// i32, and i64 for axes that it does not count: what argmax, argsort, nonzero, argwhere and
/// search_sorted give positions in. A dimension that is a symbol counts as small; an i32 that does
/// not do when the size is known is an error of argmax and searchsorted.
DType position_dtype(const Dim& dim);
/// The indices that sort x; equal elements keep their order.
Tensor argsort(const Tensor& x, int64_t axis = -1, bool descending = false);
/// Where a vector is not zero; evaluates it, since the size of the result depends on its values.
Tensor nonzero(const Tensor& x);
/// The same for any number of axes: [count, rank], one row of indices an element, in row-major
/// order.
Tensor argwhere(const Tensor& x);
/// How many elements of the ascending vector come before each value; with `right`, those that equal
/// it, too.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);
/// The straight lines through the points (xs, ys), whose vectors xs ascend, at x; before the first
/// and behind the last point `left` and `right`, or that point's y. At an x that is there twice the
/// last of its ys; beside an infinite x the y of the other end.
Tensor interpolate(const Tensor& x, const Tensor& xs, const Tensor& ys,
                   std::optional<double> left = {}, std::optional<double> right = {});
Tensor one_hot(const Tensor& ids, int64_t depth, DType dtype = DType::f32);
Tensor full_like(const Tensor& x, Number value);
/// start, start + step … before limit: f32 if one of them is a C++ real, else i32 (i64 beyond its
/// range), or the dtype, which must have these numbers. Exact for whole numbers.
template <class Start, class Limit, class Step = int>
  requires(std::is_arithmetic_v<Start> && std::is_arithmetic_v<Limit> && std::is_arithmetic_v<Step>)
Tensor arange(Start start, Limit limit, Step step = 1, std::optional<DType> dtype = none) {
  return detail::range(start, limit, step, dtype);
}
/// [count]: numbers from start to stop in equal steps, both included.
Tensor linspace(double start, double stop, int64_t count, DType dtype = DType::f32);
/// Grids of coordinates from one vector an axis: in grid i element i of the position is that of
/// vector i. The first vector runs along the second axis, as x in a plot, unless `rows_first`.
std::vector<Tensor> meshgrid(const std::vector<Tensor>& vectors, bool rows_first = false);
/// A dimension, which may be symbolic, as a scalar. Error out_of_range where it does not fit.
Tensor dim_value(const Dim& dim, DType dtype = DType::i32);

}  // namespace tenon
