// The element types of tensors.
//
//   DType t = DType::f32;
//   size_of(t);                 // 4 bytes
//   name_of(t);                 // "f32"
//   parse_dtype("bf16");        // DType::bf16, or none
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace tenon {

/// `f16` and `bf16` are storage formats: arithmetic on them is done in f32 and rounded to nearest
/// even.
enum class DType : uint8_t { boolean, u8, i8, i32, i64, f16, bf16, f32, f64 };

inline constexpr std::array kAllDTypes = {DType::boolean, DType::u8,  DType::i8,
                                          DType::i32,     DType::i64, DType::f16,
                                          DType::bf16,    DType::f32, DType::f64};

constexpr size_t size_of(DType dtype) {
  constexpr std::array<size_t, 9> kSizes = {1, 1, 1, 4, 8, 2, 2, 4, 8};
  return kSizes[static_cast<size_t>(dtype)];
}

constexpr std::string_view name_of(DType dtype) {
  constexpr std::array<std::string_view, 9> kNames = {"bool", "u8",   "i8",  "i32", "i64",
                                                      "f16",  "bf16", "f32", "f64"};
  return kNames[static_cast<size_t>(dtype)];
}

std::optional<DType> parse_dtype(std::string_view name);
/// The dtype with this name in C++, NumPy or PyTorch, such as float32: for hints in errors.
std::optional<DType> dtype_elsewhere(std::string_view name);

constexpr bool is_floating(DType dtype) { return dtype >= DType::f16; }
constexpr bool is_integer(DType dtype) { return dtype >= DType::u8 && dtype <= DType::i64; }
constexpr bool is_signed(DType dtype) { return dtype >= DType::i8; }

/// A set of dtypes, for what an op accepts.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  constexpr DTypeSet(DType dtype)
      : bits_(static_cast<uint16_t>(1u << static_cast<unsigned>(dtype))) {}
  constexpr bool contains(DType dtype) const { return (bits_ & DTypeSet(dtype).bits_) != 0; }
  friend constexpr DTypeSet operator|(DTypeSet a, DTypeSet b) {
    DTypeSet both;
    both.bits_ = a.bits_ | b.bits_;
    return both;
  }
  friend constexpr bool operator==(DTypeSet, DTypeSet) = default;

 private:
  uint16_t bits_ = 0;
};

inline constexpr DTypeSet kFloating = DTypeSet(DType::f16) | DType::bf16 | DType::f32 | DType::f64;
inline constexpr DTypeSet kInteger = DTypeSet(DType::u8) | DType::i8 | DType::i32 | DType::i64;
inline constexpr DTypeSet kBoolean = DTypeSet(DType::boolean);
inline constexpr DTypeSet kNumeric = kFloating | kInteger;
inline constexpr DTypeSet kIndex = DTypeSet(DType::i32) | DType::i64;
inline constexpr DTypeSet kAnyDType = kNumeric | kBoolean;

/// The dtype of the result of an operation on two tensors of different dtypes: the wider one of the
/// same kind; floating point over integer over bool; f16 with bf16 gives f32.
DType promote(DType a, DType b);

/// IEEE 754 half and bfloat16: one rounding, to nearest even, from any source type.
float f16_to_float(uint16_t bits);
uint16_t float_to_f16(float value);
uint16_t double_to_f16(double value);
uint16_t integer_to_f16(int64_t value);
float bf16_to_float(uint16_t bits);
uint16_t float_to_bf16(float value);
uint16_t double_to_bf16(double value);
uint16_t integer_to_bf16(int64_t value);

/// Truncates to an integer type; saturates at its limits, and NaN becomes 0.
template <class T>
constexpr T saturated(double value) {
  using Limits = std::numeric_limits<T>;
  // 2^digits is the first value too large; the largest i64 itself is not a double.
  constexpr double kBeyond = 2.0 * static_cast<double>(T{1} << (Limits::digits - 1));
  if (value != value) return 0;
  if (value >= kBeyond) return Limits::max();
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  return static_cast<T>(value);
}

}  // namespace tenon
