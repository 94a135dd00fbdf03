// Vectors of keys, of any width, and operations on their lanes. Private to argument_search.cpp.
//
//   given: const float* x;
//   using V = Vectors<float, 16>;
//   V::Keys keys = keys_at<float, /*largest=*/true, 16>(x);
//   float most = largest_lane<float, 16>(keys);
//   bool is_found = any_of<float, 16>(keys == most);
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "tenon/runtime/cpu/argument.h"

namespace tenon {

/// Integers of the size of a key: the results of vector comparisons.
template <class K>
using MaskOf =
    std::conditional_t<sizeof(K) == 1, int8_t,
                       std::conditional_t<sizeof(K) == 2, int16_t,
                                          std::conditional_t<sizeof(K) == 4, int32_t, int64_t>>>;

// Vectors are a language extension of GCC and Clang. They are never elements of arrays here, since
// arrays would be spilled to memory.
template <class T, int kBytes>
struct Vectors {
  typedef KeyOf<T> Keys __attribute__((vector_size(kBytes)));
  typedef MaskOf<KeyOf<T>> Mask __attribute__((vector_size(kBytes)));
  typedef std::make_unsigned_t<MaskOf<KeyOf<T>>> Rows __attribute__((vector_size(kBytes)));
  typedef int64_t Words __attribute__((vector_size(kBytes)));
  static constexpr int64_t kLanes = kBytes / static_cast<int64_t>(sizeof(KeyOf<T>));

  /// Beyond all numbers of lanes.
  [[gnu::always_inline]] static Mask none() {
    return (Mask){} + std::numeric_limits<MaskOf<KeyOf<T>>>::max();
  }
};

template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline typename Vectors<T, kBytes>::Keys keys_at(const T* x) {
  typename Vectors<T, kBytes>::Keys bits;
  std::memcpy(&bits, x, kBytes);
  return key_of<T, kLargest, typename Vectors<T, kBytes>::Keys>(bits);
}

template <class V>
[[gnu::always_inline]] inline V larger_of(V a, V b) {
  return a > b ? a : b;
}

template <class T, int kBytes>
[[gnu::always_inline]] inline bool any_of(typename Vectors<T, kBytes>::Mask mask) {
  auto words = (typename Vectors<T, kBytes>::Words)mask;
  int64_t any = 0;
  for (size_t i = 0; i < kBytes / sizeof(int64_t); ++i) any |= words[i];
  return any != 0;
}

template <int64_t kBy, class V, size_t... kLane>
[[gnu::always_inline]] inline V rotated(V v, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(v, v, ((kLane + kBy) % sizeof...(kLane))...);
}

/// The largest lane: halves of vectors are compared, then halves of what they hold.
template <class Element, int kBytes, class V>
[[gnu::always_inline]] inline Element largest_element(V v) {
  if constexpr (kBytes > 16) {
    typedef Element Half __attribute__((vector_size(kBytes / 2)));
    Half low, high;
    std::memcpy(&low, &v, kBytes / 2);
    std::memcpy(&high, reinterpret_cast<const char*>(&v) + kBytes / 2, kBytes / 2);
    return largest_element<Element, kBytes / 2>(larger_of(high, low));
  } else {
    constexpr size_t kLanes = kBytes / sizeof(Element);
    constexpr std::make_index_sequence<kLanes> kAll;
    if constexpr (kLanes > 8) v = larger_of(v, rotated<8>(v, kAll));
    if constexpr (kLanes > 4) v = larger_of(v, rotated<4>(v, kAll));
    if constexpr (kLanes > 2) v = larger_of(v, rotated<2>(v, kAll));
    return larger_of(v, rotated<1>(v, kAll))[0];
  }
}

template <class T, int kBytes>
[[gnu::always_inline]] inline KeyOf<T> largest_lane(typename Vectors<T, kBytes>::Keys keys) {
  return largest_element<KeyOf<T>, kBytes>(keys);
}

template <class Element, int kBytes, class V>
[[gnu::always_inline]] inline int64_t smallest_element(V v) {
  return static_cast<Element>(~largest_element<Element, kBytes>(~v));
}

template <class T, int kBytes>
[[gnu::always_inline]] inline int64_t smallest_lane(typename Vectors<T, kBytes>::Mask numbers) {
  return smallest_element<MaskOf<KeyOf<T>>, kBytes>(numbers);
}

/// Lanes have numbers of vectors, less than 127, which follow one another; but vector `last` begins
/// `overlap` lanes before the end of the one before it. The first position.
template <class T, int kBytes>
[[gnu::always_inline]] inline int64_t smallest_position(typename Vectors<T, kBytes>::Mask numbers,
                                                        int64_t last, int64_t overlap) {
  constexpr auto kLanes = static_cast<int16_t>(Vectors<T, kBytes>::kLanes);
  // Positions do not fit a byte: handle even and odd lanes one after the other.
  constexpr bool kIsByte = sizeof(KeyOf<T>) == 1;
  using M = std::conditional_t<kIsByte, int16_t, MaskOf<KeyOf<T>>>;
  typedef M Positions __attribute__((vector_size(kBytes)));
  Positions lane;
  for (int64_t i = 0; i < kBytes / static_cast<int64_t>(sizeof(M)); ++i)
    lane[i] = static_cast<M>(kIsByte ? 2 * i : i);
  const Positions is_last = (Positions){} + static_cast<M>(last);
  const Positions back = (Positions){} + static_cast<M>(overlap);
  auto even = (Positions)numbers, odd = even;
  if constexpr (kIsByte) even &= 127;
  even = even * kLanes + lane - ((even == is_last) & back);
  if constexpr (kIsByte) {
    odd >>= 8;
    odd = odd * kLanes + lane + 1 - ((odd == is_last) & back);
    even = even < odd ? even : odd;
  }
  return smallest_element<M, kBytes>(even);
}

}  // namespace tenon
