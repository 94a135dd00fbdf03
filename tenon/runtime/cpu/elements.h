// Element types of native kernels: the storage type and the compute type of each dtype.
//
//   with_element_type(dtype, [&](auto element) { using T = decltype(element); … widen(x) …
//   narrow<T>(y) … });
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/graph/dtype.h"

namespace tenon {

struct HalfFloat {
  uint16_t bits;
};
struct BrainFloat {
  uint16_t bits;
};

inline float widen(HalfFloat x) { return f16_to_float(x.bits); }
inline float widen(BrainFloat x) { return bf16_to_float(x.bits); }
template <class T>
  requires std::is_arithmetic_v<T>
T widen(T x) {
  return x;
}

/// Rounded once; integers wrap.
template <class T, class W>
T narrow(W x) {
  if constexpr (std::is_same_v<T, HalfFloat>)
    return {std::is_same_v<W, double> ? double_to_f16(x) : float_to_f16(static_cast<float>(x))};
  else if constexpr (std::is_same_v<T, BrainFloat>)
    return {std::is_same_v<W, double> ? double_to_bf16(x) : float_to_bf16(static_cast<float>(x))};
  else
    return static_cast<T>(x);
}

/// Integers wrap, without C++'s undefined overflow.
template <class W>
W wrapped_sum(W a, W b) {
  if constexpr (std::is_floating_point_v<W>)
    return a + b;
  else
    return static_cast<W>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <class W>
W wrapped_product(W a, W b) {
  if constexpr (std::is_floating_point_v<W>)
    return a * b;
  else
    return static_cast<W>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// Calls f with a value of the C++ type that stores `dtype`; booleans are bytes of 0 and 1.
template <class F>
decltype(auto) with_element_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean:
    case DType::u8:
      return f(uint8_t{});
    case DType::i8:
      return f(int8_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::f16:
      return f(HalfFloat{});
    case DType::bf16:
      return f(BrainFloat{});
    case DType::f32:
      return f(float{});
    case DType::f64:
      break;
  }
  return f(double{});
}

}  // namespace tenon
