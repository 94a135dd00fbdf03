#include "tenon/graph/dtype.h"

#include <array>
#include <bit>
#include <utility>

namespace tenon {

std::optional<DType> parse_dtype(std::string_view name) {
  for (DType dtype : kAllDTypes) {
    if (name_of(dtype) == name) return dtype;
  }
  return std::nullopt;
}

std::optional<DType> dtype_elsewhere(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DType>, 15> kNames = {{
      {"boolean", DType::boolean},
      {"uint8", DType::u8},
      {"byte", DType::u8},
      {"int8", DType::i8},
      {"int32", DType::i32},
      {"int", DType::i32},
      {"int64", DType::i64},
      {"long", DType::i64},
      {"float16", DType::f16},
      {"half", DType::f16},
      {"bfloat16", DType::bf16},
      {"float32", DType::f32},
      {"float", DType::f32},
      {"float64", DType::f64},
      {"double", DType::f64},
  }};
  for (const auto& [known, dtype] : kNames) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) != is_floating(b)) return is_floating(a) ? a : b;
  if (is_floating(a)) {
    bool halves = size_of(a) == 2 && size_of(b) == 2;
    return halves ? DType::f32 : (a > b ? a : b);
  }
  if (a == DType::boolean || b == DType::boolean) return a == DType::boolean ? b : a;
  bool eight_bits = size_of(a) == 1 && size_of(b) == 1;  // u8 with i8 fits neither
  return eight_bits ? DType::i32 : (a > b ? a : b);
}

float f16_to_float(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity or NaN
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  }
  if (magnitude < 0x0400u) {  // zero or subnormal: magnitude * 2^-24
    float value = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
}

uint16_t float_to_f16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);   // NaN, quiet
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds to infinity
  if (magnitude <
      0x38800000u) {  // subnormal: adding 0.5 puts the last place of the result at 2^-24
    float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
  }
  uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

float bf16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

namespace {

/// Rounded to odd: of the two neighbours the one whose last bit is set, unless the value is exact.
/// What is rounded again, to two bits less or fewer, is then as if rounded once (Boldo and
/// Melquiond 2008).
float odd_float(double value) {
  const auto nearest = static_cast<float>(value);
  const auto back = static_cast<double>(nearest);
  if (back == value || value != value) return nearest;
  auto bits = std::bit_cast<uint32_t>(nearest);
  const bool is_larger = (back < 0 ? -back : back) > (value < 0 ? -value : value);
  return std::bit_cast<float>((is_larger ? bits - 1 : bits) | 1u);
}

double odd_double(int64_t value) {
  constexpr int64_t kExact = int64_t{1} << 53;
  if (value > -kExact && value < kExact) return static_cast<double>(value);
  // The last 11 bits become one that says whether there were any.
  const int64_t rest = value & 0x7ff;
  return static_cast<double>((value - rest) | (rest != 0 ? 0x800 : 0));
}

}  // namespace

uint16_t double_to_f16(double value) { return float_to_f16(odd_float(value)); }
uint16_t integer_to_f16(int64_t value) { return double_to_f16(odd_double(value)); }

uint16_t float_to_bf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

uint16_t double_to_bf16(double value) { return float_to_bf16(odd_float(value)); }
uint16_t integer_to_bf16(int64_t value) { return double_to_bf16(odd_double(value)); }

}  // namespace tenon
