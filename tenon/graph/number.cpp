#include "tenon/graph/number.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "tenon/base/error.h"

namespace tenon {

namespace {

template <class T>
IntegerRange limits() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}

bool becomes_infinite(double value, DType dtype) {
  if (!std::isfinite(value)) return false;
  switch (dtype) {
    case DType::f16:
      return !std::isfinite(f16_to_float(double_to_f16(value)));
    case DType::bf16:
      return !std::isfinite(bf16_to_float(double_to_bf16(value)));
    case DType::f32:
      return !std::isfinite(static_cast<float>(value));
    default:
      return false;
  }
}

}  // namespace

IntegerRange integer_range(DType integer) {
  switch (integer) {
    case DType::u8:
      return limits<uint8_t>();
    case DType::i8:
      return limits<int8_t>();
    case DType::i32:
      return limits<int32_t>();
    default:
      return limits<int64_t>();
  }
}

bool Number::fits(DType dtype) const {
  if (dtype == DType::boolean) return true;
  if (is_floating(dtype)) return !becomes_infinite(real_, dtype);
  const IntegerRange range = integer_range(dtype);
  if (is_whole_) return whole_ >= range.low && whole_ <= range.high;
  // The largest i64 is no double: the first number too large is 2^63.
  const double whole = std::trunc(real_);
  const double beyond = dtype == DType::i64 ? 0x1p63 : static_cast<double>(range.high) + 1;
  return whole >= static_cast<double>(range.low) && whole < beyond;  // NaN is neither
}

std::string Number::to_string() const {
  return is_whole_ ? fmt::format("{}", whole_) : fmt::format("{}", real_);
}

void Number::check_fits(DType dtype, std::string_view what) const {
  if (fits(dtype)) return;
  const std::string subject = what.empty() ? std::string() : fmt::format("{}: ", what);
  if (is_floating(dtype)) {
    const double largest = dtype == DType::f16    ? 65504
                           : dtype == DType::bf16 ? 0x1.fep127
                                                  : std::numeric_limits<float>::max();
    fail(ErrorCode::out_of_range, "{}the number {} does not fit {}, whose largest is {:.6g}",
         subject, to_string(), name_of(dtype), largest);
  }
  const IntegerRange range = integer_range(dtype);
  fail(ErrorCode::out_of_range, "{}the number {} does not fit {}, which holds {} to {}", subject,
       to_string(), name_of(dtype), range.low, range.high);
}

}  // namespace tenon
