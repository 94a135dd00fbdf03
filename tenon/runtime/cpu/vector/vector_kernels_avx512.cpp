// Compiled for AVX-512 where the compiler is one for x86.
#if defined(__AVX512F__)
#include "tenon/runtime/cpu/vector/vector_kernels_here.h"

const tenon::VectorKernels* tenon::vector_kernels_avx512() { return vector_kernels_here(); }
#else
#include "tenon/runtime/cpu/vector/vector_kernels.h"

const tenon::VectorKernels* tenon::vector_kernels_avx512() { return nullptr; }
#endif
