#pragma once

//   round_up(size_t{70}, kBufferAlignment);                         // 128

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace tenon {

/// Where buffers, and parts of scratch memory, begin: the bytes of the widest vector and of a line
/// of the cache.
inline constexpr int64_t kBufferAlignment = 64;

/// The least multiple of `step` that is not below `value`; neither is negative.
template <std::integral T>
constexpr T round_up(T value, std::type_identity_t<T> step) {
  return (value + step - 1) / step * step;
}

}  // namespace tenon
