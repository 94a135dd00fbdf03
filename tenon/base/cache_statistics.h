#pragma once

// Statistics of a cache of the library, for monitoring memory:
//
//   CacheStatistics seen = {.hits = 9, .made = 3, .held = 2, .evicted = 1, .bytes = 8192};
//   seen.hit_rate();            // 0.75

#include <cstdint>

namespace tenon {

struct CacheStatistics {
  int64_t hits = 0;     // found
  int64_t made = 0;     // not found, so made and inserted
  int64_t held = 0;     // current number of entries
  int64_t evicted = 0;  // entries dropped to make room, or because they were unused
  int64_t bytes = 0;    // size of the entries, as far as known

  double hit_rate() const {
    return hits + made == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(hits + made);
  }
};

}  // namespace tenon
