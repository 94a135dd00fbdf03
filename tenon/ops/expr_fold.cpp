#include "tenon/ops/expr_fold.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tenon/base/error.h"

namespace tenon::detail {
namespace {

template <typename T>
T value_of(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename T>
uint64_t bits_of(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <typename T>
uint64_t fold_floating(ExprOp op, T a, T b, T c) {
  switch (op) {
    case ExprOp::add:
      return bits_of<T>(a + b);
    case ExprOp::sub:
      return bits_of<T>(a - b);
    case ExprOp::mul:
      return bits_of<T>(a * b);
    case ExprOp::div:
      return bits_of<T>(a / b);
    case ExprOp::fma:
      return bits_of<T>(std::fma(a, b, c));
    case ExprOp::min:
      return bits_of<T>(std::isnan(a) ? a : (a < b ? a : b));
    case ExprOp::max:
      return bits_of<T>(std::isnan(a) ? a : (a > b ? a : b));
    case ExprOp::neg:
      return bits_of<T>(-a);
    case ExprOp::abs:
      return bits_of<T>(std::fabs(a));
    case ExprOp::sqrt:
      return bits_of<T>(std::sqrt(a));
    case ExprOp::floor:
      return bits_of<T>(std::floor(a));
    case ExprOp::ceil:
      return bits_of<T>(std::ceil(a));
    case ExprOp::trunc:
      return bits_of<T>(std::trunc(a));
    case ExprOp::round_even:
      return bits_of<T>(std::nearbyint(a));
    case ExprOp::equal:
      return a == b;
    case ExprOp::not_equal:
      return a != b;
    case ExprOp::less:
      return a < b;
    case ExprOp::less_equal:
      return a <= b;
    default:
      fail(ErrorCode::internal, "expression operation {} on a floating type", static_cast<int>(op));
  }
}

template <typename T>
T floor_div_value(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
    const T q = static_cast<T>(a / b);
    return static_cast<T>(q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0));
  } else {
    return static_cast<T>(a / b);
  }
}

template <typename T>
uint64_t fold_integer(ExprOp op, T a, T b, T c) {
  using U = std::make_unsigned_t<T>;
  const auto wrap = [](U value) { return bits_of<T>(static_cast<T>(value)); };
  const U ua = static_cast<U>(a), ub = static_cast<U>(b), uc = static_cast<U>(c);
  // Counts beyond the width are not defined; masking keeps the folder itself defined.
  const unsigned count = static_cast<unsigned>(ub) & (sizeof(T) * 8 - 1);
  switch (op) {
    case ExprOp::add:
      return wrap(static_cast<U>(ua + ub));
    case ExprOp::sub:
      return wrap(static_cast<U>(ua - ub));
    case ExprOp::mul:
      return wrap(static_cast<U>(uint64_t{ua} * ub));
    case ExprOp::fma:
      return wrap(static_cast<U>(uint64_t{ua} * ub + uc));
    case ExprOp::floor_div:
      return bits_of<T>(floor_div_value(a, b));
    case ExprOp::floor_mod:
      return wrap(static_cast<U>(ua - uint64_t{static_cast<U>(floor_div_value(a, b))} * ub));
    case ExprOp::min:
      return bits_of<T>(a < b ? a : b);
    case ExprOp::max:
      return bits_of<T>(a > b ? a : b);
    case ExprOp::neg:
      return wrap(static_cast<U>(U{0} - ua));
    case ExprOp::abs:
      return a < 0 ? wrap(static_cast<U>(U{0} - ua)) : bits_of<T>(a);
    case ExprOp::equal:
      return a == b;
    case ExprOp::not_equal:
      return a != b;
    case ExprOp::less:
      return a < b;
    case ExprOp::less_equal:
      return a <= b;
    case ExprOp::bit_and:
      return wrap(static_cast<U>(ua & ub));
    case ExprOp::bit_or:
      return wrap(static_cast<U>(ua | ub));
    case ExprOp::bit_xor:
      return wrap(static_cast<U>(ua ^ ub));
    case ExprOp::bit_not:
      return wrap(static_cast<U>(~ua));
    case ExprOp::shift_left:
      return wrap(static_cast<U>(uint64_t{ua} << count));
    case ExprOp::shift_right:
      return bits_of<T>(static_cast<T>(a >> count));
    case ExprOp::shift_right_logical:
      return wrap(static_cast<U>(ua >> count));
    default:
      fail(ErrorCode::internal, "expression operation {} on an integer type", static_cast<int>(op));
  }
}

uint64_t fold_boolean(ExprOp op, bool a, bool b) {
  switch (op) {
    case ExprOp::min:
    case ExprOp::mul:
    case ExprOp::bit_and:
      return a && b;
    case ExprOp::max:
    case ExprOp::bit_or:
      return a || b;
    case ExprOp::not_equal:
    case ExprOp::bit_xor:
      return a != b;
    case ExprOp::equal:
      return a == b;
    case ExprOp::less:
      return !a && b;
    case ExprOp::less_equal:
      return !a || b;
    case ExprOp::bit_not:
      return !a;
    default:
      fail(ErrorCode::internal, "expression operation {} on booleans", static_cast<int>(op));
  }
}

uint64_t convert(DType to, DType from, uint64_t bits) {
  if (is_floating(from)) {
    const double value = double_from_bits(from, bits);
    if (to == DType::boolean) return value != 0.0;
    return bits_from_double(to, value);
  }
  return bits_from_integer(to, integer_from_bits(from, bits));
}

}  // namespace

uint64_t fold(ExprOp op, DType result, DType operand, const uint64_t* v) {
  if (op == ExprOp::cast) return convert(result, operand, v[0]);
  if (op == ExprOp::bitcast) return v[0];
  if (op == ExprOp::select || op == ExprOp::guard || op == ExprOp::rare) return v[0] ? v[1] : v[2];
  switch (operand) {
    case DType::boolean:
      return fold_boolean(op, v[0] != 0, v[1] != 0);
    case DType::u8:
      return fold_integer(op, value_of<uint8_t>(v[0]), value_of<uint8_t>(v[1]),
                          value_of<uint8_t>(v[2]));
    case DType::i8:
      return fold_integer(op, value_of<int8_t>(v[0]), value_of<int8_t>(v[1]),
                          value_of<int8_t>(v[2]));
    case DType::i32:
      return fold_integer(op, value_of<int32_t>(v[0]), value_of<int32_t>(v[1]),
                          value_of<int32_t>(v[2]));
    case DType::i64:
      return fold_integer(op, value_of<int64_t>(v[0]), value_of<int64_t>(v[1]),
                          value_of<int64_t>(v[2]));
    case DType::f32:
      return fold_floating(op, value_of<float>(v[0]), value_of<float>(v[1]), value_of<float>(v[2]));
    case DType::f64:
      return fold_floating(op, value_of<double>(v[0]), value_of<double>(v[1]),
                           value_of<double>(v[2]));
    case DType::f16:
    case DType::bf16:
      break;
  }
  fail(ErrorCode::internal, "arithmetic on the storage type {}", name_of(operand));
}

uint64_t bits_from_double(DType dtype, double value) {
  switch (dtype) {
    case DType::boolean:
      return value != 0.0;
    case DType::u8:
      return saturated<uint8_t>(value);
    case DType::i8:
      return bits_of(saturated<int8_t>(value));
    case DType::i32:
      return bits_of(saturated<int32_t>(value));
    case DType::i64:
      return bits_of(saturated<int64_t>(value));
    case DType::f16:
      return double_to_f16(value);
    case DType::bf16:
      return double_to_bf16(value);
    case DType::f32:
      return bits_of(static_cast<float>(value));
    case DType::f64:
      return bits_of(value);
  }
  return 0;
}

uint64_t bits_from_integer(DType dtype, int64_t value) {
  switch (dtype) {
    case DType::boolean:
      return value != 0;
    case DType::u8:
      return static_cast<uint8_t>(value);
    case DType::i8:
      return bits_of(static_cast<int8_t>(value));
    case DType::i32:
      return bits_of(static_cast<int32_t>(value));
    case DType::i64:
      return bits_of(value);
    case DType::f16:
      return integer_to_f16(value);
    case DType::bf16:
      return integer_to_bf16(value);
    case DType::f32:
      return bits_of(static_cast<float>(value));
    case DType::f64:
      return bits_of(static_cast<double>(value));
  }
  return 0;
}

double double_from_bits(DType dtype, uint64_t bits) {
  switch (dtype) {
    case DType::f16:
      return f16_to_float(static_cast<uint16_t>(bits));
    case DType::bf16:
      return bf16_to_float(static_cast<uint16_t>(bits));
    case DType::f32:
      return value_of<float>(bits);
    case DType::f64:
      return value_of<double>(bits);
    default:
      return static_cast<double>(integer_from_bits(dtype, bits));
  }
}

int64_t integer_from_bits(DType dtype, uint64_t bits) {
  switch (dtype) {
    case DType::boolean:
      return bits != 0;
    case DType::u8:
      return value_of<uint8_t>(bits);
    case DType::i8:
      return value_of<int8_t>(bits);
    case DType::i32:
      return value_of<int32_t>(bits);
    case DType::i64:
      return value_of<int64_t>(bits);
    default:
      return saturated<int64_t>(double_from_bits(dtype, bits));
  }
}

}  // namespace tenon::detail
