// Generated from the registry by `./dev generate`: change the op's statement in tenon/ops, not this
// file. Ops as functions on tensors that users write otherwise: exactly what a graph holds.
//
//   given: Tensor x, indices, updates;
//   Tensor y = ops::reduce_max(x, {0});
//   Tensor z = ops::scatter(x, indices, updates, 0, 0, "min");
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon::ops {

// elementwise.cpp

/// a + b; integers wrap.
/// Users write a + b.
Tensor add(const Tensor& a, const Tensor& b);

/// a - b; integers wrap.
/// Users write a - b.
Tensor subtract(const Tensor& a, const Tensor& b);

/// a * b; integers wrap.
/// Users write a * b.
Tensor multiply(const Tensor& a, const Tensor& b);

/// a / b; integers are truncated toward zero, and x / 0 is 0 for them.
/// Users write a / b, which makes reals of integers.
Tensor divide(const Tensor& a, const Tensor& b);

/// -x; integers wrap.
/// Users write -x.
Tensor negate(const Tensor& x);

/// 1 / (1 + exp(-x)), the sigmoid function.
/// Users write sigmoid(x).
Tensor logistic(const Tensor& x);

// compare.cpp

/// a == b; false where either is NaN.
/// Users write a == b.
Tensor equal(const Tensor& a, const Tensor& b);

/// a != b; true where either is NaN.
/// Users write a != b.
Tensor not_equal(const Tensor& a, const Tensor& b);

/// a < b; false where either is NaN.
/// Users write a < b.
Tensor less(const Tensor& a, const Tensor& b);

/// a <= b; false where either is NaN.
/// Users write a <= b.
Tensor less_equal(const Tensor& a, const Tensor& b);

/// a > b; false where either is NaN.
/// Users write a > b.
Tensor greater(const Tensor& a, const Tensor& b);

/// a >= b; false where either is NaN.
/// Users write a >= b.
Tensor greater_equal(const Tensor& a, const Tensor& b);

/// a and b; bit by bit on integers.
/// Users write a && b, or a & b on bits.
Tensor logical_and(const Tensor& a, const Tensor& b);

/// a or b; bit by bit on integers.
/// Users write a || b, or a | b on bits.
Tensor logical_or(const Tensor& a, const Tensor& b);

/// Either a or b, not both; bit by bit on integers.
/// Users write a ^ b.
Tensor logical_xor(const Tensor& a, const Tensor& b);

/// not x; bit by bit on integers.
/// Users write !x, or ~x on bits.
Tensor logical_not(const Tensor& x);

/// a shifted b bits up; 0 where b is not in [0, width of a).
/// Users write left_shift(a, b).
Tensor shift_left(const Tensor& a, const Tensor& b);

/// a shifted b bits down, filled with zeros; 0 where b is not in [0, width of a).
/// Users write right_shift(a, b).
Tensor shift_right_logical(const Tensor& a, const Tensor& b);

/// a shifted b bits down, filled with its sign; only the sign is left where b is not in [0, width
/// of a).
/// Users write right_shift(a, b).
Tensor shift_right_arithmetic(const Tensor& a, const Tensor& b);

/// on_true where the predicate holds, else on_false.
/// Users write where(condition, a, b).
Tensor select(const Tensor& predicate, const Tensor& on_true, const Tensor& on_false);

/// x limited to [low, high]: minimum(maximum(x, low), high).
/// Users write clip(x, low, high).
Tensor clamp(const Tensor& low, const Tensor& x, const Tensor& high);

// cast.cpp

/// Converts to another dtype. Rounds to nearest even; reals become integers by truncation, limited
/// to the range, NaN becoming 0; integers wrap; bool is x != 0.
/// Users write x.cast(dtype).
/// `dtype`: dtype of the result.
Tensor cast(const Tensor& x, DType dtype);

// structure.cpp

/// The index along one axis: 0, 1, 2 … Numbers beyond u8 and i8 wrap; an axis that i32 does not
/// count is an error.
/// Users write arange(count).
/// `dtype`: dtype of the result.
/// `shape`: shape of the result.
/// `axis`: the axis to count along.
Tensor iota(DType dtype, const Shape& shape, int64_t axis = 0);

/// Repeats x along new axes: output axis dims[i] is input axis i.
/// Users write broadcast_to(x, shape).
/// `shape`: shape of the result.
/// `dims`: where the input's axes go, ascending.
Tensor broadcast(const Tensor& x, const Shape& shape, const Integers& dims);

/// Reverses the order of the elements along some axes.
/// Users write flip(x, axis).
/// `axes`: the axes to reverse.
Tensor reverse(const Tensor& x, const Integers& axes);

/// Joins tensors along one axis.
/// Users write concatenate({a, b}, axis).
/// `axis`: the axis to join along.
Tensor concatenate(std::span<const Tensor> parts, int64_t axis);

// slice.cpp

/// Elements start, start + stride … below limit along each axis.
/// Users write x[{Slice{start, limit}}].
/// `start`: the first index along each axis.
/// `limit`: past the last index along each axis.
/// `stride`: steps between indices, at least 1.
Tensor slice(const Tensor& x, const Shape& start, const Shape& limit, const Integers& stride);

/// Puts `value` around the elements and between them; negative amounts crop.
/// Users write pad(x, widths).
/// `low`: how many before, along each axis.
/// `high`: how many after, along each axis.
/// `interior`: how many between neighbours.
Tensor pad(const Tensor& x, const Tensor& value, const Shape& low, const Shape& high,
           const Integers& interior);

/// A slice whose start is computed: one scalar index per axis, moved inside where the slice would
/// not fit.
/// `sizes`: sizes of the result.
Tensor dynamic_slice(const Tensor& x, std::span<const Tensor> starts, const Shape& sizes);

/// x with a part replaced by `update`, from computed start indices on: one scalar per axis, moved
/// inside where the update would not fit.
/// Users write x.at(index).set(y).
Tensor dynamic_update_slice(const Tensor& x, const Tensor& update, std::span<const Tensor> starts);

// gather.cpp

/// Elements of x at computed indices along one axis: out[b…, a…, i…, c…] = x[b…, a…,
/// indices[b…, i…], c…]. Indices out of range read zero (TENON_CHECK_INDICES=1 finds the
/// first); where they are known when a call on tensors is recorded, they are an error.
/// Users write take(x, indices, axis).
/// `axis`: the axis of x to index.
/// `batch_dims`: leading axes that both share.
Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis = 0, int64_t batch_dims = 0);

/// x with updates written where gather would read them. Mode "add" adds, "set" keeps the last in
/// row-major order, "max" and "min" keep the extremum. Indices out of range write nothing, as
/// gather reads zero there.
/// Users write x.at(indices).add(y).
/// `axis`: the axis of x to index.
/// `batch_dims`: leading axes that all share.
/// `mode`: add, set, max or min.
Tensor scatter(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis = 0,
               int64_t batch_dims = 0, const std::string& mode = "add");

/// The indices as they are; an error when the program runs where one of them is not in [low, size),
/// or not in [-size, size) with `from_end`.
/// `size`: of the axis that is indexed, as a shape of one dimension.
/// `low`: the first index that is good.
/// `axis`: that is indexed, for the error.
/// `by`: who indexes, for the error.
/// `of`: what is indexed, for the error.
/// `from_end`: negative indices are good that count from the end.
Tensor check_indices(const Tensor& indices, const Shape& size, int64_t low = 0, int64_t axis = 0,
                     const std::string& by = "check_indices", const std::string& of = "x",
                     bool from_end = false);

// reduce.cpp

/// The sum over some axes.
/// Users write sum(x, axes).
/// `axes`: the axes to reduce.
/// `keep`: keep the axes, with size 1.
Tensor reduce_sum(const Tensor& x, const Integers& axes, bool keep = false);

/// The product over some axes.
/// Users write prod(x, axes).
/// `axes`: the axes to reduce.
/// `keep`: keep the axes, with size 1.
Tensor reduce_product(const Tensor& x, const Integers& axes, bool keep = false);

/// The largest element over some axes; NaN if there is one. An empty axis gives the lowest number.
/// Equal maxima share the derivative.
/// Users write max(x, axes).
/// `axes`: the axes to reduce.
/// `keep`: keep the axes, with size 1.
Tensor reduce_max(const Tensor& x, const Integers& axes, bool keep = false);

/// The smallest element over some axes; NaN if there is one. An empty axis gives the highest
/// number. Equal minima share the derivative.
/// Users write min(x, axes).
/// `axes`: the axes to reduce.
/// `keep`: keep the axes, with size 1.
Tensor reduce_min(const Tensor& x, const Integers& axes, bool keep = false);

/// Whether all are true.
/// Users write all(x, axes).
/// `axes`: the axes to reduce.
/// `keep`: keep the axes, with size 1.
Tensor reduce_and(const Tensor& x, const Integers& axes, bool keep = false);

/// Whether any is true.
/// Users write any(x, axes).
/// `axes`: the axes to reduce.
/// `keep`: keep the axes, with size 1.
Tensor reduce_or(const Tensor& x, const Integers& axes, bool keep = false);

// cumulative.cpp

/// Sums of all elements up to each one.
/// Users write cumsum(x, axis).
/// `axis`: the axis to accumulate along.
/// `reverse`: from the last element to the first.
/// `exclusive`: leave each element out of its own result.
Tensor cumulative_sum(const Tensor& x, int64_t axis, bool reverse = false, bool exclusive = false);

/// Products of all elements up to each one.
/// Users write cumprod(x, axis).
/// `axis`: the axis to accumulate along.
/// `reverse`: from the last element to the first.
/// `exclusive`: leave each element out of its own result.
Tensor cumulative_product(const Tensor& x, int64_t axis, bool reverse = false,
                          bool exclusive = false);

/// The largest of all elements up to each one; NaN after the first NaN. Of equal ones the latest
/// has the derivative.
/// Users write cummax(x, axis).
/// `axis`: the axis to accumulate along.
/// `reverse`: from the last element to the first.
Tensor cumulative_max(const Tensor& x, int64_t axis, bool reverse = false);

/// The smallest of all elements up to each one; NaN after the first NaN. Of equal ones the latest
/// has the derivative.
/// Users write cummin(x, axis).
/// `axis`: the axis to accumulate along.
/// `reverse`: from the last element to the first.
Tensor cumulative_min(const Tensor& x, int64_t axis, bool reverse = false);

/// s[i] = a[i] s[i - 1] + b[i] along an axis, with nothing before the first: discounted sums,
/// exponential averages, state-space models.
/// `axis`: along which it runs.
/// `reverse`: from the last element to the first.
Tensor linear_recurrence(const Tensor& a, const Tensor& b, int64_t axis, bool reverse = false);

// sort.cpp

/// Sorts keys along an axis, and values with them. Equal keys keep their order, NaN comes last.
/// Users write sort(x, axis) or argsort(x, axis).
/// `axis`: the axis to sort.
/// `descending`: from the largest on.
std::vector<Tensor> sort(const Tensor& keys, std::span<const Tensor> values, int64_t axis = -1,
                         bool descending = false);

/// How many elements of an ascending vector come before each value, which is where the value would
/// be put in; with `right`, those that equal it, too. NaN is behind every number.
/// Users write searchsorted(sorted, values).
/// `right`: behind equal elements.
/// `batch_dims`: leading axes that both share.
/// `dtype`: of the position: i32 or i64; i64 where i32 cannot hold every position.
Tensor search_sorted(const Tensor& sorted, const Tensor& values, bool right = false,
                     int64_t batch_dims = 0, DType dtype = DType::i32);

// random.cpp

/// 32 random bits per element from Philox4x32-10: word i % 4 for the counter (i / 4, stream), where
/// i is the element's index. Stream 0 is what random_bits in tenon/base/random.h gives.
/// Users write random::uniform and its like.
/// `shape`: shape of the result.
Tensor random_bits(const Tensor& key, const Shape& shape);

// dot.cpp

/// Sums products over the contracted axes of two tensors. The result's axes are the batch axes,
/// then the free axes of lhs, then the free axes of rhs.
/// Users write matmul(a, b) or einsum(formula, operands).
/// `lhs_contract`: axes of lhs that are summed over.
/// `rhs_contract`: the axes of rhs paired with them.
/// `lhs_batch`: axes of lhs that both operands share.
/// `rhs_batch`: the axes of rhs paired with them.
Tensor dot(const Tensor& lhs, const Tensor& rhs, const Integers& lhs_contract,
           const Integers& rhs_contract, const Integers& lhs_batch = {},
           const Integers& rhs_batch = {});

// convolution.cpp

/// The derivative of convolution by its images: from dy [batch, spatial…, out] and filters to
/// [batch, input_shape…, in]. Also known as transposed convolution.
/// `input_shape`: spatial dimensions of the result.
/// `strides`: step of the kernel; default 1.
/// `padding_low`: zeros before each spatial axis; default 0.
/// `padding_high`: zeros after each spatial axis; default 0.
/// `dilation`: distance of neighbours in the kernel; default 1.
/// `groups`: channels are split into this many separate convolutions.
Tensor convolution_input_gradient(const Tensor& dy, const Tensor& filters, const Shape& input_shape,
                                  const Integers& strides = {}, const Integers& padding_low = {},
                                  const Integers& padding_high = {}, const Integers& dilation = {},
                                  const Shape& groups = Shape{1});

/// The derivative of convolution by its filters: from images x and dy to [kernel_shape…, in /
/// groups, out].
/// `kernel_shape`: spatial dimensions of the filters.
/// `strides`: step of the kernel; default 1.
/// `padding_low`: zeros before each spatial axis; default 0.
/// `padding_high`: zeros after each spatial axis; default 0.
/// `dilation`: distance of neighbours in the kernel; default 1.
/// `groups`: channels are split into this many separate convolutions.
Tensor convolution_filter_gradient(const Tensor& x, const Tensor& dy, const Integers& kernel_shape,
                                   const Integers& strides = {}, const Integers& padding_low = {},
                                   const Integers& padding_high = {}, const Integers& dilation = {},
                                   const Shape& groups = Shape{1});

// window.cpp

/// The sum of each position of a sliding window.
/// Users write average_pool(x, window).
/// `window`: size of the window along each axis.
/// `strides`: step of the window; default 1.
/// `padding_low`: positions before each axis that count nothing; default 0.
/// `padding_high`: positions after each axis that count nothing; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor window_sum(const Tensor& x, const Integers& window, const Integers& strides = {},
                  const Integers& padding_low = {}, const Integers& padding_high = {},
                  const Integers& dilation = {});

/// Adds each element of dy to all positions that its window covers.
/// `window`: size of the window along each axis.
/// `input_shape`: shape of the result.
/// `strides`: step of the window; default 1.
/// `padding_low`: positions before each axis that count nothing; default 0.
/// `padding_high`: positions after each axis that count nothing; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor window_sum_transpose(const Tensor& dy, const Integers& window, const Shape& input_shape,
                            const Integers& strides = {}, const Integers& padding_low = {},
                            const Integers& padding_high = {}, const Integers& dilation = {});

/// The largest element in each position of a sliding window. Where several are equal, the
/// derivative goes to the first.
/// Users write max_pool(x, window).
/// `window`: size of the window along each axis.
/// `strides`: step of the window; default 1.
/// `padding_low`: positions before each axis that count nothing; default 0.
/// `padding_high`: positions after each axis that count nothing; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor window_max(const Tensor& x, const Integers& window, const Integers& strides = {},
                  const Integers& padding_low = {}, const Integers& padding_high = {},
                  const Integers& dilation = {});

/// Where in each position of a sliding window over x the first element equal to `value` is: its
/// row-major number in the window, as u8 where that is enough, else i32; the last where none is.
/// `window`: size of the window along each axis.
/// `strides`: step of the window; default 1.
/// `padding_low`: positions before each axis that count nothing; default 0.
/// `padding_high`: positions after each axis that count nothing; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor window_find(const Tensor& x, const Tensor& value, const Integers& window,
                   const Integers& strides = {}, const Integers& padding_low = {},
                   const Integers& padding_high = {}, const Integers& dilation = {});

/// From each position of a sliding window over t, the element whose number in the window `place`
/// says; 0 where that is padding or no number of the window. Linear in t.
/// `window`: size of the window along each axis.
/// `strides`: step of the window; default 1.
/// `padding_low`: positions before each axis that count nothing; default 0.
/// `padding_high`: positions after each axis that count nothing; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor window_take(const Tensor& t, const Tensor& place, const Integers& window,
                   const Integers& strides = {}, const Integers& padding_low = {},
                   const Integers& padding_high = {}, const Integers& dilation = {});

/// Adds each element of dy at the element of its window whose number `place` says. Linear in dy.
/// `window`: size of the window along each axis.
/// `input_shape`: shape of the result.
/// `strides`: step of the window; default 1.
/// `padding_low`: positions before each axis that count nothing; default 0.
/// `padding_high`: positions after each axis that count nothing; default 0.
/// `dilation`: distance of neighbours in the window; default 1.
Tensor window_place(const Tensor& dy, const Tensor& place, const Integers& window,
                    const Shape& input_shape, const Integers& strides = {},
                    const Integers& padding_low = {}, const Integers& padding_high = {},
                    const Integers& dilation = {});

// control.cpp

/// The inputs themselves. Never merged with an equal call nor moved, so that what is computed
/// behind it is computed again.
std::vector<Tensor> barrier(std::span<const Tensor> values);

// embedding.cpp

/// 1 at the position that the number says along a new last axis, 0 elsewhere; all 0 for a number
/// out of range.
/// Users write one_hot(ids, depth).
/// `depth`: size of the new axis, as a shape of one dimension.
/// `dtype`: dtype of the result.
Tensor one_hot(const Tensor& ids, const Shape& depth, DType dtype = DType::f32);

}  // namespace tenon::ops
