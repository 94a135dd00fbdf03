// Each function that uses vectors is made once for every width, with the instructions of that
// width.
#pragma GCC diagnostic ignored "-Wpsabi"  // all functions that take vectors are inlined
// GCC 12 does not see that a tile is at least as wide as the vectors that it is searched with.
#pragma GCC diagnostic ignored "-Warray-bounds"

#include <algorithm>
#include <array>

#include "tenon/base/cpu.h"
#include "tenon/runtime/cpu/argument.h"
#include "tenon/runtime/cpu/argument_vectors.h"

namespace tenon {

namespace {

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

/// The largest keys of a block, lane by lane. The last vector may begin before the one before it
/// ends. The sum of all keys is NaN where one is, or where infinities cancel.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline typename Vectors<T, kBytes>::Keys largest_keys(
    const T* x, int64_t size, typename Vectors<T, kBytes>::Keys& sum) {
  constexpr int64_t kLanes = Vectors<T, kBytes>::kLanes;
  auto a = keys_at<T, kLargest, kBytes>(x + std::min<int64_t>(0, size - kLanes));
  auto b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * kLanes <= size; i += 4 * kLanes) {
    auto at_a = keys_at<T, kLargest, kBytes>(x + i);
    auto at_b = keys_at<T, kLargest, kBytes>(x + i + kLanes);
    auto at_c = keys_at<T, kLargest, kBytes>(x + i + 2 * kLanes);
    auto at_d = keys_at<T, kLargest, kBytes>(x + i + 3 * kLanes);
    if constexpr (Key<T>::kHasNaN) sum += (at_a + at_b) + (at_c + at_d);
    a = larger_of(at_a, a), b = larger_of(at_b, b);
    c = larger_of(at_c, c), d = larger_of(at_d, d);
  }
  for (; i < size; i += kLanes) {
    auto key = keys_at<T, kLargest, kBytes>(x + std::min(i, size - kLanes));
    if constexpr (Key<T>::kHasNaN) sum += key;
    a = larger_of(key, a);
  }
  return larger_of(larger_of(a, b), larger_of(c, d));
}

/// Where a key is first that is somewhere in a block. Without branches that depend on where:
/// mispredicted, they would cost more than the search.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline int64_t find_key(const T* x, int64_t size, KeyOf<T> wanted) {
  using V = Vectors<T, kBytes>;
  using M = MaskOf<KeyOf<T>>;
  const int64_t last = (size - 1) / V::kLanes, overlap = (last + 1) * V::kLanes - size;
  auto number = (typename V::Mask){} + static_cast<M>(last);
  typename V::Mask first =
      keys_at<T, kLargest, kBytes>(x + size - V::kLanes) == wanted ? number : number + 1;
  for (int64_t at = (last - 1) * V::kLanes; at >= 0; at -= V::kLanes) {
    number -= 1;
    first = keys_at<T, kLargest, kBytes>(x + at) == wanted ? number : first;
  }
  return smallest_position<T, kBytes>(first, last, overlap);
}

/// The first NaN of a line, or -1.
template <class T, int kBytes>
[[gnu::always_inline]] inline int64_t find_nan(const T* x, int64_t count) {
  using V = Vectors<T, kBytes>;
  int64_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) {
    auto key = keys_at<T, true, kBytes>(x + i);
    if (any_of<T, kBytes>(key != key)) break;
  }
  for (; i < count; ++i) {
    if (x[i] != x[i]) return i;
  }
  return -1;
}

/// Blocks of a line are searched for their extremum alone; only the first that has the line's is
/// searched for its position. Which block has the extremum is known for each lane; blocks are
/// counted in chunks whose numbers fit a lane.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline int64_t search_line(const T* x, int64_t count) {
  using V = Vectors<T, kBytes>;
  if (count < V::kLanes) {
    if constexpr (kBytes > 16)
      return search_line<T, kLargest, kBytes / 2>(x, count);
    else
      return search_one_by_one<T, kLargest>(x, count);
  }
  constexpr int64_t kBlock = 16 * V::kLanes,
                    kChunk = (sizeof(KeyOf<T>) == 1 ? 120 : 30000) * kBlock;
  int64_t best_block = -1;
  KeyOf<T> best_key = {};
  for (int64_t start = 0; start < count; start += kChunk) {
    int64_t end = std::min(count, start + kChunk);
    auto best = keys_at<T, kLargest, kBytes>(x + std::min(start, count - V::kLanes));
    typename V::Mask block_of = {}, number = {};
    typename V::Keys sum = {};
    int64_t at = start;
    for (; at + kBlock <= end; at += kBlock, number += 1) {
      auto keys = largest_keys<T, kLargest, kBytes>(x + at, kBlock, sum);
      block_of = keys > best ? number : block_of;
      best = larger_of(keys, best);
    }
    if (at < end) {
      auto keys = largest_keys<T, kLargest, kBytes>(x + at, end - at, sum);
      block_of = keys > best ? number : block_of;
      best = larger_of(keys, best);
    }
    if constexpr (Key<T>::kHasNaN) {
      if (any_of<T, kBytes>(sum != sum)) {
        int64_t nan = find_nan<T, kBytes>(x + start, end - start);
        if (nan >= 0) return start + nan;
      }
    }
    KeyOf<T> key = largest_lane<T, kBytes>(best);
    if (best_block >= 0 && !(key > best_key)) continue;
    best_key = key;
    best_block = start;
    if (end - start > kBlock)
      best_block += kBlock * smallest_lane<T, kBytes>(best == key ? block_of : V::none());
  }
  // What comes before the block has no such key, so that all searches are equally long.
  int64_t size = std::min(kBlock, count);
  best_block = std::min(best_block, count - size);
  return best_block + find_key<T, kLargest, kBytes>(x + best_block, size, best_key);
}

/// Row by row, with the keys so far in memory.
template <class T, bool kLargest>
[[gnu::always_inline]] inline void search_few_columns(const T* x, int64_t rows, int64_t stride,
                                                      int64_t width, int32_t* found,
                                                      KeyOf<T>* keys) {
  for (int64_t c = 0; c < width; ++c) {
    keys[c] = key_at<T, kLargest>(x + c);
    found[c] = 0;
  }
  for (int64_t i = 1; i < rows; ++i) {
    for (int64_t c = 0; c < width; ++c) {
      KeyOf<T> key = key_at<T, kLargest>(x + i * stride + c);
      if (!wins(key, keys[c])) continue;
      keys[c] = key;
      found[c] = static_cast<int32_t>(i);
    }
  }
}

template <class T>
using RowOf = std::make_unsigned_t<MaskOf<KeyOf<T>>>;

/// The keys of the extrema of neighbouring columns so far, and the rows that they are in.
template <class T>
struct Leaders {
  alignas(64) std::array<KeyOf<T>, static_cast<size_t>(kSearchedColumns)> keys;
  alignas(64) std::array<RowOf<T>, static_cast<size_t>(kSearchedColumns)> rows;
};

/// A vector of columns and what leads it so far.
template <class T, bool kLargest, int kBytes>
struct Column {
  using V = Vectors<T, kBytes>;
  typename V::Keys best, sum;
  typename V::Rows row_of;

  [[gnu::always_inline]] Column(const Leaders<T>& leaders, int64_t column) : sum{} {
    std::memcpy(&best, leaders.keys.data() + column, kBytes);
    std::memcpy(&row_of, leaders.rows.data() + column, kBytes);
  }
  [[gnu::always_inline]] void meet(const T* x, typename V::Rows row) {
    auto key = keys_at<T, kLargest, kBytes>(x);
    if constexpr (Key<T>::kHasNaN) sum += key;
    row_of = key > best ? row : row_of;
    best = larger_of(key, best);
  }
  [[gnu::always_inline]] void store(Leaders<T>& leaders, int64_t column) const {
    std::memcpy(leaders.keys.data() + column, &best, kBytes);
    std::memcpy(leaders.rows.data() + column, &row_of, kBytes);
  }
};

/// Rows [first, last) of `width` columns, at least a vector of them, a few rows of some vectors at
/// a time; false where there may be NaN. Row 0 is that of the leaders when `first` is 0.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline bool lead(const T* x, int64_t first, int64_t last, int64_t stride,
                                        int64_t width, Leaders<T>& leaders) {
  using V = Vectors<T, kBytes>;
  using C = Column<T, kLargest, kBytes>;
  constexpr int64_t kLanes = V::kLanes;
  const auto first_row = (typename V::Rows){} + static_cast<RowOf<T>>(first);
  typename V::Keys sum = {};
  int64_t column = 0;
  for (; column + 4 * kLanes <= width; column += 4 * kLanes) {
    C a(leaders, column), b(leaders, column + kLanes), c(leaders, column + 2 * kLanes),
        d(leaders, column + 3 * kLanes);
    auto row = first_row;
    for (int64_t i = first; i < last; ++i, row += 1) {
      const T* from = x + i * stride + column;
      a.meet(from, row), b.meet(from + kLanes, row);
      c.meet(from + 2 * kLanes, row), d.meet(from + 3 * kLanes, row);
    }
    a.store(leaders, column), b.store(leaders, column + kLanes);
    c.store(leaders, column + 2 * kLanes), d.store(leaders, column + 3 * kLanes);
    if constexpr (Key<T>::kHasNaN) sum += (a.sum + b.sum) + (c.sum + d.sum);
  }
  for (; column < width; column += kLanes) {
    // The last vector may meet again what the one before it did.
    int64_t at = std::min(column, width - kLanes);
    C a(leaders, at);
    auto row = first_row;
    for (int64_t i = first; i < last; ++i, row += 1) a.meet(x + i * stride + at, row);
    a.store(leaders, at);
    if constexpr (Key<T>::kHasNaN) sum += a.sum;
  }
  return !Key<T>::kHasNaN || !any_of<T, kBytes>(sum != sum);
}

template <class T, int kBytes>
[[gnu::always_inline]] inline bool has_nan(const T* x, int64_t rows, int64_t stride,
                                           int64_t width) {
  for (int64_t i = 0; i < rows; ++i) {
    if (find_nan<T, kBytes>(x + i * stride, width) >= 0) return true;
  }
  return false;
}

/// Rows are taken in chunks whose numbers fit an integer of the key's size.
template <class T, bool kLargest, int kBytes>
[[gnu::always_inline]] inline void search_columns(const T* x, int64_t rows, int64_t stride,
                                                  int64_t width, int32_t* found, KeyOf<T>* keys) {
  if (width < Vectors<T, kBytes>::kLanes) {
    if constexpr (kBytes > 16)
      return search_columns<T, kLargest, kBytes / 2>(x, rows, stride, width, found, keys);
    else
      return search_few_columns<T, kLargest>(x, rows, stride, width, found, keys);
  }
  constexpr int64_t kChunk = sizeof(KeyOf<T>) == 1 ? 256 : 65536, kTogether = 8;
  Leaders<T> leaders;
  for (int64_t start = 0; start < rows; start += kChunk) {
    const T* from = x + start * stride;
    const int64_t count = std::min(kChunk, rows - start);
    for (int64_t c = 0; c < width; ++c)
      leaders.keys[static_cast<size_t>(c)] = key_at<T, kLargest>(from + c);
    std::fill_n(leaders.rows.data(), width, RowOf<T>{});
    for (int64_t i = 0; i < count; i += kTogether) {
      const int64_t last = std::min(count, i + kTogether);
      if (lead<T, kLargest, kBytes>(from, i, last, stride, width, leaders)) continue;
      if constexpr (Key<T>::kHasNaN) {
        if (has_nan<T, kBytes>(from + i * stride, last - i, stride, width))
          return search_few_columns<T, kLargest>(x, rows, stride, width, found, keys);
      }
    }
    for (int64_t c = 0; c < width; ++c) {
      const KeyOf<T> key = leaders.keys[static_cast<size_t>(c)];
      if (start > 0 && !wins(key, keys[c])) continue;
      keys[c] = key;
      found[c] = static_cast<int32_t>(start + leaders.rows[static_cast<size_t>(c)]);
    }
  }
}

// One function of every kind for each width, with the instructions that it takes.
#define TENON_FOR_WIDTH(kBytes, TARGET)                                                        \
  template <class T, bool kLargest>                                                            \
  TARGET void lines_of_##kBytes(const T* x, int64_t lines, int64_t count, int32_t* found) {    \
    for (int64_t i = 0; i < lines; ++i)                                                        \
      found[i] = static_cast<int32_t>(search_line<T, kLargest, kBytes>(x + i * count, count)); \
  }                                                                                            \
  template <class T, bool kLargest>                                                            \
  TARGET void columns_of_##kBytes(const T* x, int64_t rows, int64_t stride, int64_t width,     \
                                  int32_t* found, KeyOf<T>* keys) {                            \
    search_columns<T, kLargest, kBytes>(x, rows, stride, width, found, keys);                  \
  }
TENON_FOR_WIDTH(16, )
#if defined(__x86_64__)
TENON_FOR_WIDTH(32, [[gnu::target("avx2")]])
TENON_FOR_WIDTH(64, [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]])
#endif
#undef TENON_FOR_WIDTH

}  // namespace

template <class T, bool kLargest>
ExtremumSearch<T> extremum_search() {
#if defined(__x86_64__)
  const CpuInfo& cpu = cpu_info();
  bool wide =
      cpu.has("avx512f") && cpu.has("avx512bw") && cpu.has("avx512dq") && cpu.has("avx512vl");
  if (wide) return {lines_of_64<T, kLargest>, columns_of_64<T, kLargest>};
  if (cpu.has("avx2")) return {lines_of_32<T, kLargest>, columns_of_32<T, kLargest>};
#endif
  return {lines_of_16<T, kLargest>, columns_of_16<T, kLargest>};
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
