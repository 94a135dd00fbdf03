#include "tenon/runtime/caches.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/arena_pool.h"
#include "tenon/runtime/executable.h"

namespace tenon {
namespace {

std::shared_ptr<const Executable> symbolic(size_t kept_sizes) {
  auto graph = parse_graph(R"(
graph f(%x: f32[n,3], %w: f32[3,2]) -> (f32[n]) {
  %0: f32[n,2] = dot(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  %1: f32[n,2] = exp(%0)
  %2: f32[n] = reduce_sum(%1) {axes=[1]}
  return %2
})",
                           core_ops());
  return compile(*graph, core_ops(), {.kept_sizes = kept_sizes});
}

/// Whether the result for so many rows of zeros is 2 everywhere.
bool is_right(const Executable& executable, int64_t rows) {
  const Buffer x = Buffer::allocate(DType::f32, {rows, 3});
  const Buffer w = Buffer::allocate(DType::f32, {3, 2});
  std::fill_n(x.as<float>(), x.size(), 0.0f);
  std::fill_n(w.as<float>(), w.size(), 1.0f);
  const Buffer y = executable.run({x, w})[0];
  if (y.shape() != std::vector<int64_t>{rows}) return false;
  for (int64_t i = 0; i < rows; ++i) {
    if (y.as<float>()[i] != 2.0f) return false;
  }
  return true;
}

TEST(Instances, ThoseOfTheSizesUsedLastAreKept) {
  auto executable = symbolic(3);
  const CacheStatistics before = runtime_caches().instances;
  for (int64_t rows = 1; rows <= 20; ++rows) EXPECT_TRUE(is_right(*executable, rows));
  CacheStatistics after = runtime_caches().instances;
  EXPECT_EQ(after.made - before.made, 20);
  EXPECT_EQ(after.held - before.held, 3);
  EXPECT_EQ(after.evicted - before.evicted, 17);
  EXPECT_TRUE(is_right(*executable, 18));
  EXPECT_TRUE(is_right(*executable, 30));  // 19 goes
  EXPECT_TRUE(is_right(*executable, 20));
  EXPECT_TRUE(is_right(*executable, 18));
  EXPECT_EQ(runtime_caches().instances.made - after.made, 1);
  EXPECT_EQ(runtime_caches().instances.hits - after.hits, 3);
  executable = nullptr;
  EXPECT_EQ(runtime_caches().instances.held, before.held);
}

TEST(Instances, OneIsKeptAtLeast) {
  auto executable = symbolic(0);
  const CacheStatistics before = runtime_caches().instances;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_right(*executable, 5));
  EXPECT_EQ(runtime_caches().instances.made - before.made, 1);
}

TEST(Instances, ThreadsThatMeetMoreSizesThanAreKeptGetRightResults) {
  auto executable = symbolic(2);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) right += is_right(*executable, 1 + (i * (t + 2)) % 11) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

TEST(Arenas, FewWaitHoweverManyRanAtOnce) {
  ArenaPool pool;
  {
    std::vector<std::unique_ptr<ArenaPool::Lease>> leases;
    for (int64_t i = 0; i < 200; ++i) leases.emplace_back(new ArenaPool::Lease(pool.take(64 + i)));
    EXPECT_EQ(pool.statistics().held, 0);
  }
  EXPECT_EQ(pool.statistics().made, 200);
  EXPECT_EQ(pool.statistics().held, static_cast<int64_t>(ArenaPool::kMostIdle));
  EXPECT_GT(pool.statistics().bytes, 0);
  pool.release();
  EXPECT_EQ(pool.statistics().held, 0);
  EXPECT_EQ(pool.statistics().evicted, 200);
  EXPECT_EQ(pool.statistics().bytes, 0);
}

TEST(Arenas, WhatNobodyTakesForLongIsFreed) {
  ArenaPool pool;
  {
    auto small = pool.take(64);
    auto large = pool.take(1 << 20);
  }
  for (int64_t i = 0; i <= ArenaPool::kPatience; ++i) pool.take(64);
  EXPECT_EQ(pool.statistics().held, 1);
  EXPECT_LT(pool.statistics().bytes, 1 << 20);
}

TEST(Arenas, TheLeastThatFitsIsTaken) {
  ArenaPool pool;
  const std::byte* medium = nullptr;
  {
    auto small = pool.take(64);
    auto second = pool.take(1000);
    auto large = pool.take(5000);
    medium = second.data();
  }
  EXPECT_EQ(pool.take(700).data(), medium);
  EXPECT_EQ(pool.statistics().hits, 1);
}

TEST(Caches, KernelsOfDroppedPrograms) {
  const CacheStatistics before = runtime_caches().kernels;
  auto executable = symbolic(2);
  const CacheStatistics now = runtime_caches().kernels;
  EXPECT_GE(now.made + now.hits, before.made + before.hits);
  EXPECT_EQ(now.held, now.made - now.evicted);
}

}  // namespace
}  // namespace tenon
