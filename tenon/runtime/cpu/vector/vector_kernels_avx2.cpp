// Compiled for AVX2 where the compiler is one for x86.
#include "tenon/runtime/cpu/vector/vector_kernels.h"

#if defined(__AVX2__)
#include "tenon/runtime/cpu/vector/product_packing.h"
#include "tenon/runtime/cpu/vector/winograd_filters.h"

namespace tenon {

const VectorKernels* vector_kernels_avx2() {
  static constexpr VectorKernels kernels = {
      kLanes, kRows, kPanel, product, pack, winograd_kernels<4>(), winograd_kernels<2>()};
  return &kernels;
}

}  // namespace tenon

#else

namespace tenon {
const VectorKernels* vector_kernels_avx2() { return nullptr; }
}  // namespace tenon

#endif
