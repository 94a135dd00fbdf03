#include "tenon/ops/reference.h"

#include "tenon/base/error.h"

namespace tenon {

RefArray::RefArray(DType dtype, std::vector<int64_t> shape)
    : dtype_(dtype), shape_(std::move(shape)) {
  auto count = static_cast<size_t>(element_count(shape_));
  if (is_real()) {
    real_.resize(count);
  } else {
    integer_.resize(count);
  }
}

RefArray RefArray::from(const Literal& literal) {
  RefArray array(literal.dtype(), literal.shape());
  for (int64_t i = 0; i < literal.size(); ++i) {
    if (array.is_real()) {
      array.set(i, literal.to_double(i));
    } else {
      array.set_int(i, literal.to_int(i));
    }
  }
  return array;
}

Literal RefArray::to_literal() const {
  Literal literal(dtype_, shape_);
  for (int64_t i = 0; i < size(); ++i) {
    if (is_real()) {
      literal.set_double(i, get(i));
    } else {
      literal.set_int(i, get_int(i));
    }
  }
  return literal;
}

void RefArray::set(int64_t i, double value) {
  if (is_real()) {
    real_[static_cast<size_t>(i)] = value;
  } else {
    set_int(i, saturated<int64_t>(value));
  }
}

void RefArray::set_int(int64_t i, int64_t value) {
  if (is_real()) return set(i, static_cast<double>(value));
  switch (dtype_) {
    case DType::boolean:
      value = value != 0;
      break;
    case DType::u8:
      value = static_cast<uint8_t>(value);
      break;
    case DType::i8:
      value = static_cast<int8_t>(value);
      break;
    case DType::i32:
      value = static_cast<int32_t>(value);
      break;
    default:
      break;
  }
  integer_[static_cast<size_t>(i)] = value;
}

void RefArray::copy_element(int64_t to, const RefArray& from, int64_t index) {
  check(is_real() == from.is_real(), "elements are copied between arrays of one kind");
  if (is_real()) {
    real_[static_cast<size_t>(to)] = from.real_[static_cast<size_t>(index)];
  } else {
    integer_[static_cast<size_t>(to)] = from.integer_[static_cast<size_t>(index)];
  }
}

std::vector<int64_t> row_major_strides(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

BoxIndex::BoxIndex(std::vector<int64_t> shape)
    : shape_(std::move(shape)), position_(shape_.size(), 0) {
  done_ = element_count(shape_) == 0;
}

void BoxIndex::next() {
  ++linear_;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    if (++position_[axis] < shape_[axis]) return;
    position_[axis] = 0;
  }
  done_ = true;
}

}  // namespace tenon
