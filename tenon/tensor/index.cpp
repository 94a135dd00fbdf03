// Slices and indices, as Python and NumPy have them.

#include <algorithm>
#include <cstring>
#include <limits>

#include "tenon/tensor/node.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/transforms.h"

namespace tenon {

namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

/// Where a position of Python's slices lies: counted from the end when negative, inside the axis.
Dim position(int64_t value, const Dim& size) {
  if (!size.is_constant()) {
    // Whether a number lies inside a symbolic axis shows when the plan runs.
    return value < 0 ? size + value : Dim(value);
  }
  if (value < 0) value += size.constant();
  return std::clamp(value, int64_t{0}, size.constant());
}

/// The same position when the axis is reversed: its last element is the first.
std::optional<int64_t> turned(std::optional<int64_t> value) {
  if (!value) return value;
  return ~*value;  // -value - 1, which cannot overflow: 0 is the last, -1 the first
}

Tensor slice_one(const Tensor& x, size_t axis, const Slice& slice) {
  const Dim& size = x.shape()[axis];
  Shape starts(std::vector<Dim>(x.rank(), Dim(0))), limits = x.shape();
  Integers strides(x.rank(), 1);
  if (slice.start) starts[axis] = position(*slice.start, size);
  if (slice.limit) limits[axis] = position(*slice.limit, size);
  bool numbers = starts[axis].is_constant() && limits[axis].is_constant();
  if (numbers && limits[axis].constant() < starts[axis].constant()) limits[axis] = starts[axis];
  strides[axis] = slice.stride;
  if (starts[axis].is(0) && limits[axis].always_equals(size) && slice.stride == 1) return x;
  return ops::slice(x, starts, limits, strides);
}

Tensor slice_along(const Tensor& x, size_t axis, const Slice& slice) {
  if (slice.stride == 0) fail(ErrorCode::invalid_argument, "slice: the stride is 0");
  if (slice.stride > 0) return slice_one(x, axis, slice);
  if (slice.stride == std::numeric_limits<int64_t>::min())
    fail(ErrorCode::out_of_range, "slice: the stride {} of axis {} is not above -2^53",
         slice.stride, axis);
  // A position before the first element, as Python's negative ones beyond the start, is the end of
  // the turned axis.
  Tensor turned_round = ops::reverse(x, {static_cast<int64_t>(axis)});
  return slice_one(turned_round, axis, {turned(slice.start), turned(slice.limit), -slice.stride});
}

/// One element along an axis, which goes away.
Tensor element_along(const Tensor& x, size_t axis, int64_t index) {
  const Dim& size = x.shape()[axis];
  if (size.is_constant() && (index >= size.constant() || index < -size.constant()))
    fail(ErrorCode::out_of_range, "[{}]: axis {} of {} has {} elements", index, axis,
         x.type().to_string(), size.to_string());
  std::optional<int64_t> limit;
  if (index != -1) limit = index + 1;
  Tensor one = slice_one(x, axis, {index, limit});
  Shape rest = x.shape();
  rest.erase(axis);
  return one.reshape(rest);
}

size_t axes_used(const Index& index) {
  bool one = std::holds_alternative<int64_t>(index.what()) ||
             std::holds_alternative<Slice>(index.what()) ||
             std::holds_alternative<Tensor>(index.what());
  return one ? 1 : 0;
}

/// Applies one index after the other; `axis_` is the one that comes next.
class Indexing {
 public:
  Indexing(const Tensor& x, size_t whole_axes) : x_(x), whole_axes_(whole_axes) {}

  void operator()(int64_t position) { x_ = element_along(x_, axis_, position); }
  void operator()(const Slice& slice) { x_ = slice_along(x_, axis_++, slice); }
  void operator()(Ellipsis) { axis_ += whole_axes_; }
  void operator()(NewAxis) { x_ = expand_dims(x_, static_cast<int64_t>(axis_++)); }
  void operator()(const Tensor& indices) {
    if (!is_integer(indices.dtype()))
      throw make_error(ErrorCode::type_mismatch, "[{{…}}]: an index is {}, not integers",
                       indices.type().to_string())
          .note("a bool mask must be the only index: x[mask]");
    x_ = detail::taken(x_, indices, static_cast<int64_t>(axis_), "[{…}]");
    axis_ += indices.rank();
  }
  const Tensor& result() const { return x_; }

 private:
  Tensor x_;
  size_t axis_ = 0;
  size_t whole_axes_;
};

Tensor indexed(const Tensor& x, std::span<const Index> indices) {
  size_t axes = 0, ellipses = 0, tensors = 0;
  for (const Index& index : indices) {
    axes += axes_used(index);
    ellipses += std::holds_alternative<Ellipsis>(index.what());
    tensors += std::holds_alternative<Tensor>(index.what());
  }
  if (axes > x.rank())
    fail(ErrorCode::invalid_argument, "[{{…}}]: {} indices for the {} axes of {}", axes, x.rank(),
         x.type().to_string());
  if (ellipses > 1 || tensors > 1)
    fail(ErrorCode::invalid_argument, "[{{…}}]: more than one {} is not supported",
         ellipses > 1 ? "ellipsis" : "tensor");
  Indexing indexing(x, x.rank() - axes);
  for (const Index& index : indices) std::visit(indexing, index.what());
  return indexing.result();
}

/// Inside a traced function there is no size for the result of `what`.
void check_size_is_known(std::string_view what, const Tensor& values) {
  const uint32_t level = detail::require(values, what)->level;
  if (level == 0 || level > trace_depth()) return;
  throw make_error(ErrorCode::unsupported,
                   "{}: the size of the result depends on the values of {}, which are not known "
                   "while a function is traced",
                   what, values.type().to_string())
      .note("use where(mask, x, otherwise), whose size is that of x, or do this outside");
}

void check_mask(const Tensor& x, const Tensor& mask) {
  bool fits = mask.rank() <= x.rank() && mask.rank() > 0;
  for (size_t i = 0; fits && i < mask.rank(); ++i) fits = mask.shape()[i] == x.shape()[i];
  if (!fits)
    fail(ErrorCode::shape_mismatch, "[mask]: {} does not cover the leading axes of {}",
         mask.type().to_string(), x.type().to_string());
}

/// The elements of the leading axes where `mask` holds.
Tensor masked(const Tensor& x, const Tensor& mask) {
  check_mask(x, mask);
  check_size_is_known("x[mask]", mask);
  Shape flat{mask.shape().element_count()};
  for (size_t i = mask.rank(); i < x.rank(); ++i) flat.push_back(x.shape()[i]);
  return ops::gather(x.reshape(flat), nonzero(mask.reshape({flat[0]})), 0);
}

}  // namespace

Tensor Tensor::slice(int64_t axis, int64_t start, int64_t limit, int64_t stride) const {
  Slice slice{start, limit, stride};
  if (limit == kEnd) slice.limit = none;
  return slice_along(*this, normalise_axis(axis, rank(), "slice: axis"), slice);
}

Tensor Tensor::operator[](int64_t index) const {
  if (rank() == 0)
    fail(ErrorCode::invalid_argument, "[{}]: a scalar {} has no axes", index, type().to_string());
  return element_along(*this, 0, index);
}

Tensor Tensor::operator[](const Tensor& indices) const {
  return indices.dtype() == DType::boolean ? masked(*this, indices)
                                           : detail::taken(*this, indices, 0, "[…]");
}

Tensor Tensor::operator[](std::initializer_list<Index> indices) const {
  return indexed(*this, std::span(indices.begin(), indices.size()));
}

TensorAt Tensor::at(int64_t index) const { return {*this, std::vector<Index>{index}}; }

TensorAt Tensor::at(const Tensor& indices) const {
  if (indices.dtype() == DType::boolean) return {*this, indices};
  return {*this, std::vector<Index>{indices}};
}

TensorAt Tensor::at(std::initializer_list<Index> indices) const {
  return {*this, std::vector<Index>(indices)};
}

Tensor TensorAt::get() const { return mask_.has_value() ? x_[mask_] : indexed(x_, indices_); }
Tensor TensorAt::set(const Tensor& y) const { return combined(y, "set"); }
Tensor TensorAt::add(const Tensor& y) const { return combined(y, "add"); }
Tensor TensorAt::max(const Tensor& y) const { return combined(y, "max"); }
Tensor TensorAt::min(const Tensor& y) const { return combined(y, "min"); }

namespace {

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  const size_t offset = to.rank() - from.rank();
  for (size_t i = 0; i < from.rank(); ++i) {
    if (!from[i].is(1) && from[i] != to[offset + i]) return false;
  }
  return true;
}

/// y as what is written where `part` is read.
Tensor as_part(const Tensor& y, const Tensor& part, std::string_view mode) {
  if (!broadcasts_to(y.shape(), part.shape())) {
    fail(ErrorCode::shape_mismatch, "at().{}: {} does not broadcast to the {} that are indexed",
         mode, y.type().to_string(), part.type().to_string());
  }
  // Numbers give way, and shapes broadcast, as in every elementwise operation.
  Tensor written = where(true, y, part);
  if (written.dtype() != part.dtype()) {
    throw make_error(ErrorCode::type_mismatch, "at().{}: {} do not fit into a tensor of {}", mode,
                     y.type().to_string(), name_of(part.dtype()))
        .note("hint: cast one of them");
  }
  return written;
}

Tensor combined_with(const Tensor& x, const Tensor& y, std::string_view mode) {
  if (mode == "add") return x + y;
  if (mode == "max") return maximum(x, y);
  return mode == "min" ? minimum(x, y) : y;
}

/// Where `mask` holds for the leading axes, y, which has no more axes than the others.
Tensor where_masked(const Tensor& x, const Tensor& mask, const Tensor& y, std::string_view mode) {
  check_mask(x, mask);
  Shape shape = mask.shape();
  while (shape.rank() < x.rank()) shape.push_back(1);
  return where(mask.reshape(shape), as_part(combined_with(x, y, mode), x, mode), x);
}

/// Counted from 1, so that what is read beyond an axis, 0, is no place.
Tensor places_from_one(const Dim& count) {
  return ops::iota(position_dtype(count + 1), Shape{count}) + 1;
}

}  // namespace

bool TensorAt::is_first_axis_alone() const {
  if (mask_.has_value() || indices_.size() != 1 || x_.rank() == 0) return false;
  return axes_used(indices_[0]) == 1;
}

Tensor TensorAt::combined(const Tensor& y, const char* mode) const {
  if (mask_.has_value() && y.rank() + mask_.rank() <= x_.rank())
    return where_masked(x_, mask_, y, mode);
  const Tensor written = as_part(y, get(), mode);
  if (is_first_axis_alone()) {
    const Tensor places = indexed(places_from_one(x_.shape()[0]), indices_) - 1;
    return ops::scatter(x_, places, written, 0, 0, mode);
  }
  const Dim count = x_.shape().element_count();
  TensorAt numbered = *this;
  numbered.x_ = places_from_one(count).reshape(x_.shape());
  const Tensor places = numbered.get() - 1;
  return ops::scatter(x_.reshape({count}), places.reshape({-1}), written.reshape({-1}), 0, 0, mode)
      .reshape(x_.shape());
}

namespace {

/// The row-major positions of elements that are not zero.
std::vector<int64_t> places_of_nonzero(std::string_view what, const Tensor& x) {
  check_size_is_known(what, x);
  const Tensor flags = size_of(x.dtype()) == 1 ? x : x != 0;
  const auto* of_element = static_cast<const std::byte*>(flags.buffer().data());
  std::vector<int64_t> places;
  const int64_t size = flags.buffer().size();
  constexpr int64_t kWord = sizeof(uint64_t);
  for (int64_t i = 0; i < size;) {
    uint64_t word = 1;  // of the next elements, to skip all at once where they are zero
    if (i + kWord <= size) std::memcpy(&word, of_element + i, sizeof(word));
    const int64_t end = word == 0 ? i : std::min(i + kWord, size);
    for (int64_t k = i; k < end; ++k) {
      if (of_element[k] != std::byte{0}) places.push_back(k);
    }
    i += kWord;
  }
  return places;
}

Tensor positions(const std::vector<int64_t>& values, const std::vector<int64_t>& shape,
                 DType dtype) {
  if (dtype == DType::i64) return Tensor::of(values, shape);
  return Tensor::of(std::vector<int32_t>(values.begin(), values.end()), shape);
}

}  // namespace

Tensor nonzero(const Tensor& x) {
  if (x.rank() != 1) {
    throw make_error(ErrorCode::shape_mismatch, "nonzero: {} is not a vector", x.type().to_string())
        .note("hint: argwhere(x) gives one row of indices an element, for any number of axes");
  }
  const std::vector<int64_t> places = places_of_nonzero("nonzero", x);
  return positions(places, {static_cast<int64_t>(places.size())}, position_dtype(x.shape()[0]));
}

Tensor argwhere(const Tensor& x) {
  const std::vector<int64_t> places = places_of_nonzero("argwhere", x);
  const std::vector<int64_t> shape = x.shape().constants();
  const size_t rank = shape.size();
  std::vector<int64_t> indices(places.size() * rank);
  for (size_t row = 0; row < places.size(); ++row) {
    int64_t rest = places[row];
    for (size_t axis = rank; axis-- > 0; rest /= shape[axis])
      indices[row * rank + axis] = rest % shape[axis];
  }
  DType dtype = DType::i32;
  for (const Dim& dim : x.shape()) dtype = promote(dtype, position_dtype(dim));
  return positions(indices, {static_cast<int64_t>(places.size()), static_cast<int64_t>(rank)},
                   dtype);
}

}  // namespace tenon
