// What the library keeps so that it need not be made again: how much it is, and what came of it.
//
//   #include <tenon/base/strings.h>
//   RuntimeCaches caches = runtime_caches();
//   print("{} kernels, {} found again\n", caches.kernels.held, caches.kernels.hits);
//   print("idle memory: {}\n", format_bytes(static_cast<uint64_t>(caches.arenas.bytes)));
//   release_idle_memory();
#pragma once

#include "tenon/base/cache_statistics.h"

namespace tenon {

/// Of the whole process.
struct RuntimeCaches {
  CacheStatistics kernels;       // machine code: of plans that there are, and what was used last
  CacheStatistics kernel_files;  // the same on disk (TENON_CACHE_DIR, TENON_CACHE_LIMIT)
  CacheStatistics instances;     // plans bound to sizes, where graphs have symbols
  CacheStatistics arenas;        // memory for intermediates between two runs
  CacheStatistics packed;        // operands that are bound or constant, in the order of kernels
  CacheStatistics constants;     // large ones that several graphs and executables may hold
};
RuntimeCaches runtime_caches();

/// Gives back the memory that plans keep for their next runs.
void release_idle_memory();

}  // namespace tenon
