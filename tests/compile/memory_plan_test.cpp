#include "tenon/compile/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tenon/base/random.h"

namespace tenon {
namespace {

bool meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

int64_t aligned(int64_t bytes) { return round_up(bytes, kBufferAlignment); }

/// Each buffer in turn at the lowest of all ends of others, or 0, where it meets no other.
MemoryPlan place_plainly(const std::vector<Lifetime>& buffers, const std::vector<size_t>& order) {
  MemoryPlan plan;
  plan.offsets.resize(buffers.size(), 0);
  std::vector<size_t> placed;
  for (size_t index : order) {
    const int64_t bytes = aligned(buffers[index].bytes);
    if (bytes == 0) continue;
    std::vector<int64_t> offsets = {0};
    for (size_t other : placed)
      offsets.push_back(plan.offsets[other] + aligned(buffers[other].bytes));
    std::ranges::sort(offsets);
    auto free = [&](int64_t offset) {
      return std::ranges::none_of(placed, [&](size_t other) {
        return meet(buffers[index], buffers[other]) &&
               offset < plan.offsets[other] + aligned(buffers[other].bytes) &&
               plan.offsets[other] < offset + bytes;
      });
    };
    plan.offsets[index] = *std::ranges::find_if(offsets, free);
    plan.bytes = std::max(plan.bytes, plan.offsets[index] + bytes);
    placed.push_back(index);
  }
  return plan;
}

MemoryPlan plan_plainly(const std::vector<Lifetime>& buffers) {
  auto steps = [](const Lifetime& b) { return static_cast<double>(b.last - b.first + 1); };
  auto bytes = [](const Lifetime& b) { return static_cast<double>(b.bytes); };
  MemoryPlan best;
  for (int by = 0; by < 3; ++by) {
    auto key = [&](size_t i) {
      const Lifetime& b = buffers[i];
      return by == 0 ? bytes(b) : by == 1 ? steps(b) : bytes(b) * steps(b);
    };
    std::vector<size_t> order(buffers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater<>(), key);
    MemoryPlan plan = place_plainly(buffers, order);
    if (by == 0 || plan.bytes < best.bytes) best = std::move(plan);
  }
  return best;
}

TEST(MemoryPlan, IsTheExampleOfTheHeader) {
  const std::vector<Lifetime> buffers = {{1024, 0, 2}, {512, 1, 3}, {1024, 3, 4}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_EQ(plan.offsets, (std::vector<int64_t>{0, 1024, 0}));
  EXPECT_EQ(plan.bytes, 1536);
}

// Lives of all kinds: most of them short, most of them long, nested, empty buffers among them.
TEST(MemoryPlan, PlacesEachBufferWhereAPlainSearchDoes) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    RandomStream random{RandomKey(seed)};
    const auto count = static_cast<int32_t>(random.below(120));
    const auto longest = static_cast<int64_t>(1 + random.below(seed % 3 == 0 ? 4 : 200));
    std::vector<Lifetime> buffers;
    for (int32_t i = 0; i < count; ++i) {
      Lifetime life{static_cast<int64_t>(random.below(3000)), i, i};
      if (seed % 4 == 1) {
        life.last = 2 * count - i;  // nested
      } else {
        life.last += static_cast<int32_t>(random.below(static_cast<uint64_t>(longest)));
      }
      if (random.below(10) == 0) life.bytes = 0;
      buffers.push_back(life);
    }
    const MemoryPlan plan = plan_memory(buffers), plain = plan_plainly(buffers);
    EXPECT_EQ(plan.bytes, plain.bytes) << seed;
    EXPECT_EQ(plan.offsets, plain.offsets) << seed;
  }
}

}  // namespace
}  // namespace tenon
