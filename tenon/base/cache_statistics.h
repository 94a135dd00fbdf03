#pragma once

// What a cache of the library holds, for those who watch memory:
//
//   CacheStatistics seen = {.hits = 9, .made = 3, .held = 2, .evicted = 1, .bytes = 8192};
//   seen.hit_rate();            // 0.75

#include <cstdint>

namespace tenon {

struct CacheStatistics {
  int64_t hits = 0;     // found
  int64_t made = 0;     // not found, so made and put in
  int64_t held = 0;     // entries that there are now
  int64_t evicted = 0;  // entries that were let go to make room, or that nobody used any more
  int64_t bytes = 0;    // that the entries take, as far as it is known

  double hit_rate() const {
    return hits + made == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(hits + made);
  }
};

}  // namespace tenon
