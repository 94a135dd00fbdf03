// Packed operands, made once and shared by all executables and threads whose kernels read
// them.
//
//   given: const OpKernel& kernel; Literal filter;
//   if (std::optional<Packing> packing = kernel.packing(1)) {
//     std::shared_ptr<const PackedOperand> packed = packed_operand(filter, *packing);
//     inputs[1] = packed->memory->data();
//   }
#pragma once

#include <memory>

#include "tenon/base/blob.h"
#include "tenon/base/cache_statistics.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

struct PackedOperand {
  Literal source;  // kept, so that later requests can be compared with it
  std::shared_ptr<Blob> memory;
};

/// Found by the operand's bytes and the packing's layout, or made now. Freed with its last user.
/// Error resource_exhausted if there is no memory for it.
std::shared_ptr<const PackedOperand> packed_operand(const Literal& operand, const Packing& packing);

CacheStatistics packed_operand_statistics();

}  // namespace tenon
