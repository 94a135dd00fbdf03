// The loops in which own products and Winograd convolutions spend their time, in versions for the
// instruction sets of x86. Private to the kernels of the CPU.
//
//   if (const VectorKernels* k = vector_kernels())   // null: no version for this processor
//     k->product({.rows = m, .columns = n, .inner = l, .a = a, .a_row = l, .b = panels,
//                 .panel_step = l * k->panel, .c = c, .c_row = n});
#pragma once

#include <cstdint>

namespace tenon {

/// c[i, j] (+)= sum over l of a[i * a_row + l * a_inner] * b(l, j). One of a's steps is 1. b lies
/// in panels of `panel` columns, each [inner, panel]; those of the last one that are beyond
/// `columns` are read as far as the vector reaches that holds column `columns` - 1.
struct ProductBlock {
  int64_t rows, columns, inner;
  const float* a;
  int64_t a_row, a_inner = 1;
  const float* b;
  int64_t panel_step;
  float* c;
  int64_t c_row;
  bool add = false;
};

/// An array [images, height, width, channels] and the tiles that it is cut into: tile (i, j) of an
/// image begins at row i * m - padding_rows and column j * m - padding_columns. Of the array's
/// channels, `stored` for each pixel, the first `channels` are looked at.
struct TileGrid {
  int64_t height, width, channels, stored;
  int64_t rows, columns;
  int64_t padding_rows = 0, padding_columns = 0;
};

/// Where entry (tile, channel) of the matrices, one for each place of a transformed tile, lies:
/// `matrix` floats from one to the next, and within it panels of `width` channels, `panel` floats
/// apart, that are [tile, width].
struct TileMatrices {
  float* data;
  int64_t matrix;
  int64_t width, panel;
};

/// A filter's block of `inner` read channels and `columns` written channels. Tap t of the pair
/// (l, j) is taps[t * tap_step + l * inner_step + j * column_step]; one of the steps of channels is
/// 1.
struct FilterBlock {
  int64_t inner, columns;
  const float* taps;
  int64_t tap_step, inner_step, column_step;
};

/// Winograd's algorithm F(m x m, 3 x 3), with (m + 2)^2 places in a transformed tile. Channels that
/// fill up the last vector are written as zeros.
struct WinogradKernels {
  int m;
  /// Tiles [first, first + count) of x, of (m + 2)^2 entries that overlap; zeros lie around it.
  void (*read_input)(const TileGrid& grid, int64_t first, int64_t count, const float* x,
                     const TileMatrices& to);
  /// Tiles of m^2 entries of the gradient of y.
  void (*read_gradient)(const TileGrid& grid, int64_t first, int64_t count, const float* dy,
                        const TileMatrices& to);
  /// To tiles of m^2 entries of y.
  void (*write_output)(const TileGrid& grid, int64_t first, int64_t count, const TileMatrices& from,
                       float* y);
  /// Entry (l, j) of the matrices is [panel of columns, l, column].
  void (*read_filter)(const FilterBlock& block, const TileMatrices& to);
  /// From matrices [inner, columns] with `from.width` floats a row.
  void (*write_filter_gradient)(int64_t inner, int64_t columns, const TileMatrices& from,
                                float* taps, int64_t tap_step, int64_t inner_step);
};

struct VectorKernels {
  int lanes;
  int rows, panel;  // of a product that is kept in registers; its blocks best have multiples
  void (*product)(const ProductBlock& block);
  /// Panels of b from a matrix of which one step is 1; lanes that fill up are zeros.
  void (*pack)(int64_t inner, int64_t columns, const float* b, int64_t inner_step,
               int64_t column_step, float* panels, int64_t panel_step);
  WinogradKernels winograd4, winograd2;
};

/// For the instructions that TENON_CPU allows.
const VectorKernels* vector_kernels();

/// One source for each; null where the compiler was one for other processors.
const VectorKernels* vector_kernels_avx2();
const VectorKernels* vector_kernels_avx512();

}  // namespace tenon
