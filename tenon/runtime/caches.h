// Statistics of the library's caches.
//
//   #include <tenon/base/strings.h>
//   RuntimeCaches caches = runtime_caches();
//   print("{} kernels, {} hits\n", caches.kernels.held, caches.kernels.hits);
//   print("idle memory: {}\n", format_bytes(static_cast<uint64_t>(caches.arenas.bytes)));
//   release_idle_memory();
#pragma once

#include "tenon/base/cache_statistics.h"

namespace tenon {

/// The caches of the whole process.
struct RuntimeCaches {
  CacheStatistics kernels;       // machine code of live plans, and recently used code
  CacheStatistics kernel_files;  // the same on disk (TENON_CACHE_DIR, TENON_CACHE_LIMIT)
  CacheStatistics instances;     // plans bound to sizes, for graphs with symbols
  CacheStatistics arenas;        // idle memory for intermediates
  CacheStatistics packed;        // bound or constant operands, packed for kernels
  CacheStatistics constants;     // large constants shared by graphs and executables
};
RuntimeCaches runtime_caches();

/// Frees the memory that plans keep for their next runs.
void release_idle_memory();

}  // namespace tenon
