// What is kept of the plans of tensors that were evaluated outside of jit, and how much.
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
  uint64_t hits = 0;          // evaluations whose plan was there, for these sizes or for all
  uint64_t compilations = 0;  // programs that were compiled
  uint64_t evicted = 0;       // plans that were dropped, the least recently used first
  size_t held = 0;            // plans that are there: one for a program and its sizes
  size_t limit = 0;           // of those
};
PlanCacheStatistics plan_cache_statistics();

/// At least 1; 1024 unless set. A plan that runs while it is dropped runs to its end.
void set_plan_cache_limit(size_t plans);

/// Drops all plans; those of jitted functions stay.
void clear_plan_cache();

}  // namespace tenon
