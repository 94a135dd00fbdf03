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
    for (int g = 0; g < kGroups; ++g) at_[g] = a + 3 * g * step;
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
    for (int v = 0; v < kVectors; ++v) right[v] = load(b + l * kPanel + v * kLanes);
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
    for (int v = 0; v < kVectors; ++v) {
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

/// The last rows, fewer than kRows.
template <int kCount, bool kTransposed>
void product_rest(int64_t count, const ProductBlock& p, const float* a, const float* b, float* c,
                  int64_t columns) {
  if constexpr (kCount > 0) {
    if (count == kCount) {
      product_rows<kCount, kTransposed>(p, a, b, c, columns);
    } else {
      product_rest<kCount - 1, kTransposed>(count, p, a, b, c, columns);
    }
  }
}

template <bool kTransposed>
void product_panels(const ProductBlock& p) {
  const float* b = p.b;
  for (int64_t j = 0; j < p.columns; j += kPanel, b += p.panel_step) {
    const int64_t columns = p.columns - j < kPanel ? p.columns - j : kPanel;
    int64_t i = 0;
    for (; i + kRows <= p.rows; i += kRows) {
      product_rows<kRows, kTransposed>(p, p.a + i * p.a_row, b, p.c + i * p.c_row + j, columns);
    }
    product_rest<kRows - 1, kTransposed>(p.rows - i, p, p.a + i * p.a_row, b, p.c + i * p.c_row + j,
                                         columns);
  }
}

void product(const ProductBlock& p) {
  p.a_inner == 1 ? product_panels<false>(p) : product_panels<true>(p);
}

void pack(int64_t inner, int64_t columns, const float* b, int64_t inner_step, int64_t column_step,
          float* panels, int64_t panel_step) {
  for (int64_t j = 0; j < columns; j += kPanel, panels += panel_step) {
    const int64_t count = columns - j < kPanel ? columns - j : kPanel;
    for (int64_t l = 0; l < inner; ++l) {
      const float* const from = b + l * inner_step + j * column_step;
      float* const to = panels + l * kPanel;
      if (count == kPanel && column_step == 1) {
        for (int v = 0; v < kPanelVectors; ++v) store(to + v * kLanes, load(from + v * kLanes));
        continue;
      }
      for (int64_t i = 0; i < count; ++i) to[i] = from[i * column_step];
      for (int64_t i = count; i < kPanel; ++i) to[i] = 0;
    }
  }
}

}  // namespace
}  // namespace tenon
