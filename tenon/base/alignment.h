#pragma once

//   round_up(size_t{70}, kBufferAlignment);                         // 128

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace tenon {

/// The alignment of buffers, and of parts of scratch memory: the size in bytes of the widest vector
/// and of a cache line.
inline constexpr int64_t kBufferAlignment = 64;

/// The smallest multiple of `step` that is at least `value`; neither may be negative.
template <std::integral T>
constexpr T round_up(T value, std::type_identity_t<T> step) {
  return (value + step - 1) / step * step;
}

}  // namespace tenon
