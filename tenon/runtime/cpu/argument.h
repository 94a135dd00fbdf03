// The search for the first extremum of contiguous lines and of columns, in vectors as wide as this
// processor has. NaN is beyond every number, and the first of equal ones wins.
//
//   given: const float* x; int64_t n;
//   ExtremumSearch<float> search = extremum_search<float, /*largest=*/true>();
//   int64_t at = search.line(x, n);
#pragma once

#include <cstdint>

#include "tenon/runtime/cpu/elements.h"

namespace tenon {

/// How many columns are searched together, at most.
constexpr int64_t kSearchedColumns = 512;

template <class T>
struct ExtremumSearch {
  /// The position in x[count], count > 0.
  int64_t (*line)(const T* x, int64_t count);
  /// The row, for each of `width` columns of x[rows, stride], rows > 0, width <= kSearchedColumns.
  void (*columns)(const T* x, int64_t rows, int64_t stride, int64_t width, int64_t* found);
};

/// For every element type of with_element_type.
template <class T, bool kLargest>
ExtremumSearch<T> extremum_search();

/// Whether `later` takes the place of `earlier`.
template <class T, bool kLargest>
bool beats(T later, T earlier) {
  auto a = widen(later), b = widen(earlier);
  if (a != a || b != b) return b == b;
  return kLargest ? a > b : a < b;
}

}  // namespace tenon
