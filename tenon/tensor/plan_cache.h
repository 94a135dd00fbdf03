// The cache of plans for tensors evaluated outside jit: its limit and its counters.
//
//   #include <tenon/tensor/numpy.h>
//   clear_plan_cache();
//   for (int64_t n = 2; n < 100; ++n) sum(ones({n}) * 2).eval();
//   PlanCacheStatistics plans = plan_cache_statistics();
//   plans.compilations;                                       // a few, not 98
//   set_plan_cache_limit(512);
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenon {

struct PlanCacheStatistics {
  uint64_t hits = 0;          // evaluations whose plan was cached, for these sizes or for all
  uint64_t compilations = 0;  // programs that were compiled
  uint64_t evicted = 0;       // plans that were dropped, the least recently used first
  size_t held = 0;            // cached plans: one for a program and its sizes
  size_t limit = 0;           // of `held`
};
PlanCacheStatistics plan_cache_statistics();

/// At least 1; the default is 1024. A running plan that is dropped still finishes.
void set_plan_cache_limit(size_t plans);

/// Drops all plans except those of jitted functions.
void clear_plan_cache();

}  // namespace tenon
