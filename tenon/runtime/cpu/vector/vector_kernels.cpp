#include "tenon/runtime/cpu/vector/vector_kernels.h"

#include "tenon/base/cpu.h"

namespace tenon {

const VectorKernels* vector_kernels() {
  switch (host_instruction_set()) {
    case InstructionSet::avx512:
      return vector_kernels_avx512();
    case InstructionSet::avx2:
      return vector_kernels_avx2();
    case InstructionSet::baseline:
      break;
  }
  return nullptr;
}

}  // namespace tenon
