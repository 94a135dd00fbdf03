#include "tenon/compile/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace tenon {

MemoryPlan plan_memory(std::span<const Lifetime> buffers) {
  MemoryPlan plan;
  plan.offsets.resize(buffers.size(), 0);
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<size_t> placed;  // by offset
  for (size_t index : order) {
    const Lifetime& buffer = buffers[index];
    int64_t bytes = (buffer.bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    if (bytes == 0) continue;
    int64_t offset = 0;
    for (size_t other : placed) {
      const Lifetime& taken = buffers[other];
      if (taken.last < buffer.first || buffer.last < taken.first) continue;
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + (taken.bytes + kBufferAlignment - 1) /
                                                          kBufferAlignment * kBufferAlignment);
    }
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    auto at =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [&](int64_t value, size_t other) { return value < plan.offsets[other]; });
    placed.insert(at, index);
  }
  return plan;
}

}  // namespace tenon
