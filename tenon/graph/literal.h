// An array in host memory: the value of constants, the contents of files, and the data of the
// interpreter.
//
//   Literal a = Literal::of<float>({2, 2}, {1, 2, 3, 4});
//   a.at<float>(3);                        // 4
//   a.to_double(1);                        // 2.0, whatever the dtype
//   a.to_string();                         // "f32[2,2]: 1,2,3,4"
//   a.seal();                              // permanently: from now on, copies share its memory
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tenon/base/blob.h"
#include "tenon/graph/number.h"
#include "tenon/graph/type.h"

namespace tenon {

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::u8;
  else if constexpr (std::is_same_v<T, int8_t>)
    return DType::i8;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else {
    static_assert(std::is_same_v<T, double>, "no dtype for this C++ type");
    return DType::f64;
  }
}

int64_t element_count(std::span<const int64_t> shape);
/// Error invalid_argument if a dimension is negative.
void check_sizes(DType dtype, std::span<const int64_t> shape);

/// Row-major and contiguous. A literal owns its memory, aligned to kBufferAlignment, and copies are
/// deep. A sealed literal, like every constant of a graph, shares its memory with its copies;
/// writing to one of them copies the memory first.
class Literal {
 public:
  Literal() = default;
  /// Zeros.
  Literal(DType dtype, std::vector<int64_t> shape);
  /// Uninitialised memory, for callers that write every element: filling pages twice costs twice as
  /// much. Error out_of_range or resource_exhausted if it cannot be allocated.
  static Literal uninitialized(DType dtype, std::vector<int64_t> shape);
  template <class T>
  static Literal of(std::vector<int64_t> shape, const std::vector<T>& values);
  /// Uses the memory of `blob`. Error invalid_argument if it has too few bytes, or if its address
  /// is not aligned for an element.
  static Literal of_blob(DType dtype, std::vector<int64_t> shape, std::shared_ptr<Blob> blob);
  /// A scalar of any dtype. Error out_of_range if the number does not fit it (Number::fits).
  static Literal scalar(DType dtype, Number value);

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const& { return shape_; }
  std::vector<int64_t> shape() && { return std::move(shape_); }
  int64_t size() const { return element_count(shape_); }
  size_t bytes() const { return static_cast<size_t>(size()) * size_of(dtype_); }
  Type type() const { return {dtype_, Shape::of(shape_)}; }

  std::byte* data() & {
    if (blob_ && blob_->is_sealed()) take_own_memory();
    return blob_ ? blob_->data() : nullptr;
  }
  const std::byte* data() const& { return blob_ ? blob_->data() : nullptr; }
  const std::byte* data() const&& = delete;  // would dangle: give the literal a name
  template <class T>
  std::span<T> values() & {
    return {reinterpret_cast<T*>(data()), static_cast<size_t>(size())};
  }
  template <class T>
  std::span<const T> values() const& {
    return {reinterpret_cast<const T*>(data()), static_cast<size_t>(size())};
  }
  template <class T>
  std::span<const T> values() const&& = delete;
  template <class T>
  T at(int64_t index) const {
    return values<T>()[static_cast<size_t>(index)];
  }

  /// Element access by row-major index, converting like the op `cast`: rounded once to nearest
  /// even; floating-point numbers are truncated to integers and saturate, NaN becomes 0; integers
  /// wrap.
  double to_double(int64_t index) const;
  int64_t to_int(int64_t index) const;
  void set_double(int64_t index, double value);
  void set_int(int64_t index, int64_t value);

  Literal reshaped(std::vector<int64_t> shape) const&;
  Literal reshaped(std::vector<int64_t> shape) &&;  ///< the same memory
  /// Keeps only the first `rows` of its shape()[0] rows; does not free the memory of the others.
  void keep_rows(int64_t rows);
  /// A deep copy.
  Literal clone() const;
  std::string to_string() const;
  /// Same type and same bits.
  friend bool operator==(const Literal& a, const Literal& b);

  /// Makes the memory read-only: earlier pointers may only be used for reading.
  const Literal& seal() const {
    if (blob_) blob_->seal();
    return *this;
  }
  bool is_sealed() const { return !blob_ || blob_->is_sealed(); }
  /// Null if it is empty.
  const std::shared_ptr<Blob>& blob() const { return blob_; }
  /// The hash of its elements' bytes, whatever their dtype; cached if sealed.
  Hash128 content_hash() const;

  Literal(const Literal& other);
  Literal& operator=(const Literal& other);
  Literal(Literal&&) noexcept = default;
  Literal& operator=(Literal&&) noexcept = default;

 private:
  void take_own_memory();

  DType dtype_ = DType::f32;
  std::vector<int64_t> shape_ = {0};
  std::shared_ptr<Blob> blob_;
};

/// A sealed literal that shares the memory of an existing literal of the same bytes, if there is
/// one. Literals of up to a few kilobytes keep their own.
Literal share_equal(const Literal& literal);

template <class T>
Literal Literal::of(std::vector<int64_t> shape, const std::vector<T>& values) {
  Literal result(dtype_of<T>(), std::move(shape));
  auto out = result.values<T>();
  for (size_t i = 0; i < out.size(); ++i) out[i] = values.at(i);
  return result;
}

}  // namespace tenon
