// The search for the first extremum of contiguous lines and of columns, in the widest vectors of
// this processor. NaN is beyond every number, and the first of equal elements wins.
//
//   given: const float* x; int64_t n; int32_t at;
//   ExtremumSearch<float> search = extremum_search<float, /*largest=*/true>();
//   search.lines(x, /*lines=*/1, n, &at);
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tenon/runtime/cpu/elements.h"

namespace tenon {

/// The maximum number of columns that are searched together.
constexpr int64_t kSearchedColumns = 2048;

// How an element is compared: `Key` is an element that hardware orders, a larger one wins. Of f16
// and bf16 it is an integer, in which NaN is the largest of all.
template <class T>
struct Key {
  using Type = T;
  static constexpr bool kHasNaN = std::is_floating_point_v<T>;
};
template <>
struct Key<HalfFloat> {
  using Type = int16_t;
  static constexpr bool kHasNaN = false;
  static constexpr int16_t kInfinity = 0x7c00;
};
template <>
struct Key<BrainFloat> {
  using Type = int16_t;
  static constexpr bool kHasNaN = false;
  static constexpr int16_t kInfinity = 0x7f80;
};

template <class T>
using KeyOf = typename Key<T>::Type;

/// Keys from the bits of elements; V is a key or a vector of them.
template <class T, bool kLargest, class V>
[[gnu::always_inline]] inline V key_of(V x) {
  if constexpr (!std::is_same_v<KeyOf<T>, T>) {
    auto magnitude = static_cast<V>(x & static_cast<int16_t>(0x7fff));
    auto sign = static_cast<V>(x >> 15);
    if constexpr (!kLargest) sign = static_cast<V>(~sign);
    auto ordered = static_cast<V>((magnitude ^ sign) - sign);
    auto last = static_cast<V>((x ^ x) + static_cast<int16_t>(0x7fff));
    return magnitude > Key<T>::kInfinity ? last : ordered;
  } else if constexpr (kLargest) {
    return x;
  } else if constexpr (std::is_floating_point_v<KeyOf<T>>) {
    return -x;
  } else {
    return static_cast<V>(~x);
  }
}

template <class T, bool kLargest>
[[gnu::always_inline]] inline KeyOf<T> key_at(const T* x) {
  KeyOf<T> bits;
  std::memcpy(&bits, x, sizeof(bits));
  return static_cast<KeyOf<T>>(key_of<T, kLargest, KeyOf<T>>(bits));
}

template <class K>
[[gnu::always_inline]] inline bool wins(K later, K earlier) {
  if constexpr (std::is_floating_point_v<K>) return !(later <= earlier) && earlier == earlier;
  return later > earlier;
}

template <class T>
struct ExtremumSearch {
  /// The position in each line of x[lines, count], 0 < count < 2^31.
  void (*lines)(const T* x, int64_t lines, int64_t count, int32_t* found);
  /// The row and the key, for each of `width` columns of x[rows, stride]; 0 < rows < 2^31,
  /// width <= kSearchedColumns.
  void (*columns)(const T* x, int64_t rows, int64_t stride, int64_t width, int32_t* found,
                  KeyOf<T>* keys);
};

/// For every element type of with_element_type.
template <class T, bool kLargest>
ExtremumSearch<T> extremum_search();

}  // namespace tenon
