// The names that NumPy users know, in addition to the ops of functions.h.
//
//   given: Tensor x, weight, index;
//   Tensor y = matmul(x, weight) - mean(x, {-1}, true);
//   Tensor z = where(x > 0, sqrt(x), 0);
//   Tensor s = einsum("bij,bjk->bik", {y, z});
//   Tensor rows = take(x, index);
//
// Shapes broadcast as in NumPy and dtypes promote as in JAX, unless a function says otherwise.
// Errors name the function and both operands: shape_mismatch for shapes that do not fit,
// type_mismatch for dtypes (floating-point indices, say), out_of_range for an axis that does not
// exist, and invalid_argument for a repeated axis and for values such as a step of 0.
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

// Reductions. Without axes, over all of them; negative axes count from the end. `keep` keeps the
// reduced axes with size 1, like NumPy's keepdims.

/// Sums and products of bool, u8 and i8 are i32, to avoid overflow.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false);  // of integers: f32
/// Error shape_mismatch for an axis of size 0, which has no maximum.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// Numbers other than 0 are true.
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// The sum of squared distances from the mean, divided by max(count - correction, 0), as in
/// PyTorch.
Tensor variance(const Tensor& x, const Axes& axes = {}, bool keep = false, int64_t correction = 0);
/// The square root of the variance, without intermediate overflow; the derivative at 0 is 0.
Tensor standard_deviation(const Tensor& x, const Axes& axes = {}, bool keep = false,
                          int64_t correction = 0);
/// The Euclidean norm.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// How to choose a value between two elements.
enum class Between : uint8_t { linear, lower, higher, nearest, midpoint };
/// The quantile at position q (n - 1) of the sorted elements, by NumPy's methods of the same name;
/// `nearest` rounds halves to even. NaN if an element is NaN or there are no elements; f32 for
/// integers. Error out_of_range for q outside [0, 1].
Tensor quantile(const Tensor& x, double q, const Axes& axes = {}, bool keep = false,
                Between between = Between::linear);
/// For several q, along a new first axis.
Tensor quantile(const Tensor& x, const std::vector<double>& q, const Axes& axes = {},
                bool keep = false, Between between = Between::linear);
/// The quantile 1/2; for an even number of elements, the mean of the middle two.
Tensor median(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor argmax(const Tensor& x);  // in row-major order
Tensor argmin(const Tensor& x);
Tensor cumsum(const Tensor& x, int64_t axis);
Tensor cumprod(const Tensor& x, int64_t axis);
/// The running maximum and minimum.
Tensor cummax(const Tensor& x, int64_t axis);
Tensor cummin(const Tensor& x, int64_t axis);
/// Elementwise: whether |a - b| <= absolute + relative * |b|, or both are the same infinity.
/// Computed in f64, with exact differences of integers, and without overflow.
Tensor is_close(const Tensor& a, const Tensor& b, double relative = 1e-5, double absolute = 1e-8);
/// Whether is_close holds for all elements; a scalar.
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
/// Einstein summation over named axes: "ij,jk->ik". A name repeated in one operand takes its
/// diagonal, and "..." stands for leading axes. Without "->", the result has the names that occur
/// once, in alphabetical order.
Tensor einsum(std::string_view formula, const std::vector<Tensor>& operands);
/// The elements x[…, i, i + offset], along a new last axis; their sum is the trace. Sizes may be
/// symbols if their difference is known.
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
/// Merges all axes from `first_axis` on: images [batch, …] become vectors.
Tensor flatten(const Tensor& x, int64_t first_axis = 1);
Tensor concatenate(const std::vector<Tensor>& parts, int64_t axis = 0);
Tensor stack(const std::vector<Tensor>& parts, int64_t axis = 0);  // along a new axis
/// `parts` equal pieces; the dimension must be divisible by `parts`.
std::vector<Tensor> split(const Tensor& x, int64_t parts, int64_t axis = 0);
/// Pieces that begin at 0 and at each of `starts`.
std::vector<Tensor> split(const Tensor& x, const Integers& starts, int64_t axis = 0);
/// x with the elements along the axis reversed.
Tensor flip(const Tensor& x, int64_t axis);
/// Moves elements `shift` positions up the axis; the last ones wrap to its start.
Tensor roll(const Tensor& x, int64_t shift, int64_t axis);
/// `widths`: how many elements before and after each axis.
Tensor pad(const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& widths,
           const Tensor& value = 0);
/// Repeats each element `count` times along the axis.
Tensor repeat(const Tensor& x, int64_t count, int64_t axis);
/// Repeats x `counts[i]` times along axis i.
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
/// The quotient rounded down, as Python's //. For integers, a == floor_divide(a, b) * b +
/// remainder(a, b), also for b = 0, where they are 0 and a.
Tensor floor_divide(const Tensor& a, const Tensor& b);
/// Shifts the bits of integers by `count`; right_shift of signed integers keeps the sign.
Tensor left_shift(const Tensor& x, const Tensor& count);
Tensor right_shift(const Tensor& x, const Tensor& count);
/// x[i + 1] - x[i] along an axis.
Tensor diff(const Tensor& x, int64_t axis = -1);
/// Slices of x at indices along an axis. Negative indices count from the end; out-of-range indices
/// read zero.
Tensor take(const Tensor& x, const Tensor& indices, int64_t axis = 0);
/// One element for each index along the axis: out[…, i, …] = x[…, indices[…, i, …], …].
Tensor take_along_axis(const Tensor& x, const Tensor& indices, int64_t axis);
Tensor sort(const Tensor& x, int64_t axis = -1, bool descending = false);
/// i32, or i64 for axes too long for i32: the dtype of positions from argmax, argsort, nonzero,
/// argwhere and searchsorted. A symbolic dimension counts as small; if its size turns out too large
/// for i32, argmax and searchsorted report an error.
DType position_dtype(const Dim& dim);
/// The indices that sort x; equal elements keep their order.
Tensor argsort(const Tensor& x, int64_t axis = -1, bool descending = false);
/// The indices of a vector's nonzero elements. Evaluates it, since the result's size depends on it.
Tensor nonzero(const Tensor& x);
/// The same for any number of axes: [count, rank], one row of indices per element, in row-major
/// order.
Tensor argwhere(const Tensor& x);
/// How many elements of the ascending vector are less than each value; with `right`, less than or
/// equal to it.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);
/// Linear interpolation at x through the points (xs, ys), with ascending xs. Outside the points, it
/// is `left` or `right`, or the y of the first or last point. If an x occurs twice, its last y
/// counts; between a finite and an infinite x, the y of the finite one.
Tensor interpolate(const Tensor& x, const Tensor& xs, const Tensor& ys,
                   std::optional<double> left = {}, std::optional<double> right = {});
Tensor one_hot(const Tensor& ids, int64_t depth, DType dtype = DType::f32);
Tensor full_like(const Tensor& x, Number value);
/// start, start + step … before limit: f32 if one of them is a C++ floating-point number, else i32
/// (i64 beyond its range), or `dtype`, which must hold these numbers. Exact for integers.
template <class Start, class Limit, class Step = int>
  requires(std::is_arithmetic_v<Start> && std::is_arithmetic_v<Limit> && std::is_arithmetic_v<Step>)
Tensor arange(Start start, Limit limit, Step step = 1, std::optional<DType> dtype = none) {
  return detail::range(start, limit, step, dtype);
}
/// [count]: numbers from start to stop in equal steps, both included.
Tensor linspace(double start, double stop, int64_t count, DType dtype = DType::f32);
/// Coordinate grids from one vector per axis; grid i holds coordinate i of each position. The
/// first vector runs along the second axis (NumPy's "xy"), unless `rows_first` ("ij").
std::vector<Tensor> meshgrid(const std::vector<Tensor>& vectors, bool rows_first = false);
/// A dimension, which may be symbolic, as a scalar. Error out_of_range if it does not fit.
Tensor dim_value(const Dim& dim, DType dtype = DType::i32);

}  // namespace tenon
