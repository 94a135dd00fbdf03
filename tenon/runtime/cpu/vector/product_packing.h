// The right operand of a product in panels.
#pragma once

#include "tenon/runtime/cpu/vector/product_kernel.h"

namespace tenon {
namespace {

/// Where entries (l, j) of the operand lie, and where panel after panel of them goes.
struct Packing {
  int64_t inner, columns;
  const float* b;
  int64_t inner_step, column_step;
  float* panels;
  int64_t panel_step;

  const float* from(int64_t l, int64_t j) const { return b + l * inner_step + j * column_step; }
  float* to(int64_t l, int64_t j) const {
    return panels + j / kPanel * panel_step + l * kPanel + j % kPanel;
  }
};

/// One by one, for what fills no square of vectors. Lanes behind the last column are zeros.
void pack_entries(const Packing& p, int64_t l, int64_t end, int64_t j) {
  for (; l < end; ++l) {
    float* const to = p.to(l, j);
    for (int64_t i = 0; i < kLanes; ++i) {
      to[i] = j + i < p.columns ? *p.from(l, j + i) : 0.0F;
    }
  }
}

/// Rows that lie far apart are not foreseen by the processor.
constexpr int64_t kRowsAhead = 16;

void pack_rows(const Packing& p) {
  const int64_t full = p.columns / kLanes * kLanes;
  for (int64_t l = 0; l < p.inner; ++l) {
    for (int64_t j = 0; j < full; j += kLanes) {
      __builtin_prefetch(p.from(l + kRowsAhead, j));
      store(p.to(l, j), load(p.from(l, j)));
    }
  }
  if (full < p.columns) pack_entries(p, 0, p.inner, full);
}

void pack_columns(const Packing& p) {
  const int64_t full = p.columns / kLanes * kLanes;
  for (int64_t j = 0; j < full; j += kLanes) {
    int64_t l = 0;
    for (; l + kLanes <= p.inner; l += kLanes) {
      Vector square[kLanes];
      for (int i = 0; i < kLanes; ++i) square[i] = load(p.from(l, j + i));
      transpose(square);
      for (int i = 0; i < kLanes; ++i) store(p.to(l + i, j), square[i]);
    }
    pack_entries(p, l, p.inner, j);
  }
  if (full < p.columns) pack_entries(p, 0, p.inner, full);
}

inline void pack(int64_t inner, int64_t columns, const float* b, int64_t inner_step,
                 int64_t column_step, float* panels, int64_t panel_step) {
  const Packing packing{inner, columns, b, inner_step, column_step, panels, panel_step};
  if (column_step == 1) {
    pack_rows(packing);
  } else if (inner_step == 1) {
    pack_columns(packing);
  } else {
    for (int64_t j = 0; j < columns; j += kLanes) pack_entries(packing, 0, inner, j);
  }
}

}  // namespace
}  // namespace tenon
