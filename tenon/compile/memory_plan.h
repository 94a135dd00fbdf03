// Places buffers with known lifetimes in one block of memory.
//
//   std::vector<Lifetime> buffers = {{1024, 0, 2}, {512, 1, 3}, {1024, 3, 4}};
//   MemoryPlan plan = plan_memory(buffers);        // offsets {0, 1024, 0}, 1536 bytes
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tenon/base/alignment.h"

namespace tenon {

/// Bytes needed from step `first` to step `last`, inclusive.
struct Lifetime {
  int64_t bytes = 0;
  int32_t first = 0;
  int32_t last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  // multiples of kBufferAlignment, one per buffer
  int64_t bytes = 0;
};

/// Greedy: places buffers in some order, each at the lowest offset that is free during its
/// lifetime. Tries three orders (largest first, as in Pisarchyk and Lee, Efficient Memory
/// Management for Deep Neural Net Inference, 2020, section 5; longest lifetime; largest product of
/// both) and returns the plan that needs the fewest bytes.
MemoryPlan plan_memory(std::span<const Lifetime> buffers);

}  // namespace tenon
