#include "tenon/graph/literal.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "tenon/base/alignment.h"
#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon {

int64_t element_count(std::span<const int64_t> shape) {
  // So few that their bytes can be counted, too, whatever the dtype.
  constexpr int64_t kMost = INT64_MAX / 8;
  int64_t count = 1;
  bool beyond = false;
  for (int64_t dim : shape) {
    if (dim == 0) return 0;
    beyond |= __builtin_mul_overflow(count, dim, &count) || count > kMost;
  }
  if (beyond) {
    fail(ErrorCode::out_of_range, "an array {} has more elements than memory can ever hold",
         Shape::of({shape.begin(), shape.end()}).to_string());
  }
  return count;
}

void check_sizes(DType dtype, std::span<const int64_t> shape) {
  if (std::ranges::all_of(shape, [](int64_t size) { return size >= 0; })) return;
  fail(ErrorCode::invalid_argument, "{} has a negative dimension",
       Type{dtype, Shape::of(std::vector(shape.begin(), shape.end()))}.to_string());
}

Literal::Literal(DType dtype, std::vector<int64_t> shape)
    : Literal(uninitialized(dtype, std::move(shape))) {
  if (blob_) std::memset(data(), 0, bytes());
}

Literal Literal::uninitialized(DType dtype, std::vector<int64_t> shape) {
  check_sizes(dtype, shape);
  Literal result;
  result.dtype_ = dtype;
  result.shape_ = std::move(shape);
  const size_t used = result.bytes();
  const size_t rounded = round_up(used, kBufferAlignment);
  if (rounded == 0) return result;
  result.blob_ = Blob::allocate(used);
  if (!result.blob_)
    fail(ErrorCode::resource_exhausted, "cannot allocate {} for {}", format_bytes(rounded),
         result.type().to_string());
  std::memset(result.data() + used, 0, rounded - used);
  return result;
}

Literal Literal::of_blob(DType dtype, std::vector<int64_t> shape, std::shared_ptr<Blob> blob) {
  check_sizes(dtype, shape);
  Literal result;
  result.dtype_ = dtype;
  result.shape_ = std::move(shape);
  const size_t held = blob ? blob->bytes() : 0;
  if (result.bytes() > held) {
    fail(ErrorCode::invalid_argument, "{} takes {} bytes, and its memory has {}",
         result.type().to_string(), result.bytes(), held);
  }
  if (result.bytes() == 0) return result;
  if (reinterpret_cast<uintptr_t>(blob->data()) % size_of(dtype) != 0) {
    fail(ErrorCode::invalid_argument,
         "memory of {} begins at an address that is not a multiple of {}",
         result.type().to_string(), size_of(dtype));
  }
  result.blob_ = std::move(blob);
  return result;
}

Literal::Literal(const Literal& other) {
  if (!other.is_sealed()) {
    *this = other.clone();
    return;
  }
  dtype_ = other.dtype_;
  shape_ = other.shape_;
  blob_ = other.blob_;
}

Literal& Literal::operator=(const Literal& other) {
  if (this != &other) *this = Literal(other);
  return *this;
}

void Literal::take_own_memory() { *this = clone(); }

Hash128 Literal::content_hash() const {
  if (!blob_) return hash_bytes(nullptr, 0);
  // After keep_rows the memory holds more.
  return blob_->bytes() == bytes() ? blob_->content_hash() : hash_bytes(data(), bytes());
}

Literal share_equal(const Literal& literal) {
  constexpr size_t kLeast = 4096;
  literal.seal();
  if (literal.bytes() < kLeast || literal.blob()->bytes() != literal.bytes()) return literal;
  return Literal::of_blob(literal.dtype(), literal.shape(), share_equal(literal.blob()));
}

Literal Literal::scalar(DType dtype, Number value) {
  value.check_fits(dtype);
  Literal result(dtype, {});
  if (value.is_whole()) {
    result.set_int(0, value.whole());
  } else {
    result.set_double(0, value.real());
  }
  return result;
}

namespace {

/// Calls f with a pointer of the C++ type of `dtype`; f16 and bf16 are handled by the callers.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean:
      return f(static_cast<bool*>(nullptr));
    case DType::u8:
      return f(static_cast<uint8_t*>(nullptr));
    case DType::i8:
      return f(static_cast<int8_t*>(nullptr));
    case DType::i32:
      return f(static_cast<int32_t*>(nullptr));
    case DType::i64:
      return f(static_cast<int64_t*>(nullptr));
    case DType::f64:
      return f(static_cast<double*>(nullptr));
    default:
      return f(static_cast<float*>(nullptr));
  }
}

template <class T>
T load(const std::byte* data, int64_t index) {
  T value;
  std::memcpy(&value, data + static_cast<size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void store(std::byte* data, int64_t index, T value) {
  std::memcpy(data + static_cast<size_t>(index) * sizeof(T), &value, sizeof(T));
}

}  // namespace

double Literal::to_double(int64_t index) const {
  if (dtype_ == DType::f16) return f16_to_float(load<uint16_t>(data(), index));
  if (dtype_ == DType::bf16) return bf16_to_float(load<uint16_t>(data(), index));
  return visit_dtype(dtype_,
                     [&]<class T>(T*) { return static_cast<double>(load<T>(data(), index)); });
}

int64_t Literal::to_int(int64_t index) const {
  if (is_floating(dtype_)) return saturated<int64_t>(to_double(index));
  return visit_dtype(dtype_,
                     [&]<class T>(T*) { return static_cast<int64_t>(load<T>(data(), index)); });
}

void Literal::set_double(int64_t index, double value) {
  if (dtype_ == DType::f16) return store(data(), index, double_to_f16(value));
  if (dtype_ == DType::bf16) return store(data(), index, double_to_bf16(value));
  visit_dtype(dtype_, [&]<class T>(T*) {
    if constexpr (std::is_same_v<T, bool>) {
      store(data(), index, value != 0);
    } else if constexpr (std::is_integral_v<T>) {
      store(data(), index, saturated<T>(value));
    } else {
      store(data(), index, static_cast<T>(value));
    }
  });
}

void Literal::set_int(int64_t index, int64_t value) {
  if (dtype_ == DType::f16) return store(data(), index, integer_to_f16(value));
  if (dtype_ == DType::bf16) return store(data(), index, integer_to_bf16(value));
  if (dtype_ == DType::boolean) return store(data(), index, value != 0);
  visit_dtype(dtype_, [&]<class T>(T*) { store(data(), index, static_cast<T>(value)); });
}

Literal Literal::clone() const {
  Literal copy = uninitialized(dtype_, shape_);
  if (bytes() > 0) std::memcpy(copy.data(), data(), bytes());
  return copy;
}

Literal Literal::reshaped(std::vector<int64_t> shape) const& {
  return Literal(*this).reshaped(std::move(shape));
}

Literal Literal::reshaped(std::vector<int64_t> shape) && {
  if (element_count(shape) != size()) {
    fail(ErrorCode::shape_mismatch, "reshape: {} has {} elements, {} has {}", type().to_string(),
         size(), Shape::of(shape).to_string(), element_count(shape));
  }
  shape_ = std::move(shape);
  return std::move(*this);
}

void Literal::keep_rows(int64_t rows) {
  check(!shape_.empty() && rows >= 0 && rows <= shape_[0], "rows that are there");
  shape_[0] = rows;
}

std::string Literal::to_string() const {
  std::string text = type().to_string() + ":";
  for (int64_t i = 0; i < size(); ++i) {
    text += i == 0 ? " " : ",";
    if (!is_floating(dtype_)) {
      text += fmt::format("{}", to_int(i));
    } else if (dtype_ == DType::f64) {
      text += fmt::format("{}", to_double(i));
    } else {
      text += fmt::format("{}", static_cast<float>(to_double(i)));
    }
  }
  return text;
}

bool operator==(const Literal& a, const Literal& b) {
  return a.dtype_ == b.dtype_ && a.shape_ == b.shape_ &&
         (a.bytes() == 0 || a.blob_ == b.blob_ || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

}  // namespace tenon
