#pragma once

//   int64_t parts[16] = {};
//   parts[thread_number() % 16] += 1;      // few threads meet in one part

#include <atomic>
#include <cstddef>

namespace tenon {

/// 0, 1, 2 … in the order in which threads first ask.
inline size_t thread_number() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t own = threads.fetch_add(1, std::memory_order_relaxed);
  return own;
}

}  // namespace tenon
