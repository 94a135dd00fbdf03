#include "tenon/tensor/tensor.h"

#include <limits>

#include "tenon/ops/registry.h"
#include "tenon/tensor/node.h"

namespace tenon {

Tensor Tensor::number(bool value) {
  return Tensor(detail::number_node(value ? 1 : 0, DType::boolean));
}

Tensor Tensor::number(int64_t value) {
  bool fits = value == static_cast<int32_t>(value);
  Buffer buffer = Buffer::allocate(fits ? DType::i32 : DType::i64, {});
  if (fits) {
    *buffer.as<int32_t>() = static_cast<int32_t>(value);
  } else {
    *buffer.as<int64_t>() = value;
  }
  detail::NodeRef node = detail::evaluated_node(std::move(buffer));
  node->is_number = true;
  return Tensor(std::move(node));
}

Tensor Tensor::number(double value) { return Tensor(detail::number_node(value, DType::f32)); }

Tensor::Tensor(std::initializer_list<double> values) {
  Buffer buffer = Buffer::allocate(DType::f32, {static_cast<int64_t>(values.size())});
  float* out = buffer.as<float>();
  for (double value : values) *out++ = static_cast<float>(value);
  node_ = detail::evaluated_node(std::move(buffer));
}

Tensor::Tensor(std::initializer_list<std::initializer_list<double>> rows) {
  auto columns = rows.size() == 0 ? 0 : rows.begin()->size();
  Buffer buffer = Buffer::allocate(
      DType::f32, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)});
  float* out = buffer.as<float>();
  for (const auto& row : rows) {
    if (row.size() != columns)
      fail(ErrorCode::shape_mismatch, "rows of {} and of {} elements do not make a matrix", columns,
           row.size());
    for (double value : row) *out++ = static_cast<float>(value);
  }
  node_ = detail::evaluated_node(std::move(buffer));
}

Tensor::Tensor(const Literal& literal) : Tensor(Buffer::copy_of(literal)) {}

Tensor::Tensor(Buffer buffer) {
  if (!buffer) fail(ErrorCode::invalid_argument, "a tensor is made from a buffer without memory");
  node_ = detail::evaluated_node(std::move(buffer));
}

const Type& Tensor::type() const { return detail::require(*this, "type")->type; }

const Dim& Tensor::dim(int64_t axis) const {
  return shape()[normalise_axis(axis, rank(), "dim: axis")];
}

bool Tensor::is_evaluated() const { return node_ && node_->is_evaluated(); }

const Tensor& Tensor::eval() const {
  if (!is_evaluated()) tenon::eval(std::span<const Tensor>(this, 1));
  return *this;
}

const Buffer& Tensor::buffer() const { return eval().node_->buffer; }

Literal Tensor::literal() const { return buffer().to_literal(); }

namespace {

/// Reads one element in place.
template <class T>
T element(const Buffer& buffer, int64_t index) {
  if (index < 0) index += buffer.size();
  if (index < 0 || index >= buffer.size())
    fail(ErrorCode::out_of_range, "item: there is no element {} in {}{}", index,
         name_of(buffer.dtype()), Shape::of(buffer.shape()).to_string());
  switch (buffer.dtype()) {
    case DType::boolean:
    case DType::u8:
      return static_cast<T>(buffer.as<uint8_t>()[index]);
    case DType::i8:
      return static_cast<T>(buffer.as<int8_t>()[index]);
    case DType::i32:
      return static_cast<T>(buffer.as<int32_t>()[index]);
    case DType::i64:
      return static_cast<T>(buffer.as<int64_t>()[index]);
    case DType::f16:
      return static_cast<T>(f16_to_float(buffer.as<uint16_t>()[index]));
    case DType::bf16:
      return static_cast<T>(bf16_to_float(buffer.as<uint16_t>()[index]));
    case DType::f32:
      return static_cast<T>(buffer.as<float>()[index]);
    case DType::f64:
      return static_cast<T>(buffer.as<double>()[index]);
  }
  return T{};
}

}  // namespace

double Tensor::item(int64_t index) const { return element<double>(buffer(), index); }
int64_t Tensor::item_int(int64_t index) const { return element<int64_t>(buffer(), index); }

Tensor Tensor::reshape(const Shape& shape) const {
  static const OpDef& op = core_ops().get("reshape");
  Shape full = shape;
  size_t open = shape.rank();
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (!shape[i].is(-1)) continue;
    if (open != shape.rank())
      fail(ErrorCode::invalid_argument, "reshape: only one dimension of {} may be -1",
           shape.to_string());
    open = i;
  }
  if (open != shape.rank()) {
    full[open] = 1;
    std::optional<Dim> rest = this->shape().element_count().divided_by(full.element_count());
    if (!rest)
      fail(ErrorCode::shape_mismatch, "reshape: {} has {} elements, which {} does not divide",
           type().to_string(), this->shape().element_count().to_string(), shape.to_string());
    full[open] = *rest;
  }
  return full == this->shape() ? *this : apply(op, {*this}, {{"shape", std::move(full)}});
}

Tensor Tensor::transpose(const Integers& order) const {
  static const OpDef& op = core_ops().get("transpose");
  Integers axes = order;
  for (size_t i = rank(); order.empty() && i > 0; --i) axes.push_back(static_cast<int64_t>(i) - 1);
  for (int64_t& axis : axes)
    axis = static_cast<int64_t>(normalise_axis(axis, rank(), "transpose: axis"));
  return rank() < 2 && axes.size() == rank() ? *this
                                             : apply(op, {*this}, {{"order", std::move(axes)}});
}

namespace {

/// Where a position of Python's slices lies: counted from the end when negative, inside the axis.
Dim position(int64_t value, const Dim& size) {
  if (!size.is_constant()) {
    // Whether a number lies inside a symbolic axis shows when the plan runs.
    if (value == std::numeric_limits<int64_t>::max()) return size;
    return value < 0 ? size + value : Dim(value);
  }
  if (value < 0) value += size.constant();
  return std::clamp(value, int64_t{0}, size.constant());
}

}  // namespace

Tensor Tensor::slice(int64_t axis, int64_t start, int64_t limit, int64_t stride) const {
  static const OpDef& op = core_ops().get("slice");
  size_t where = normalise_axis(axis, rank(), "slice: axis");
  if (stride < 1) fail(ErrorCode::invalid_argument, "slice: stride {} is not positive", stride);
  Shape starts, limits = shape();
  Integers strides(rank(), 1);
  for (size_t i = 0; i < rank(); ++i) starts.push_back(0);
  const Dim& size = shape()[where];
  starts[where] = position(start, size);
  limits[where] = position(limit, size);
  bool numbers = starts[where].is_constant() && limits[where].is_constant();
  if (numbers && limits[where].constant() < starts[where].constant()) limits[where] = starts[where];
  strides[where] = stride;
  if (starts[where].is(0) && limits[where] == size && stride == 1) return *this;
  return apply(
      op, {*this},
      {{"start", std::move(starts)}, {"limit", std::move(limits)}, {"stride", std::move(strides)}});
}

Tensor Tensor::operator[](int64_t index) const {
  if (rank() == 0)
    fail(ErrorCode::invalid_argument, "[{}]: a scalar {} has no axes", index, type().to_string());
  const Dim& size = shape()[0];
  if (size.is_constant() && (index >= size.constant() || index < -size.constant()))
    fail(ErrorCode::out_of_range, "[{}]: axis 0 of {} has {} elements", index, type().to_string(),
         size.to_string());
  Tensor row = slice(0, index, index == -1 ? std::numeric_limits<int64_t>::max() : index + 1);
  Shape rest = shape();
  rest.erase(0);
  return row.reshape(rest);
}

Tensor Tensor::operator[](const Tensor& indices) const {
  static const OpDef& op = core_ops().get("gather");
  return apply(op, {*this, indices}, {{"axis", 0}});
}

Tensor Tensor::cast(DType dtype) const {
  static const OpDef& op = core_ops().get("cast");
  return this->dtype() == dtype ? *this : apply(op, {*this}, {{"dtype", dtype}});
}

}  // namespace tenon
