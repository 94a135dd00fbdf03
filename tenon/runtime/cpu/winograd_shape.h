// The matrices of Winograd's algorithm for a problem, and their layout in scratch memory. Private.
#pragma once

#include <algorithm>

#include "tenon/base/alignment.h"
#include "tenon/runtime/cpu/convolution.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"

namespace tenon {

/// The sizes of a problem's products, one for each of `places`. A gradient of the input is a
/// problem of results: dy is read and dx written, with the filter turned round.
struct WinogradShape {
  WinogradShape(const ConvolutionProblem& p, int tile);

  int64_t places;          // (tile + 2)^2
  int64_t tiles;           // of all images
  int64_t inner, columns;  // channels that are read and written
  TileGrid read, written;
};

/// Matrices of numbers [rows, columns] in panels of `width` columns.
struct MatrixLayout {
  MatrixLayout() = default;
  MatrixLayout(int64_t places, int64_t rows, int64_t columns, int64_t panel_width);

  TileMatrices at(void* memory, int64_t first_row = 0) const {
    return {static_cast<float*>(memory) + first_row * width, matrix, width, panel};
  }
  size_t bytes() const { return static_cast<size_t>(places * matrix) * sizeof(float); }

  int64_t places = 0, width = 0, panel = 0, matrix = 0;
};

/// [0, total) in blocks of nearly the same size, all but the last a multiple of `unit`.
struct Blocks {
  Blocks() = default;
  Blocks(int64_t total, int64_t about, int64_t unit);

  int64_t begin(int64_t block) const { return block * size; }
  int64_t size_of(int64_t block) const { return std::min(size, total - begin(block)); }

  int64_t total = 0, size = 0, count = 0;
};

}  // namespace tenon
