// Filters to the matrices that Winograd's algorithm multiplies, and their gradients from these.
#pragma once

#include "tenon/runtime/cpu/vector/winograd_tiles.h"

namespace tenon {
namespace {

constexpr int kTaps = 3;

/// Of one read channel and the written channels of one vector: get(tap).
template <int kTile, class Get>
[[gnu::always_inline]] inline void filter_vector(Get&& get, const TileMatrices& to, float* at) {
  using W = Winograd<kTile>;
  transform_both<kTaps, W::kPlaces>(
      [](const Vector* g, Vector* u) { W::filter(g, u); }, get,
      [&](int i, int j, Vector v) { store(at + (i * W::kPlaces + j) * to.matrix, v); });
}

/// Written channels side by side in memory.
template <int kTile>
void read_filter_rows(const FilterBlock& f, const TileMatrices& to) {
  for (int64_t l = 0; l < f.inner; ++l) {
    for_each_vector(f.columns, [&](int64_t j, int64_t lanes) {
      const float* const from = f.taps + l * f.inner_step + j;
      float* const at = entry(to, l, j);
      if (lanes == kLanes) {
        filter_vector<kTile>(
            [&](int r, int s) { return load(from + (r * kTaps + s) * f.tap_step); }, to, at);
      } else {
        filter_vector<kTile>(
            [&](int r, int s) { return load(from + (r * kTaps + s) * f.tap_step, lanes); }, to, at);
      }
    });
  }
}

/// Read channels side by side: squares of vectors are turned first.
template <int kTile>
void read_filter_columns(const FilterBlock& f, const TileMatrices& to) {
  for_each_vector(f.columns, [&](int64_t j, int64_t lanes) {
    for_each_vector(f.inner, [&](int64_t l, int64_t rows) {
      Vector turned[kTaps * kTaps][kLanes] = {};
      for (int tap = 0; tap < kTaps * kTaps; ++tap) {
        const float* const from = f.taps + tap * f.tap_step + l + j * f.column_step;
        for (int64_t i = 0; i < lanes; ++i) {
          const float* const row = from + i * f.column_step;
          turned[tap][i] = rows == kLanes ? load(row) : load(row, rows);
        }
        transpose(turned[tap]);
      }
      for (int64_t k = 0; k < rows; ++k) {
        filter_vector<kTile>([&](int r, int s) { return turned[r * kTaps + s][k]; }, to,
                             entry(to, l + k, j));
      }
    });
  });
}

template <int kTile>
void read_filter(const FilterBlock& f, const TileMatrices& to) {
  f.column_step == 1 ? read_filter_rows<kTile>(f, to) : read_filter_columns<kTile>(f, to);
}

template <int kTile>
void write_filter_gradient(int64_t inner, int64_t columns, const TileMatrices& from, float* taps,
                           int64_t tap_step, int64_t inner_step) {
  using W = Winograd<kTile>;
  for (int64_t l = 0; l < inner; ++l) {
    for_each_vector(columns, [&](int64_t j, int64_t lanes) {
      const float* const at = entry(from, l, j);
      float* const to = taps + l * inner_step + j;
      transform_both<W::kPlaces, kTaps>(
          [](const Vector* u, Vector* g) { W::filter_gradient(u, g); },
          [&](int r, int s) { return load(at + (r * W::kPlaces + s) * from.matrix); },
          [&](int r, int s, Vector v) {
            float* const tap = to + (r * kTaps + s) * tap_step;
            lanes == kLanes ? store(tap, v) : store(tap, v, lanes);
          });
    });
  }
}

template <int kTile>
constexpr WinogradKernels winograd_kernels() {
  return {kTile,
          read_input<kTile>,
          read_gradient<kTile>,
          write_output<kTile>,
          read_filter<kTile>,
          write_filter_gradient<kTile>};
}

}  // namespace
}  // namespace tenon
