#include "tenon/tensor/tensor.h"

#include "tenon/ops/known_op.h"
#include "tenon/tensor/apply.h"
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

void Tensor::fail_too_large(uint64_t value) {
  throw make_error(ErrorCode::out_of_range, "the number {} does not fit i64, the widest integer",
                   value)
      .note("hint: as a real number it is static_cast<double>(x), rounded to 53 bits");
}

Tensor Tensor::number(double value) {
  const bool fits = Number(value).fits(DType::f32);
  return Tensor(detail::number_node(value, fits ? DType::f32 : DType::f64));
}

namespace {

float single(double value) {
  Number(value).check_fits(DType::f32, "Tensor{…}");
  return static_cast<float>(value);
}

}  // namespace

Tensor::Tensor(std::initializer_list<Element> values) {
  Buffer buffer = Buffer::allocate(DType::f32, {static_cast<int64_t>(values.size())});
  float* out = buffer.as<float>();
  for (const Element& element : values) *out++ = single(element.value);
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
    for (double value : row) *out++ = single(value);
  }
  node_ = detail::evaluated_node(std::move(buffer));
}

Tensor::Tensor(const Literal& literal) : Tensor(Buffer::of(literal)) {}

Tensor::Tensor(Buffer buffer) {
  if (!buffer) fail(ErrorCode::invalid_argument, "a tensor is made from a buffer without memory");
  node_ = detail::evaluated_node(std::move(buffer));
}

Tensor& Tensor::set_name(std::string name) & {
  detail::require(*this, "set_name")->name = std::move(name);
  return *this;
}

std::string Tensor::name() const { return detail::describe(*detail::require(*this, "name")); }

bool Tensor::has_value() const { return node_ && !node_->absent; }

const Type& Tensor::type() const& { return detail::require(*this, "type")->type; }

const Dim& Tensor::dim(int64_t axis) const& {
  return shape()[normalise_axis(axis, rank(), "dim: axis")];
}

bool Tensor::is_evaluated() const { return node_ && node_->is_evaluated(); }

const Tensor& Tensor::eval() const& {
  if (!is_evaluated()) tenon::eval(std::span<const Tensor>(this, 1));
  return *this;
}

const Buffer& Tensor::buffer() const& { return eval().node_->buffer; }

Literal Tensor::literal() const { return buffer().to_literal(); }

namespace {

/// Reads one element in place.
template <class T>
T element(const Buffer& buffer, int64_t index) {
  if (index < 0) index += buffer.size();
  if (index < 0 || index >= buffer.size())
    fail(ErrorCode::out_of_range, "item: there is no element {} in {}{}", index,
         name_of(buffer.dtype()), Shape::of(buffer.shape()).to_string());
  auto real = [](double value) {
    if constexpr (std::is_integral_v<T>)
      return saturated<T>(value);
    else
      return value;
  };
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
      return real(f16_to_float(buffer.as<uint16_t>()[index]));
    case DType::bf16:
      return real(bf16_to_float(buffer.as<uint16_t>()[index]));
    case DType::f32:
      return real(buffer.as<float>()[index]);
    case DType::f64:
      return real(buffer.as<double>()[index]);
  }
  return T{};
}

const Buffer& only_element(const Tensor& x) {
  if (x.buffer().size() != 1)
    throw make_error(ErrorCode::shape_mismatch, "item: {} has {} elements, not one",
                     x.type().to_string(), x.buffer().size())
        .note("hint: item(i) reads element i; sum() and mean() reduce to one");
  return x.buffer();
}

}  // namespace

double Tensor::item() const { return element<double>(only_element(*this), 0); }
int64_t Tensor::item_int() const { return element<int64_t>(only_element(*this), 0); }
double Tensor::item(int64_t index) const { return element<double>(buffer(), index); }
int64_t Tensor::item_int(int64_t index) const { return element<int64_t>(buffer(), index); }

Tensor Tensor::reshape(const Shape& shape) const {
  static constinit KnownOp op("reshape");
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
  return full.always_equals(this->shape()) ? *this
                                           : apply(op.get(), {*this}, {{"shape", std::move(full)}});
}

Tensor Tensor::transpose(const Integers& order) const {
  static constinit KnownOp op("transpose");
  Integers axes = order;
  for (size_t i = rank(); order.empty() && i > 0; --i) axes.push_back(static_cast<int64_t>(i) - 1);
  for (int64_t& axis : axes)
    axis = static_cast<int64_t>(normalise_axis(axis, rank(), "transpose: axis"));
  return rank() < 2 && axes.size() == rank()
             ? *this
             : apply(op.get(), {*this}, {{"order", std::move(axes)}});
}

Tensor Tensor::cast(DType dtype) const {
  static constinit KnownOp op("cast");
  if (this->dtype() == dtype) return *this;
  if (node_->is_number && node_->is_fraction)
    return detail::converted_number(node_->number, dtype);  // with all the digits it was given
  if (node_->wide && dtype == DType::f64) return Tensor(node_->wide);
  return apply(op.get(), {node_->wide ? Tensor(node_->wide) : *this}, {{"dtype", dtype}});
}

}  // namespace tenon
