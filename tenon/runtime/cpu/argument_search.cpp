#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "tenon/base/cpu.h"
#include "tenon/runtime/cpu/argument.h"

// Vectors are a language extension of GCC and Clang; each function that uses them is made once for
// every width, with the instructions of that width.

#pragma GCC diagnostic ignored "-Wpsabi"  // all functions that take vectors are inlined

namespace tenon {

namespace {

constexpr int64_t kColumns = kSearchedColumns;

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
template <class T>
constexpr bool kIsHalf = !std::is_same_v<KeyOf<T>, T>;
/// Integers of the size of a key, as comparisons of vectors give them.
template <class K>
using MaskOf =
    std::conditional_t<sizeof(K) == 1, int8_t,
                       std::conditional_t<sizeof(K) == 2, int16_t,
                                          std::conditional_t<sizeof(K) == 4, int32_t, int64_t>>>;

/// Keys from the bits of elements; V is a key or a vector of them.
template <class T, bool kLargest, class V>
[[gnu::always_inline]] inline V key_of(V x) {
  if constexpr (kIsHalf<T>) {
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

/// The first position of the extremum of a short line.
template <class T, bool kLargest>
[[gnu::always_inline]] inline int64_t search_one_by_one(const T* x, int64_t count) {
  int64_t best = 0;
  KeyOf<T> of_best = key_at<T, kLargest>(x);
  for (int64_t i = 1; i < count; ++i) {
    KeyOf<T> key = key_at<T, kLargest>(x + i);
    if (!wins(key, of_best)) continue;
    of_best = key;
    best = i;
  }
  return best;
}

template <class T, int kBytes>
struct Vectors {
  typedef KeyOf<T> Keys __attribute__((vector_size(kBytes)));
  typedef MaskOf<KeyOf<T>> Mask __attribute__((vector_size(kBytes)));
  typedef int64_t Words __attribute__((vector_size(kBytes)));
  static constexpr int64_t kLanes = kBytes / static_cast<int64_t>(sizeof(KeyOf<T>));
  /// A step takes several vectors, which do not wait for each other.
  static constexpr int64_t kPerStep = 4, kStep = kLanes * kPerStep, kBlock = 16 * kStep;
};

template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline typename Vectors<T, kBytes>::Keys keys_at(const T* x) {
  typename Vectors<T, kBytes>::Keys bits;
  std::memcpy(&bits, x, kBytes);
  return key_of<T, kLargest, typename Vectors<T, kBytes>::Keys>(bits);
}

template <class T, int kBytes>
[[gnu::always_inline]] inline bool any_of(typename Vectors<T, kBytes>::Mask mask) {
  auto words = (typename Vectors<T, kBytes>::Words)mask;
  int64_t any = 0;
  for (size_t i = 0; i < kBytes / sizeof(int64_t); ++i) any |= words[i];
  return any != 0;
}

/// The largest of all lanes; pairs of them do not wait for each other.
template <class T, int kBytes>
[[gnu::always_inline]] inline KeyOf<T> largest_lane(typename Vectors<T, kBytes>::Keys keys) {
  constexpr int64_t kLanes = Vectors<T, kBytes>::kLanes;
  KeyOf<T> lanes[kLanes];
  std::memcpy(lanes, &keys, kBytes);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i)
      lanes[i] = lanes[i + half] > lanes[i] ? lanes[i + half] : lanes[i];
  }
  return lanes[0];
}

/// The largest key of some steps; false where there is NaN.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline bool largest_key(const T* x, int64_t steps, KeyOf<T>& result) {
  using V = Vectors<T, kBytes>;
  typename V::Keys largest[V::kPerStep];
  typename V::Mask bad = {};
  for (int64_t v = 0; v < V::kPerStep; ++v) {
    largest[v] = keys_at<T, kLargest, kBytes>(x + v * V::kLanes);
    if constexpr (Key<T>::kHasNaN) bad |= largest[v] != largest[v];
  }
  for (int64_t i = V::kStep; i < steps * V::kStep; i += V::kStep) {
    for (int64_t v = 0; v < V::kPerStep; ++v) {
      auto key = keys_at<T, kLargest, kBytes>(x + i + v * V::kLanes);
      if constexpr (Key<T>::kHasNaN) bad |= key != key;
      largest[v] = key > largest[v] ? key : largest[v];
    }
  }
  if (Key<T>::kHasNaN && any_of<T, kBytes>(bad)) return false;
  for (int64_t v = 1; v < V::kPerStep; ++v)
    largest[0] = largest[v] > largest[0] ? largest[v] : largest[0];
  result = largest_lane<T, kBytes>(largest[0]);
  return true;
}

/// Where a key is that is somewhere in some steps.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline int64_t find_key(const T* x, KeyOf<T> wanted) {
  using V = Vectors<T, kBytes>;
  int64_t at = 0;
  for (;; at += V::kStep) {
    typename V::Mask hit = {};
    for (int64_t v = 0; v < V::kPerStep; ++v)
      hit |= keys_at<T, kLargest, kBytes>(x + at + v * V::kLanes) == wanted;
    if (any_of<T, kBytes>(hit)) break;
  }
  while (!any_of<T, kBytes>(keys_at<T, kLargest, kBytes>(x + at) == wanted)) at += V::kLanes;
  while (key_at<T, kLargest>(x + at) != wanted) ++at;
  return at;
}

/// Blocks of a line are searched for their extremum alone; only the one that has the line's is
/// searched for its position.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline int64_t search_line(const T* x, int64_t count) {
  using V = Vectors<T, kBytes>;
  if (count < V::kStep) return search_one_by_one<T, kLargest>(x, count);
  int64_t best_block = -1;
  KeyOf<T> best = {};
  for (int64_t start = 0; start < count;) {
    // The last step may take again what the one before it did.
    start = std::min(start, count - V::kStep);
    int64_t steps = std::min<int64_t>(16, (count - start) / V::kStep);
    KeyOf<T> key;
    if (!largest_key<T, kLargest, kBytes>(x + start, steps, key))
      return start + search_one_by_one<T, kLargest>(x + start, steps * V::kStep);
    if (best_block < 0 || key > best) {
      best = key;
      best_block = start;
    }
    start += steps * V::kStep;
  }
  return best_block + find_key<T, kLargest, kBytes>(x + best_block, best);
}

/// Row by row, with the keys so far in memory.
template <class T, bool kLargest>
[[gnu::always_inline]] inline void search_few_columns(const T* x, int64_t rows, int64_t stride,
                                                      int64_t width, int64_t* found) {
  std::array<KeyOf<T>, static_cast<size_t>(kColumns)> best;
  for (int64_t c = 0; c < width; ++c) {
    best[static_cast<size_t>(c)] = key_at<T, kLargest>(x + c);
    found[c] = 0;
  }
  for (int64_t i = 1; i < rows; ++i) {
    for (int64_t c = 0; c < width; ++c) {
      KeyOf<T> key = key_at<T, kLargest>(x + i * stride + c);
      if (!wins(key, best[static_cast<size_t>(c)])) continue;
      best[static_cast<size_t>(c)] = key;
      found[c] = i;
    }
  }
}

/// The keys of the extrema of neighbouring columns so far, and the rows that they are in.
template <class T>
struct Leaders {
  alignas(64) std::array<KeyOf<T>, static_cast<size_t>(kColumns)> keys;
  alignas(64) std::array<MaskOf<KeyOf<T>>, static_cast<size_t>(kColumns)> rows;
};

/// Rows [first, last) of columns that fill some steps, a few rows of a step at a time; false where
/// there is NaN. Row 0 is that of the leaders when `first` is 0.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline bool lead(const T* x, int64_t first, int64_t last, int64_t stride,
                                        int64_t width, Leaders<T>& leaders) {
  using V = Vectors<T, kBytes>;
  using M = MaskOf<KeyOf<T>>;
  typename V::Mask bad = {};
  for (int64_t column = 0; column < width; column += V::kStep) {
    typename V::Keys best[V::kPerStep];
    typename V::Mask row_of[V::kPerStep];
    std::memcpy(best, leaders.keys.data() + column, sizeof(best));
    std::memcpy(row_of, leaders.rows.data() + column, sizeof(row_of));
    for (int64_t i = first; i < last; ++i) {
      typename V::Mask row = (typename V::Mask){} + static_cast<M>(i);
      for (int64_t v = 0; v < V::kPerStep; ++v) {
        auto key = keys_at<T, kLargest, kBytes>(x + i * stride + column + v * V::kLanes);
        if constexpr (Key<T>::kHasNaN) bad |= key != key;
        row_of[v] = key > best[v] ? row : row_of[v];
        best[v] = key > best[v] ? key : best[v];
      }
    }
    std::memcpy(leaders.keys.data() + column, best, sizeof(best));
    std::memcpy(leaders.rows.data() + column, row_of, sizeof(row_of));
  }
  return !Key<T>::kHasNaN || !any_of<T, kBytes>(bad);
}

/// Rows are taken in chunks whose numbers fit an integer of the key's size.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline void search_columns(const T* x, int64_t rows, int64_t stride,
                                                  int64_t width, int64_t* found) {
  using V = Vectors<T, kBytes>;
  constexpr int64_t kChunk = sizeof(KeyOf<T>) == 1 ? 120 : 30000, kTogether = 8;
  int64_t whole = width / V::kStep * V::kStep;
  Leaders<T> leaders;
  for (int64_t start = 0; whole > 0 && start < rows; start += kChunk) {
    const T* from = x + start * stride;
    int64_t count = std::min(kChunk, rows - start);
    for (int64_t c = 0; c < whole; ++c)
      leaders.keys[static_cast<size_t>(c)] = key_at<T, kLargest>(from + c);
    leaders.rows.fill(0);
    for (int64_t i = 0; i < count; i += kTogether) {
      int64_t last = std::min(count, i + kTogether);
      if (lead<T, kLargest, kBytes>(from, i, last, stride, whole, leaders)) continue;
      return search_few_columns<T, kLargest>(x, rows, stride, width, found);
    }
    for (int64_t c = 0; c < whole; ++c) {
      int64_t here = start + leaders.rows[static_cast<size_t>(c)];
      bool is_first = start == 0 || wins(leaders.keys[static_cast<size_t>(c)],
                                         key_at<T, kLargest>(x + found[c] * stride + c));
      if (is_first) found[c] = here;
    }
  }
  if (whole < width)
    search_few_columns<T, kLargest>(x + whole, rows, stride, width - whole, found + whole);
}

#if defined(__x86_64__)
#define TENON_WIDE [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]]
#define TENON_MIDDLE [[gnu::target("avx2")]]

template <class T, bool kLargest>
TENON_WIDE int64_t line_of_64(const T* x, int64_t count) {
  return search_line<T, kLargest, 64>(x, count);
}
template <class T, bool kLargest>
TENON_WIDE void columns_of_64(const T* x, int64_t rows, int64_t stride, int64_t width,
                              int64_t* found) {
  search_columns<T, kLargest, 64>(x, rows, stride, width, found);
}
template <class T, bool kLargest>
TENON_MIDDLE int64_t line_of_32(const T* x, int64_t count) {
  return search_line<T, kLargest, 32>(x, count);
}
template <class T, bool kLargest>
TENON_MIDDLE void columns_of_32(const T* x, int64_t rows, int64_t stride, int64_t width,
                                int64_t* found) {
  search_columns<T, kLargest, 32>(x, rows, stride, width, found);
}
#endif

template <class T, bool kLargest>
int64_t line_of_16(const T* x, int64_t count) {
  return search_line<T, kLargest, 16>(x, count);
}
template <class T, bool kLargest>
void columns_of_16(const T* x, int64_t rows, int64_t stride, int64_t width, int64_t* found) {
  search_columns<T, kLargest, 16>(x, rows, stride, width, found);
}

}  // namespace

template <class T, bool kLargest>
ExtremumSearch<T> extremum_search() {
#if defined(__x86_64__)
  const CpuInfo& cpu = cpu_info();
  bool wide =
      cpu.has("avx512f") && cpu.has("avx512bw") && cpu.has("avx512dq") && cpu.has("avx512vl");
  if (wide) return {line_of_64<T, kLargest>, columns_of_64<T, kLargest>};
  if (cpu.has("avx2")) return {line_of_32<T, kLargest>, columns_of_32<T, kLargest>};
#endif
  return {line_of_16<T, kLargest>, columns_of_16<T, kLargest>};
}

#define TENON_FOR_ELEMENT(T)                             \
  template ExtremumSearch<T> extremum_search<T, true>(); \
  template ExtremumSearch<T> extremum_search<T, false>();
TENON_FOR_ELEMENT(uint8_t)
TENON_FOR_ELEMENT(int8_t)
TENON_FOR_ELEMENT(int32_t)
TENON_FOR_ELEMENT(int64_t)
TENON_FOR_ELEMENT(HalfFloat)
TENON_FOR_ELEMENT(BrainFloat)
TENON_FOR_ELEMENT(float)
TENON_FOR_ELEMENT(double)
#undef TENON_FOR_ELEMENT

}  // namespace tenon
