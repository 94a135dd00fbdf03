#include "tenon/compile/memory_plan.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "tenon/base/error.h"

namespace tenon {

namespace {

int64_t sum_of(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    fail(ErrorCode::resource_exhausted, "a plan would need more than 2^63 bytes");
  return sum;
}

int64_t aligned(int64_t bytes) {
  return sum_of(bytes, kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

/// Each buffer in turn at the lowest offset that is free during its life.
MemoryPlan place(std::span<const Lifetime> buffers, std::span<const size_t> order) {
  MemoryPlan plan;
  plan.offsets.resize(buffers.size(), 0);
  std::vector<size_t> placed;  // by offset
  for (size_t index : order) {
    const Lifetime& buffer = buffers[index];
    int64_t bytes = aligned(buffer.bytes);
    if (bytes == 0) continue;
    int64_t offset = 0;
    for (size_t other : placed) {
      const Lifetime& taken = buffers[other];
      if (taken.last < buffer.first || buffer.last < taken.first) continue;
      if (sum_of(offset, bytes) <= plan.offsets[other]) break;
      offset = std::max(offset, sum_of(plan.offsets[other], aligned(taken.bytes)));
    }
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, sum_of(offset, bytes));
    auto at =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [&](int64_t value, size_t other) { return value < plan.offsets[other]; });
    placed.insert(at, index);
  }
  return plan;
}

/// The most bytes that are needed at once: no plan can do with less.
int64_t most_at_once(std::span<const Lifetime> buffers) {
  std::vector<std::pair<int32_t, int64_t>> changes;  // at a step, by so many bytes
  for (const Lifetime& buffer : buffers) {
    changes.emplace_back(buffer.first, aligned(buffer.bytes));
    changes.emplace_back(buffer.last + 1, -aligned(buffer.bytes));
  }
  std::ranges::sort(changes);  // what ends makes room for what begins
  int64_t now = 0, most = 0;
  for (const auto& [step, bytes] : changes) most = std::max(most, now = sum_of(now, bytes));
  return most;
}

double steps_of(const Lifetime& buffer) { return buffer.last - buffer.first + 1; }

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> buffers) {
  using Key = std::function<double(const Lifetime&)>;
  // Whichever comes first lies lowest. Activations that wait for the way back nest in one another
  // and stack without gaps where the longest life comes first; the large scratch of single calls
  // leaves gaps under them where size comes first.
  const Key keys[] = {
      [](const Lifetime& b) { return static_cast<double>(b.bytes); },
      [](const Lifetime& b) { return steps_of(b); },
      [](const Lifetime& b) { return static_cast<double>(b.bytes) * steps_of(b); },
  };
  const int64_t least = most_at_once(buffers);
  MemoryPlan best;
  std::vector<size_t> order(buffers.size());
  for (const Key& key : keys) {
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater<>(),
                             [&](size_t index) { return key(buffers[index]); });
    MemoryPlan plan = place(buffers, order);
    if (best.offsets.empty() || plan.bytes < best.bytes) best = std::move(plan);
    if (best.bytes <= least) break;
  }
  return best;
}

}  // namespace tenon
