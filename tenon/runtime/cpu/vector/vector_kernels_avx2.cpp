// Compiled for avx2.
#include "tenon/runtime/cpu/vector/vector_kernels.h"

#if defined(__x86_64__)
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
