// A number from C++ or a file, to be converted to a dtype: a number that does not fit is an
// error.
//
//   Number(3).fits(DType::u8);             // true
//   Number(300).fits(DType::u8);           // false
//   Number(2.9).fits(DType::u8);           // true: it becomes 2, as with a cast
//   Number(7e4).fits(DType::f16);          // false: the largest is 65504
//   Literal::scalar(DType::u8, 300);       // error: the number 300 does not fit u8
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "tenon/graph/dtype.h"

namespace tenon {

/// An inclusive range.
struct IntegerRange {
  int64_t low, high;
};
/// The range of an integer dtype.
IntegerRange integer_range(DType integer);

/// Integers keep all of their 64 bits.
class Number {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  Number(T value) : real_(static_cast<double>(value)) {
    if constexpr (std::is_integral_v<T>) {
      is_whole_ = fits_i64(value);
      whole_ = is_whole_ ? static_cast<int64_t>(value) : 0;
    }
  }
  /// Given as an integer that i64 holds.
  bool is_whole() const { return is_whole_; }
  int64_t whole() const { return whole_; }
  double real() const { return real_; }

  /// Whether the dtype can hold this number, rounded (to nearest, or toward zero for integers):
  /// integers hold neither NaN nor infinities, and a finite number must not become infinite. Every
  /// number fits bool.
  bool fits(DType dtype) const;
  std::string to_string() const;
  /// Error out_of_range, with the number and the dtype, if it does not fit; the message begins with
  /// `what`, if that is not empty.
  void check_fits(DType dtype, std::string_view what = "") const;

 private:
  template <class T>
  static constexpr bool fits_i64(T value) {
    return std::is_signed_v<T> || sizeof(T) < 8 || static_cast<uint64_t>(value) >> 63 == 0;
  }

  double real_;
  int64_t whole_ = 0;
  bool is_whole_ = false;
};

}  // namespace tenon
