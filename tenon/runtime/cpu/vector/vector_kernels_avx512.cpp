// Compiled for AVX-512 where the compiler is one for x86.
#include "tenon/runtime/cpu/vector/vector_kernels.h"

#if defined(__AVX512F__)
#include "tenon/runtime/cpu/vector/product_packing.h"
#include "tenon/runtime/cpu/vector/winograd_filters.h"

namespace tenon {

const VectorKernels* vector_kernels_avx512() {
  static constexpr VectorKernels kernels = {
      kLanes, kRows, kPanel, product, pack, winograd_kernels<4>(), winograd_kernels<2>()};
  return &kernels;
}

}  // namespace tenon

#else

namespace tenon {
const VectorKernels* vector_kernels_avx512() { return nullptr; }
}  // namespace tenon

#endif
