// The kernels for the instruction set that a source is compiled for: include it in a source of its
// own for each set, and nowhere else.
#pragma once

#include "tenon/runtime/cpu/vector/product_packing.h"
#include "tenon/runtime/cpu/vector/winograd_filters.h"

namespace tenon {
namespace {

inline const VectorKernels* vector_kernels_here() {
  static constexpr VectorKernels kernels = {
      kLanes, kRows, kPanel, product, pack, winograd_kernels<4>(), winograd_kernels<2>()};
  return &kernels;
}

}  // namespace
}  // namespace tenon
