// The names that NumPy's users know, beside the ops of functions.h.
//
//   given: Tensor x, weight, index;
//   Tensor y = matmul(x, weight) - mean(x, {-1}, true);
//   Tensor z = where(x > 0, sqrt(x), 0);
//   Tensor s = einsum("bij,bjk->bik", {y, z});
//   Tensor rows = take(x, index);
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tenon/tensor/functions.h"

namespace tenon {

// Reductions. Without axes, over all of them; negative axes count from the end. `keep` leaves them
// with size 1.

/// Axes of a reduction: `{0, -1}`, `1`, or all.
class Axes {
 public:
  Axes() = default;
  Axes(std::initializer_list<int64_t> axes) : some_(axes) {}
  Axes(Integers axes) : some_(std::move(axes)) {}
  Axes(int64_t axis) : some_(Integers{axis}) {}
  Axes(int axis) : Axes(static_cast<int64_t>(axis)) {}

  /// Ascending, counted from the start, each once; `what` is for errors.
  Integers resolve(size_t rank, std::string_view what) const;

 private:
  std::optional<Integers> some_;
};

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false);  // of bools: i32
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false);  // of integers: f32
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// The mean squared distance from the mean; divided by the count less `correction`.
Tensor variance(const Tensor& x, const Axes& axes = {}, bool keep = false, int64_t correction = 0);
Tensor standard_deviation(const Tensor& x, const Axes& axes = {}, bool keep = false,
                          int64_t correction = 0);
/// The Euclidean norm.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor argmax(const Tensor& x);  // in row-major order
Tensor argmin(const Tensor& x);
Tensor cumsum(const Tensor& x, int64_t axis);

// Linear algebra.

/// The last two axes are matrices, the others broadcast; vectors are rows on the left and columns
/// on the right.
Tensor matmul(const Tensor& a, const Tensor& b);
/// Sums over the last axis of a and the last but one of b (the only one of a vector).
Tensor dot(const Tensor& a, const Tensor& b);
Tensor outer(const Tensor& a, const Tensor& b);
/// Einstein's summation over named axes: "ij,jk->ik". No name may occur twice in one operand.
Tensor einsum(std::string_view formula, const std::vector<Tensor>& operands);
/// The lower triangle; `diagonal` > 0 keeps as many diagonals above the main one.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);

// Shapes.

Tensor transpose(const Tensor& x);  // all axes in reverse order
Tensor swap_axes(const Tensor& x, int64_t a, int64_t b);
Tensor move_axis(const Tensor& x, int64_t from, int64_t to);
Tensor expand_dims(const Tensor& x, int64_t axis);
Tensor squeeze(const Tensor& x, int64_t axis);
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
Tensor flip(const Tensor& x, int64_t axis);
/// Each element `count` times in a row along the axis.
Tensor repeat(const Tensor& x, int64_t count, int64_t axis);
/// Elements [start, limit) along an axis; both may be symbolic.
Tensor slice_axis(const Tensor& x, int64_t axis, const Dim& start, const Dim& limit);

// Elements.

Tensor where(const Tensor& condition, const Tensor& on_true, const Tensor& on_false);
Tensor clip(const Tensor& x, const Tensor& low, const Tensor& high);
Tensor square(const Tensor& x);
Tensor pow(const Tensor& x, const Tensor& exponent);
Tensor sigmoid(const Tensor& x);
/// Slices of x at indices along an axis.
Tensor take(const Tensor& x, const Tensor& indices, int64_t axis = 0);
/// One element for each index along the axis: out[…, i, …] = x[…, indices[…, i, …], …].
Tensor take_along_axis(const Tensor& x, const Tensor& indices, int64_t axis);
Tensor sort(const Tensor& x, int64_t axis = -1, bool descending = false);
/// The indices that sort x, i32; equal elements keep their order.
Tensor argsort(const Tensor& x, int64_t axis = -1, bool descending = false);
Tensor one_hot(const Tensor& ids, int64_t depth, DType dtype = DType::f32);
Tensor linspace(double start, double stop, int64_t count, DType dtype = DType::f32);
/// A dimension, which may be symbolic, as a scalar.
Tensor dim_value(const Dim& dim, DType dtype = DType::i32);

}  // namespace tenon
