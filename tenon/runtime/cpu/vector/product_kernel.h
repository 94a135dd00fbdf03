// Products that are kept in registers: Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008).
#pragma once

#include "tenon/runtime/cpu/vector/lanes.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"

namespace tenon {
namespace {

constexpr int kPanelVectors = 2;
constexpr int kPanel = kPanelVectors * kLanes;
/// 12 sums in 16 registers, 24 in 32.
constexpr int kRows = kLanes == 16 ? 12 : 6;

/// Steps through rows of `a` that are `step` apart, with an address for every three of them.
template <int kCount>
struct RowPointers {
  static constexpr int kGroups = (kCount + 2) / 3;
  RowPointers(const float* a, int64_t step) : step_(step) {
    for (int64_t g = 0; g < kGroups; ++g) at_[g] = a + 3 * g * step;
  }
  [[gnu::always_inline]] float get(int row, int64_t l) const {
    return at_[row / 3][row % 3 * step_ + l];
  }
  const float* at_[kGroups];
  int64_t step_;
};

template <int kCount, int kVectors, bool kTransposed>
[[gnu::always_inline]] inline void multiply(const ProductBlock& p, const float* a, const float* b,
                                            Vector (&sum)[kCount][kVectors]) {
  const RowPointers<kCount> rows(a, p.a_row);
  for (int64_t l = 0; l < p.inner; ++l) {
    Vector right[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) right[v] = load(b + l * kPanel + v * kLanes);
    for (int r = 0; r < kCount; ++r) {
      const Vector left = broadcast(kTransposed ? a[l * p.a_inner + r] : rows.get(r, l));
      for (int v = 0; v < kVectors; ++v) sum[r][v] += left * right[v];
    }
  }
}

/// `last` is how many lanes of the last vector are columns of c.
template <int kCount, int kVectors, bool kTransposed>
void product_tile(const ProductBlock& p, const float* a, const float* b, float* c, int64_t last) {
  Vector sum[kCount][kVectors] = {};
  multiply<kCount, kVectors, kTransposed>(p, a, b, sum);
  for (int r = 0; r < kCount; ++r, c += p.c_row) {
    for (int64_t v = 0; v < kVectors; ++v) {
      float* const to = c + v * kLanes;
      if (v + 1 < kVectors || last == kLanes) {
        store(to, p.add ? load(to) + sum[r][v] : sum[r][v]);
      } else {
        store(to, p.add ? load(to, last) + sum[r][v] : sum[r][v], last);
      }
    }
  }
}

template <int kCount, bool kTransposed>
void product_rows(const ProductBlock& p, const float* a, const float* b, float* c,
                  int64_t columns) {
  const int64_t last = (columns - 1) % kLanes + 1;
  if (columns > kLanes) {
    product_tile<kCount, 2, kTransposed>(p, a, b, c, last);
  } else {
    product_tile<kCount, 1, kTransposed>(p, a, b, c, last);
  }
}

/// With `count` rows, kRows at most.
template <int kCount, bool kTransposed>
void product_group(int64_t count, const ProductBlock& p, const float* a, const float* b, float* c,
                   int64_t columns) {
  if constexpr (kCount > 0) {
    if (count == kCount) {
      product_rows<kCount, kTransposed>(p, a, b, c, columns);
    } else {
      product_group<kCount - 1, kTransposed>(count, p, a, b, c, columns);
    }
  }
}

template <bool kTransposed>
void product_blocks(const ProductBlock& p) {
  // Groups of nearly the same size: a last one of few rows would wait for its own sums.
  const int64_t groups = (p.rows + kRows - 1) / kRows;
  const float* b = p.b;
  for (int64_t column = 0; column < p.columns; column += kPanel, b += p.panel_step) {
    const int64_t columns = p.columns - column < kPanel ? p.columns - column : kPanel;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t row = p.rows * group / groups, end = p.rows * (group + 1) / groups;
      product_group<kRows, kTransposed>(end - row, p, p.a + row * p.a_row, b,
                                        p.c + row * p.c_row + column, columns);
    }
  }
}

inline void product(const ProductBlock& p) {
  p.a_inner == 1 ? product_blocks<false>(p) : product_blocks<true>(p);
}

}  // namespace
}  // namespace tenon
